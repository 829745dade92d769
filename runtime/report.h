// What a run did, as plain data: asked and used, right or wrong, how fast and against what.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/executable.h"
#include "runtime/paired_timing.h"
#include "runtime/timer.h"
#include "runtime/verify.h"

namespace sparkle {

struct PhaseTime {
  std::string name;
  double ms = 0;
};

struct RunReport {
  std::string kernel;
  std::string device_requested; ///< `auto`, `vulkan:0!`...
  std::string device_used;      ///< `cpu`, `reference`, `vulkan:0`.
  std::string device_name;
  std::string device_driver;
  std::string device_why;              ///< Why the first choice was the first.
  std::string fallback_reason;         ///< Empty: the first choice was used.
  std::vector<DeviceLeftOut> left_out; ///< With `auto`: devices and drivers that were no candidates, and why.
  std::string target;                  ///< `x86`, `llvm`, `vulkan`...
  std::string target_reason;           ///< Which preferred targets refused, and why; empty: none did.
  std::string schedule_source;         ///< `user`, `automatic`, `neutral`, `none` (reference).
  int threads = 0;                     ///< CPU; 0: other devices.

  bool verified = false;   ///< Compared and found right.
  std::string verify_mode; ///< `full`, `sampled`; empty: not compared.
  bool verify_exact = false;
  double max_abs_error = 0;
  std::string verify_text;

  int64_t flops = 0;          ///< Nominal, padded taps counted.
  int64_t flops_executed = 0; ///< Without what filters and borders leave out.
  int repeats = 0;
  TimeSummary wall;        ///< Seconds.
  TimeSummary kernel_time; ///< Seconds; count 0: the device has no clock.
  double gflops = 0;       ///< Nominal, by the median of the kernel time (wall time where there is none).

  double peak_gflops = 0;     ///< Measured beside the run; 0: not measured.
  double percent_of_peak = 0; ///< Of gflops; CPU: median over pairs of a run and the probes around it.
  int pairs = 0;              ///< CPU: runs (or groups of runs) between two probes; 0: not timed in pairs.
  int pairs_dropped = 0;      ///< Of them, left out of times and rates: the probes differ by more than 5%.
  bool disturbed = false;     ///< Hardly any pair was left: all count, and the figures say little.
  bool suspect = false;       ///< More than 105% of the peak by executed operations: the clock or the count is wrong.

  int64_t bytes_moved = 0; ///< Compulsory traffic of far memory: each tensor once for each launch that binds it.
  double predicted_ms = 0; ///< By the cost model, kernels only; 0: not predicted.
  std::string bound;       ///< What limits the longest kernel, by the cost model.

  double compile_ms = 0;
  std::vector<PhaseTime> phases; ///< Of compile_ms: each pass, `lower`, `load`.
};

inline constexpr double kSuspectShare = 1.05;

/// Everything that follows from the executable: names, operations, phases, traffic, prediction.
RunReport describe(const Executable &executable, const BoundArguments &arguments);
/// Adds times and rates; `peak_gflops` 0: not measured.
void add_times(RunReport &report, const RunTimes &times, double peak_gflops);
void add_times(RunReport &report, const PairedTimes &paired);
void add_verification(RunReport &report, const VerifyReport &verification);

/// One JSON object, indented by `indent` spaces; -1: on one line. Times in milliseconds.
std::string to_json(const RunReport &report, int indent = 2);
/// `key  value` a line, for people.
std::string to_text(const RunReport &report);

} // namespace sparkle
