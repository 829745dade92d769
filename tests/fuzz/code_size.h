// How much code a schedule makes. Drivers that compile shaders for a CPU turn a worker with barriers into a coroutine,
// whose compilation grows faster than its code: unbounded random schedules would take minutes each.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"

namespace sparkle::test {

/// Statements of the largest kernel after all passes, unrolled loops written out; 0: the schedule is refused.
int64_t code_size(const Program &imported, const TargetInfo &info, const Schedule &schedule);

/// Leaves out the partitions of kernels with more than `most` statements, lets in their groups included; then near
/// memory, and barriers with it, of those that still have more; then their stagings in registers and their unrolled
/// loops. A schedule that is refused stays as it is.
void bound_code(const Program &imported, const TargetInfo &info, int64_t most, Schedule &schedule);

} // namespace sparkle::test
