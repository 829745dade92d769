// Whether a schedule speaks of what there is: passes ignore a loop that another one simplified away, so that names must
// be checked ahead of them, against the definition.
#pragma once

#include "compiler/schedule/loop_plan.h"

namespace sparkle {

/// `plan` is that of `kernel` (stage kImported, stagings at level far applied or not) and `schedule`. Errors:
/// kBadSchedule for a staging, prefetch or partition that names a tensor which the kernel does not read, a loop that
/// the plan does not have, or a dimension that it does not have; the text has the name.
Status validate(const Kernel &kernel, const KernelSchedule &schedule, const LoopPlan &plan);

} // namespace sparkle
