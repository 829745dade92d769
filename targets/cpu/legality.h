// What no target for CPUs runs, with the reason.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"

namespace sparkle::cpu {

/// kUnsupported where the kernel is not at Stage::kLowerable, uses fragments, shares memory or barriers among more than
/// one worker of a group, or would expand to more than kMaxExpandedStmts statements.
Status check_kernel(const Kernel &kernel);

/// Statements after expansion of unrolled loops; beyond it code is megabytes and compiling takes minutes.
inline constexpr int64_t kMaxExpandedStmts = 100000;

} // namespace sparkle::cpu
