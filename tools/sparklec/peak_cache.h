// Measured peaks of this machine, remembered between calls in the user's cache directory.
#pragma once

#include <map>
#include <string>

#include "compiler/support/result.h"

namespace sparkle::cli {

struct MeasuredPeak {
  double gflops = 0;
  double read_gbs = 0;            ///< GB/s of reading memory with all threads; 0: not measured.
  double one_thread_read_gbs = 0; ///< The same with one.
};

/// By a key that names the device and its driver.
using PeakCache = std::map<std::string, MeasuredPeak>;

/// `$SPARKLE_CACHE_DIR/peaks.json`, else in `sparkle/` of $XDG_CACHE_HOME or of ~/.cache. Empty: none of them is known.
std::string peak_cache_path();
/// Empty where there is no file, or one that is damaged.
PeakCache read_peak_cache(const std::string &path);
/// At once or not at all; makes the folder, for the user alone. kIo.
Status write_peak_cache(const std::string &path, const PeakCache &peaks);

} // namespace sparkle::cli
