// The clocks of measurements.
#pragma once

#include <cstdint>
#include <functional>

#include "compiler/support/result.h"

namespace sparkle::bench {

/// What a rate counts. `kThread` leaves out what the system gives to others, and misses other threads' work: it is for
/// work in the calling thread alone.
enum class Clock : uint8_t { kThread, kWall };

/// Of the calling thread on its core, since some time in the past.
double thread_seconds();

struct Elapsed {
  double seconds = 0; ///< By the clock that counts.
  double wall = 0;
};

/// `times` runs, one after the other.
Result<Elapsed> time_runs(const std::function<Status()> &run, int64_t times, Clock clock);

} // namespace sparkle::bench
