// Text form of flat code; reads back as the same function.
#pragma once

#include <string>

#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

std::string to_text(const Inst &inst, const Function &function);
std::string to_text(const Function &function);
/// Errors are located in `source`: `vreg-syntax`, `vreg-op`, `vreg-operand`.
Result<Function> parse_function(const Source &source, Diagnostics &diagnostics);

} // namespace sparkle::x86
