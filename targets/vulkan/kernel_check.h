// What a kernel must be for this target, and what of the machine's limits it uses.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle::vulkan {

/// kUnsupported, with the reason in words: types and operations that the emitter does not have, shapes that are no
/// launch, limits of the machine that are exceeded.
Status check_kernel(const Kernel &kernel, const TargetInfo &info);

} // namespace sparkle::vulkan
