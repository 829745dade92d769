// Two implementations timed in pairs: one after the other, between probes of what the machine gives at that moment.
// Pairs whose probes differ say nothing and are dropped; what counts is the ratio within a pair.
#pragma once

#include <functional>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle::bench {

struct PairOptions {
  int pairs = 30;
  double slice_seconds = 0.003;   ///< Of each of the two in a pair, at least; one run at least.
  double probe_tolerance = 0.05;  ///< Probes around a pair that differ by more: it is dropped.
  std::function<double()> probe;  ///< GFLOPS of the machine now.
  std::function<double()> memory; ///< GB/s of reading memory now; once a pair.
};

struct PairTiming {
  double ours = 0, theirs = 0; ///< Seconds of one run: medians.
  /// theirs / ours: the median over the pairs, and the interval that holds it with 95% (bootstrap).
  double ratio = 0, ratio_low = 0, ratio_high = 0;
  double memory = 0;      ///< Median of `memory`.
  double memory_time = 0; ///< Median over the pairs of ours * memory: GB of reading in the time of one of our runs.
  int pairs = 0, dropped = 0;
  bool disturbed = false; ///< Fewer than a third of the pairs were left: then all count.
};

/// Time is that of the calling thread on its core (measure.h).
Result<PairTiming> time_pairs(const std::function<Status()> &ours, const std::function<Status()> &theirs,
                              const PairOptions &options);

/// Ends of the interval that holds the median with 95%, by resampling; the same for the same values.
std::pair<double, double> interval_of_median(const std::vector<double> &values);

} // namespace sparkle::bench
