// Entries of lets that are placed at a loop: they share the groups, and the workers, of their consumer.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/value_bounds.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// A schedule for a let that is placed at a loop, in groups of `workers` workers (1: as many as it likes). Of stagings
/// it has panels of constants alone: others are for kernels that have groups of their own. `shared`: its first
/// dimensions, which number the tiles. Workers share a result only where all those of the group do: they wait for each
/// other.
KernelSchedule choose_shared_schedule(const Kernel &kernel, const TargetInfo &info, size_t shared = 0,
                                      int64_t workers = 1, const TensorBounds &tensors = {});

/// Fused, but not for lanes that go on in the next dimension, which groups seldom cut.
bool joins_rows(const DimSchedule &dim);

/// Moves the groups along the lanes inside those of other dimensions: they stand outside for the sake of many groups.
/// Inside the groups of another dimension, which they will not be, their loop walks memory as it lies; unless constants
/// that all lanes of a step share stay in registers meanwhile.
void walk_along_lanes(const Kernel &kernel, KernelSchedule &entry);

/// Gives the lets that `schedule` places at loops the group loops of their consumers; with `automatic`, those that it
/// says nothing else of a schedule that fits the workers of the others. `placed`: what `place` left.
void share_groups(const Program &placed, const TargetInfo &info, bool automatic, Schedule &schedule);

} // namespace sparkle
