#include "tools/bench/pairs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <thread>

#include "runtime/timer.h"

namespace sparkle::bench {
namespace {

constexpr int kResamples = 2000;

struct Pair {
  double before = 0, after = 0, memory = 0;
  Elapsed ours, theirs;
  double probe() const { return (before + after) / 2; }
};

double median(std::vector<double> values) { return summarize(std::move(values)).median; }

/// `value` of each pair.
template <class Value> std::vector<double> each(const std::vector<Pair> &pairs, Value value) {
  std::vector<double> values;
  for (const Pair &pair : pairs) values.push_back(value(pair));
  return values;
}

/// Once to bring its data near, then as often as fills the slice.
Result<Elapsed> slice(const Runs &runs, double seconds) {
  SPARKLE_TRY(const Elapsed first, runs(1));
  const int64_t times =
      std::clamp<int64_t>(static_cast<int64_t>(std::ceil(seconds / std::max(first.seconds, 1e-7))), 1, 20000);
  SPARKLE_TRY(const Elapsed all, runs(times));
  return Elapsed{all.seconds / static_cast<double>(times), all.wall / static_cast<double>(times)};
}

PairTiming evaluate(std::vector<Pair> pairs, double tolerance, bool has_other) {
  PairTiming out;
  out.pairs = static_cast<int>(pairs.size());
  const auto differs = [&](const Pair &p) {
    return std::abs(p.before - p.after) > tolerance * std::max(p.before, p.after);
  };
  out.dropped = static_cast<int>(std::ranges::count_if(pairs, differs));
  out.disturbed = (out.pairs - out.dropped) * 3 < out.pairs;
  if (!out.disturbed) std::erase_if(pairs, differs);
  out.ours = median(each(pairs, [](const Pair &p) { return p.ours.seconds; }));
  out.ours_wall = median(each(pairs, [](const Pair &p) { return p.ours.wall; }));
  out.peak = median(each(pairs, [](const Pair &p) { return p.probe(); }));
  out.peak_time = median(each(pairs, [](const Pair &p) { return p.ours.seconds * p.probe(); }));
  out.memory = median(each(pairs, [](const Pair &p) { return p.memory; }));
  out.memory_time = median(each(pairs, [](const Pair &p) { return p.memory * p.ours.seconds; }));
  if (!has_other) return out;
  const std::vector<double> ratios = each(pairs, [](const Pair &p) { return p.theirs.seconds / p.ours.seconds; });
  out.theirs = median(each(pairs, [](const Pair &p) { return p.theirs.seconds; }));
  out.ratio = median(ratios);
  std::tie(out.ratio_low, out.ratio_high) = interval_of_median(ratios);
  return out;
}

void settle(double seconds) {
  if (seconds > 0) std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

} // namespace

Runs runs_of(std::function<Status()> run, Clock clock) {
  return [run = std::move(run), clock](int64_t times) { return time_runs(run, times, clock); };
}

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

Result<PairTiming> time_pairs(const Runs &ours, const Runs &theirs, const PairOptions &options) {
  std::vector<Pair> pairs(static_cast<size_t>(std::max(options.pairs, 1)));
  for (Pair &pair : pairs) {
    if (options.memory) pair.memory = options.memory();
    pair.before = options.probe();
    SPARKLE_TRY(pair.ours, slice(ours, options.slice_seconds));
    if (theirs) {
      settle(options.settle_seconds);
      SPARKLE_TRY(pair.theirs, slice(theirs, options.slice_seconds));
      settle(options.settle_seconds);
    }
    pair.after = options.probe();
  }
  return evaluate(std::move(pairs), options.probe_tolerance, static_cast<bool>(theirs));
}

double geometric_mean(const std::vector<WeightedRatio> &ratios) {
  double logs = 0, count = 0;
  for (const WeightedRatio &one : ratios) {
    logs += static_cast<double>(one.count) * std::log(one.ratio);
    count += static_cast<double>(one.count);
  }
  return count > 0 ? std::exp(logs / count) : 0;
}

double quantile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double at = std::clamp(part, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

} // namespace sparkle::bench
