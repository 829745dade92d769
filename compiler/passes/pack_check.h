// What can be asked of a staging at all. Used by `pack`.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// Errors: kBadSchedule for numbers that are out of range, or that no access of the machine can do.
Status check_staging(const Staging &staging, const Kernel &kernel, const TargetInfo &info);

} // namespace sparkle
