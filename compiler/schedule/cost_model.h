// The cost model: enumerates legal schedules of a definition and scores them against a TargetInfo. One code for all
// devices; pure functions of the kernel and the machine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/pattern.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/value_bounds.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// What a schedule is predicted to cost on one machine, in cycles of one execution unit unless said otherwise.
struct Prediction {
  double seconds = 0;    ///< Of the kernel on the whole machine, launch included.
  double efficiency = 0; ///< Nominal operations per second over the machine's fused multiply-add peak.
  std::string bound; ///< What limits it: `arithmetic`, `load issue`, `L2`, `DRAM`, `parallelism`, `latency`, `launch`.
  double arithmetic_cycles = 0;
  double load_cycles = 0;
  double memory_seconds = 0;
  double compute_seconds = 0;            ///< Of issue and latency alone, on all units.
  double tile_waste = 0;                 ///< Part of the arithmetic that falls on padding of tiles.
  double balance = 1;                    ///< Part of the execution units that are busy, on average.
  int64_t near_bytes = 0;                ///< Explicit near memory of a group.
  int64_t registers = 0;                 ///< Per worker, in registers of `lanes` elements.
  std::vector<std::string> working_sets; ///< One line per memory level, for `explain`.
};

/// Part of the time of arithmetic and of each memory that does not overlap with the longest of them.
inline constexpr double kNotOverlapped = 0.25;

struct ScheduleCandidate {
  KernelSchedule schedule;
  Prediction prediction;
};

/// The cost of running `kernel` (stage kImported) with `schedule`. A schedule that is not legal gets infinite seconds
/// and the reason in `bound`.
Prediction predict(const Kernel &kernel, const KernelSchedule &schedule, const TargetInfo &info,
                   const TensorBounds &tensors = {});

/// The best candidates, best first, at most `count`; never empty. None of them uses a pattern of `forbidden`.
/// `tensors`: what is known of what the definition reads. Working sets are told of the first few.
std::vector<ScheduleCandidate> enumerate_schedules(const Kernel &kernel, const TargetInfo &info, size_t count,
                                                   PatternSet forbidden = {}, const TensorBounds &tensors = {});

/// The first of `enumerate_schedules`.
KernelSchedule choose_kernel_schedule(const Kernel &kernel, const TargetInfo &info, PatternSet forbidden = {},
                                      const TensorBounds &tensors = {});

using ScheduleFilter = std::function<bool(const KernelSchedule &)>;

/// The best of those that `accepts` takes and that pack nothing but constants; where there is none, one serial loop per
/// dimension.
KernelSchedule choose_accepted_schedule(const Kernel &kernel, const TargetInfo &info, const ScheduleFilter &accepts,
                                        const TensorBounds &tensors = {});

/// Adds an entry that decides the placement of each `let` that `schedule` does not name.
void add_placements(const Program &program, const TargetInfo &info, Schedule &schedule);

} // namespace sparkle
