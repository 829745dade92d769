// Where random schedules place `let`s.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"
#include "tests/fuzz/random.h"

namespace sparkle::test {

/// The kernel's entry, made if there is none.
KernelSchedule &entry(Schedule &schedule, const std::string &kernel);

bool is_let(const Program &program, const Kernel &kernel);

/// Schedules the first result of `placed` and puts some of the stored `let`s in its groups: those that nobody else
/// reads.
void place_at_loops(const Program &placed, const TargetInfo &info, Random &random, Schedule &schedule);

/// Elements between the rows of some of the tiles of `placed`, which `place` left with `schedule`.
void skew_tiles(const Program &placed, Random &random, Schedule &schedule);

/// A random schedule for the loops of a kernel that keeps where it is placed; `place` makes the loops over tiles
/// itself.
void schedule_loops(const Kernel &kernel, const TargetInfo &info, Random &random, Schedule &schedule);

} // namespace sparkle::test
