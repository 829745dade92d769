// What the target made of a kernel, for people: under each line of the kernel's text what it became.
#pragma once

#include <string>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "targets/x86/allocate.h"
#include "targets/x86/emit.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

std::string listing(const Function &function, const Kernel &kernel);
/// With the machine's registers: nearly its instructions, without a disassembler.
std::string listing(const Function &function, const Allocation &allocation, const Kernel &kernel);
/// Disassembled. kUnsupported: this build has no disassembler.
Result<std::string> listing(const MachineCode &code, const Kernel &kernel);

} // namespace sparkle::x86
