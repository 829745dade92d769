// Times of implementations that take turns, so that what disturbs the machine disturbs all of them. Time is that of the
// calling thread on its core: all of them run in it, and what the system gives to others is not counted.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "tools/bench/clock.h"

namespace sparkle::bench {

struct Contestant {
  std::string name;
  std::function<Status()> run; ///< Once.
};

struct Timing {
  double seconds = 0; ///< Of one run: the median over the rounds.
  double spread = 0;  ///< (p95 - p5) / median.
  double ratio = 1;   ///< Median over the rounds of time / time of the first contestant in the same round.
};

struct MeasureOptions {
  int rounds = 15;
  double slice_seconds = 0.003; ///< Of one contestant in one round, at least; one run at least.
};

/// One entry a contestant.
Result<std::vector<Timing>> measure(const std::vector<Contestant> &contestants, const MeasureOptions &options);

} // namespace sparkle::bench
