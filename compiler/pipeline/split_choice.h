// Which reductions are worth sharing among groups: those whose results alone do not keep the machine busy.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// Adds entries for the kernels of `program` (stage kImported, placed) that `schedule` does not name: one for each, or
/// those of both kernels where sharing the reduction is predicted to be faster.
void choose_splits(const Program &program, const TargetInfo &info, Schedule &schedule);

} // namespace sparkle
