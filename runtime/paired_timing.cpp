#include "runtime/paired_timing.h"

#include <algorithm>
#include <cmath>

#include "runtime/timer.h"

namespace sparkle {
namespace {

struct Pair {
  RunTimes times;
  double before = 0, after = 0;
  double peak() const { return (before + after) / 2; }
  bool agrees() const { return std::abs(before - after) <= kProbeTolerance * std::max(before, after); }
  double seconds() const { return summarize(times.kernel.empty() ? times.wall : times.kernel).median; }
};

double median(std::vector<double> values) { return summarize(std::move(values)).median; }

PairedTimes evaluate(std::vector<Pair> pairs, int64_t flops) {
  PairedTimes out;
  out.pairs = static_cast<int>(pairs.size());
  out.dropped = static_cast<int>(std::ranges::count_if(pairs, [](const Pair &pair) { return !pair.agrees(); }));
  out.disturbed = out.pairs - out.dropped < kFewestPairs;
  if (!out.disturbed) std::erase_if(pairs, [](const Pair &pair) { return !pair.agrees(); });
  std::vector<double> peaks, shares;
  for (const Pair &pair : pairs) {
    out.times.wall.insert(out.times.wall.end(), pair.times.wall.begin(), pair.times.wall.end());
    out.times.kernel.insert(out.times.kernel.end(), pair.times.kernel.begin(), pair.times.kernel.end());
    peaks.push_back(pair.peak());
    if (pair.seconds() > 0 && pair.peak() > 0)
      shares.push_back(static_cast<double>(flops) / pair.seconds() * 1e-9 / pair.peak() * 100);
  }
  out.peak_gflops = median(peaks);
  out.percent_of_peak = median(shares);
  return out;
}

} // namespace

Result<PairedTimes> time_in_pairs(Binding &binding, const RunOptions &options, int64_t flops,
                                  const std::function<Result<double>()> &probe) {
  const int repeats = std::max(options.repeats, 1);
  const int count = std::min(repeats, kMostPairs);
  std::vector<Pair> pairs(static_cast<size_t>(count));
  RunOptions each = options;
  for (int i = 0; i < count; ++i) {
    each.repeats = repeats / count + (i < repeats % count ? 1 : 0);
    if (i > 0) each.warmups = 0;
    Pair &pair = pairs[static_cast<size_t>(i)];
    SPARKLE_TRY(pair.before, probe());
    SPARKLE_TRY(pair.times, binding.run(each));
    SPARKLE_TRY(pair.after, probe());
  }
  return evaluate(std::move(pairs), flops);
}

} // namespace sparkle
