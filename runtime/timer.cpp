#include "runtime/timer.h"

#include <algorithm>

namespace sparkle {

namespace {

double quantile(const std::vector<double> &sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - static_cast<double>(below));
}

} // namespace

TimeSummary summarize(std::vector<double> seconds) {
  TimeSummary summary;
  if (seconds.empty()) return summary;
  std::sort(seconds.begin(), seconds.end());
  summary.count = static_cast<int>(seconds.size());
  summary.min = seconds.front();
  summary.p5 = quantile(seconds, 0.05);
  summary.median = quantile(seconds, 0.5);
  summary.p95 = quantile(seconds, 0.95);
  summary.max = seconds.back();
  if (summary.median > 0) summary.spread = (summary.p95 - summary.p5) / summary.median;
  return summary;
}

} // namespace sparkle
