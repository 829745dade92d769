#include "tests/bench/pairs.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "runtime/timer.h"
#include "tests/bench/measure.h"

namespace sparkle::bench {
namespace {

constexpr int kResamples = 2000;

struct Pair {
  double before = 0, after = 0, ours = 0, theirs = 0, memory = 0;
};

double median(std::vector<double> values) { return summarize(std::move(values)).median; }

/// Once to bring its data near, then as often as fills the slice.
Result<double> slice(const std::function<Status()> &run, double seconds) {
  double start = thread_seconds();
  SPARKLE_TRY_STATUS(run());
  const double first = thread_seconds() - start;
  const int64_t runs = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(seconds / std::max(first, 1e-7))), 1, 20000);
  start = thread_seconds();
  for (int64_t i = 0; i < runs; ++i) SPARKLE_TRY_STATUS(run());
  return (thread_seconds() - start) / static_cast<double>(runs);
}

PairTiming evaluate(std::vector<Pair> pairs, double tolerance) {
  PairTiming out;
  out.pairs = static_cast<int>(pairs.size());
  const auto differs = [&](const Pair &p) {
    return std::abs(p.before - p.after) > tolerance * std::max(p.before, p.after);
  };
  out.dropped = static_cast<int>(std::ranges::count_if(pairs, differs));
  out.disturbed = (out.pairs - out.dropped) * 3 < out.pairs;
  if (!out.disturbed) std::erase_if(pairs, differs);
  std::vector<double> ours, theirs, ratios, memory, memory_time;
  for (const Pair &p : pairs) {
    ours.push_back(p.ours);
    theirs.push_back(p.theirs);
    ratios.push_back(p.theirs / p.ours);
    memory.push_back(p.memory);
    memory_time.push_back(p.memory * p.ours);
  }
  std::tie(out.ratio_low, out.ratio_high) = interval_of_median(ratios);
  out.ours = median(std::move(ours));
  out.theirs = median(std::move(theirs));
  out.ratio = median(std::move(ratios));
  out.memory = median(std::move(memory));
  out.memory_time = median(std::move(memory_time));
  return out;
}

} // namespace

std::pair<double, double> interval_of_median(const std::vector<double> &values) {
  if (values.empty()) return {0, 0};
  std::mt19937 random(1);
  std::vector<double> medians, sample(values.size());
  for (int i = 0; i < kResamples; ++i) {
    for (double &one : sample) one = values[random() % values.size()];
    medians.push_back(median(sample));
  }
  std::ranges::sort(medians);
  return {medians[kResamples / 40], medians[kResamples - 1 - kResamples / 40]};
}

Result<PairTiming> time_pairs(const std::function<Status()> &ours, const std::function<Status()> &theirs,
                              const PairOptions &options) {
  std::vector<Pair> pairs(static_cast<size_t>(std::max(options.pairs, 1)));
  for (Pair &pair : pairs) {
    pair.memory = options.memory();
    pair.before = options.probe();
    SPARKLE_TRY(pair.ours, slice(ours, options.slice_seconds));
    SPARKLE_TRY(pair.theirs, slice(theirs, options.slice_seconds));
    pair.after = options.probe();
  }
  return evaluate(std::move(pairs), options.probe_tolerance);
}

} // namespace sparkle::bench
