// Timing on a machine whose speed drifts: each run stands between two probes of the machine's peak, and counts only if
// the probes agree. (Shared machines change by 30% within minutes, and by half when a neighbour uses the other thread
// of a core.)
#pragma once

#include <functional>

#include "runtime/executable.h"

namespace sparkle {

inline constexpr int kMostPairs = 30;
inline constexpr double kProbeTolerance = 0.05; ///< Probes around a run that differ by more say nothing about it.
inline constexpr int kFewestPairs = 3;          ///< With fewer undisturbed ones, all count, and `disturbed` says so.

struct PairedTimes {
  RunTimes times;             ///< Of the runs that count.
  double peak_gflops = 0;     ///< Median of the probes around them.
  double percent_of_peak = 0; ///< Median of rate / (mean of the two probes), for `flops` operations a run.
  int pairs = 0;              ///< Made.
  int dropped = 0;            ///< For probes that differ.
  bool disturbed = false;
};

/// `probe` gives GFLOPS, in about a millisecond. `options.repeats` runs are spread over at most kMostPairs pairs.
Result<PairedTimes> time_in_pairs(Binding &binding, const RunOptions &options, int64_t flops,
                                  const std::function<Result<double>()> &probe);

} // namespace sparkle
