// Second half of `hoist`: binds expensive invariant expressions by Lets, in place. Private to `hoist`.
#pragma once

#include "compiler/ir/kernel.h"

namespace sparkle {

/// Whether anything was changed.
bool bind_expensive_invariants(Kernel &kernel);

} // namespace sparkle
