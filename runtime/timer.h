// Wall time on a steady clock, and what a set of measured times says.
#pragma once

#include <chrono>
#include <vector>

namespace sparkle {

class Stopwatch {
public:
  Stopwatch() : start_(std::chrono::steady_clock::now()) {}
  void restart() { start_ = std::chrono::steady_clock::now(); }
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
  std::chrono::steady_clock::time_point start_;
};

/// All in seconds. Quantiles interpolate between neighbouring samples.
struct TimeSummary {
  int count = 0;
  double min = 0;
  double p5 = 0;
  double median = 0;
  double p95 = 0;
  double max = 0;
  /// (p95 - p5) / median; 0 without samples or with a median of 0.
  double spread = 0;
};

TimeSummary summarize(std::vector<double> seconds);

} // namespace sparkle
