// From a program's text to callable code, phase by phase, by the calls that `jit` makes for its users.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/executable.h"

namespace sparkle::bench {

/// What is compiled.
struct JitSource {
  std::string name, text;
  std::map<std::string, int64_t>
      values; ///< Dimensions and `int` parameters; those that the kernel lacks count nothing.
};

enum class JitPhase : uint8_t {
  kOpen,   ///< Looking at the machine; once in a process.
  kParse,  ///< Text -> checked kernels.
  kImport, ///< Sizes bound and proven, loop IR made.
  kPlan,   ///< Schedules chosen: all up to pass `layout`.
  kPasses, ///< The other passes, and the verifier after each.
  kLower,  ///< The target's part.
};
inline constexpr std::array<std::string_view, 6> kJitPhaseNames = {"open", "parse",  "import",
                                                                   "plan", "passes", "lower"};

/// Seconds by JitPhase, on the wall.
struct JitTimes {
  std::array<double, kJitPhaseNames.size()> phases{};
  std::string target; ///< Who made the code.

  double &operator[](JitPhase phase) { return phases[static_cast<size_t>(phase)]; }
  double total() const;
};

struct JitBenchOptions {
  CompileOptions compile;
  int threads = 1;
  int repeats = 30; ///< Of the compilations after the first.
};

/// Once, on `machine`. Errors: those of a user's compilation, with the rendered diagnostics.
Result<JitTimes> time_phases(const JitSource &source, const std::shared_ptr<Machine> &machine,
                             const CompileOptions &options);

/// Once, in a process of its own that has compiled nothing before, a copy of this one: it must have no other threads
/// and must not have compiled anything either. kIo: no such process, or it died.
Result<JitTimes> time_cold_phases(const JitSource &source, const JitBenchOptions &options);

/// `options.repeats` times, after one that does not count.
Result<std::vector<JitTimes>> time_warm_phases(const JitSource &source, const std::shared_ptr<Machine> &machine,
                                               const JitBenchOptions &options);

} // namespace sparkle::bench
