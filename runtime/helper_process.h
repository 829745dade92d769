// Running a program of Sparkle's own to its end, within a time: for what may crash or hang.
#pragma once

#include <string>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle {

struct HelperEnd {
  std::string output; ///< What it wrote to standard output, at most 64 KiB of it.
  bool timed_out = false;
  int signal = 0;    ///< That ended it; 0: none.
  int exit_code = 0; ///< -1: not known, for somebody else waited for it.
};

/// Started by posix_spawn, which is safe among threads, with an absolute path, an empty standard input, no standard
/// error and none of the caller's other files; killed when the time is over. kIo: it cannot be started.
Result<HelperEnd> run_helper(const std::vector<std::string> &words, double timeout_seconds);

/// `signal 11 (Segmentation fault)`.
std::string signal_text(int signal);

} // namespace sparkle
