// Random schedules that should be legal: every kind of split, fusion, order, staging and hint, for one machine.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"
#include "tests/fuzz/random.h"

namespace sparkle::test {

/// For a kernel at stage kImported, its lets placed already.
KernelSchedule random_kernel_schedule(const Kernel &kernel, const TargetInfo &info, Random &random);

/// For all kernels of a program at stage kImported, with random placements; packing kernels are scheduled too. Some
/// kernels get no entry. Errors: what the passes `place` and `layout` say to it.
Result<Schedule> random_schedule(const Program &imported, const TargetInfo &info, Random &random);

/// Every schedule with one feature less: an entry, a staging, an option, a split... Smaller ones first.
std::vector<Schedule> simpler_schedules(const Schedule &schedule);

} // namespace sparkle::test
