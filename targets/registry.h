// The explicit table of the targets in this build.
#pragma once

#include <span>
#include <string_view>

#include "compiler/support/result.h"
#include "compiler/target/target.h"

namespace sparkle {

/// In a fixed order: reference, x86, llvm, vulkan; those left out at configure time are missing.
std::span<const Target> targets();

/// kInvalidInput: no target has this name; kUnsupported: it was left out of this build.
Result<const Target *> find_target(std::string_view name);

} // namespace sparkle
