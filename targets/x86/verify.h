// Rules of flat code: what vreg.h and ops.def say of operands, and that every read has a write on all ways to it.
#pragma once

#include "compiler/support/result.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// kInternal with the number of the instruction, its text and the rule it breaks.
Status verify(const Function &function);

} // namespace sparkle::x86
