// Flat code whose registers are the machine's, for people: `ymm9 = vfma.32 ymm10, ymm11, ymm9`.
#pragma once

#include <string>

#include "targets/x86/allocate.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// As to_text, with the machine's names in place of the virtual ones; no line numbers.
std::string machine_text(const Inst &inst, const Function &function, const Allocation &allocation);

} // namespace sparkle::x86
