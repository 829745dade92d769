#include "tools/bench/clock.h"

#include <time.h>

#include "runtime/timer.h"

namespace sparkle::bench {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Result<Elapsed> time_runs(const std::function<Status()> &run, int64_t times, Clock clock) {
  const Stopwatch watch;
  const double start = thread_seconds();
  for (int64_t i = 0; i < times; ++i) SPARKLE_TRY_STATUS(run());
  const double thread = thread_seconds() - start, wall = watch.seconds();
  return Elapsed{clock == Clock::kThread ? thread : wall, wall};
}

} // namespace sparkle::bench
