#include "tools/bench/measure.h"

#include <algorithm>
#include <cmath>

#include "runtime/timer.h"

namespace sparkle::bench {
namespace {

Result<double> seconds_of(const Contestant &contestant, int64_t runs) {
  const double start = thread_seconds();
  for (int64_t i = 0; i < runs; ++i) SPARKLE_TRY_STATUS(contestant.run());
  return (thread_seconds() - start) / static_cast<double>(runs);
}

/// Runs that fill a slice, after two that fill the caches.
Result<int64_t> runs_of_slice(const Contestant &contestant, double slice) {
  SPARKLE_TRY(const double first, seconds_of(contestant, 1));
  if (first > slice) return 1;
  SPARKLE_TRY(const double warm, seconds_of(contestant, 2));
  return std::clamp<int64_t>(static_cast<int64_t>(std::ceil(slice / std::max(warm, 1e-7))), 1, 20000);
}

} // namespace

Result<std::vector<Timing>> measure(const std::vector<Contestant> &contestants, const MeasureOptions &options) {
  const size_t count = contestants.size();
  std::vector<int64_t> runs(count);
  std::vector<std::vector<double>> seconds(count), ratios(count);
  for (size_t c = 0; c < count; ++c) {
    SPARKLE_TRY(runs[c], runs_of_slice(contestants[c], options.slice_seconds));
  }
  for (int round = 0; round < options.rounds; ++round) {
    for (size_t c = 0; c < count; ++c) {
      SPARKLE_TRY_STATUS(contestants[c].run()); // Brings its data near again.
      SPARKLE_TRY(const double time, seconds_of(contestants[c], runs[c]));
      seconds[c].push_back(time);
    }
    for (size_t c = 0; c < count; ++c) ratios[c].push_back(seconds[c].back() / seconds[0].back());
  }
  std::vector<Timing> timings;
  for (size_t c = 0; c < count; ++c) {
    const TimeSummary summary = summarize(seconds[c]);
    timings.push_back({summary.median, summary.spread, summarize(ratios[c]).median});
  }
  return timings;
}

} // namespace sparkle::bench
