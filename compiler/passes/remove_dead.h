// Removal of what has no effect. Private to `simplify` and `hoist`.
#pragma once

#include "compiler/ir/kernel.h"

namespace sparkle {

/// Removes, in place, Lets and Loads that nothing uses, local buffers that nothing reads together with what is stored
/// to them, and loops, branches and blocks left empty. Leaves garbage in the tables; `Rewriter(kernel).run()` drops it.
enum class Removed : uint8_t {
  kNothing,
  kSome,
  kNegated, ///< And a branch was left with its else part alone and got the opposite condition.
};
Removed remove_dead(Kernel &kernel);

} // namespace sparkle
