// Two implementations timed in pairs: one after the other, between probes of what the machine gives at that moment.
// Pairs whose probes differ say nothing and are dropped; what counts is the ratio within a pair.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "compiler/support/result.h"
#include "tools/bench/clock.h"

namespace sparkle::bench {

/// So many runs, one after the other.
using Runs = std::function<Result<Elapsed>(int64_t times)>;

/// `run`, by this clock.
Runs runs_of(std::function<Status()> run, Clock clock);

struct PairOptions {
  int pairs = 30;
  double slice_seconds = 0.003;   ///< Of each of the two in a pair, at least; one run at least.
  double probe_tolerance = 0.05;  ///< Probes around a pair that differ by more: it is dropped.
  double settle_seconds = 0;      ///< Before and after the other's turn: idle threads of both stop waiting for work.
  std::function<double()> probe;  ///< GFLOPS of the machine now.
  std::function<double()> memory; ///< GB/s of reading memory now, once a pair; empty: not measured.
};

/// Medians over the pairs that count.
struct PairTiming {
  double ours = 0, theirs = 0; ///< Seconds of one run.
  double ours_wall = 0;        ///< Likewise, on the wall.
  /// theirs / ours, and the interval that holds the median with 95% (bootstrap). 0: there is no other.
  double ratio = 0, ratio_low = 0, ratio_high = 0;
  double peak = 0;        ///< GFLOPS of the probes.
  double peak_time = 0;   ///< ours * probe: GFLOP at the peak in the time of one of our runs.
  double memory = 0;      ///< Of `memory`.
  double memory_time = 0; ///< ours * memory: GB of reading in the time of one of our runs.
  int pairs = 0, dropped = 0;
  bool disturbed = false; ///< Fewer than a third of the pairs were left: then all count.
};

/// `theirs` may be empty: then ours alone runs between the probes.
Result<PairTiming> time_pairs(const Runs &ours, const Runs &theirs, const PairOptions &options);

/// Ends of the interval that holds the median with 95%, by resampling; the same for the same values.
std::pair<double, double> interval_of_median(const std::vector<double> &values);

struct WeightedRatio {
  double ratio = 1; ///< > 0.
  int64_t count = 1;
};
/// Each as often as it counts; 0 of none.
double geometric_mean(const std::vector<WeightedRatio> &ratios);

/// The value that a share `part` of the values does not exceed, between neighbours if need be; 0 of none.
double quantile(std::vector<double> values, double part);

} // namespace sparkle::bench
