// Text form of flat code; reads back as the same function (registers that no instruction names come back as general).
//
//   function @dst avx512 vnni frame 2    `vnni` and the spill slots where there are any
//     pool 0000803f 00000040             bytes in hexadecimal
//     g0 = arg 0
//     v1 = vload.64 [g0 + g2*4 - 16] {k3}
//     v1 = vmove.64 v4 {k3 z}            zeroing
//     v1 = fadd.64 v1, bcast[pool + 4] !12
//     k3 = fcmp_k.64 v1, [frame 1], 17
//   L0:
//     jump_if.lt.8 g2, 100, L0
//     ret
//
// The letter of a register is its class, its number that of the VReg. `!12` is Inst::line. `;` starts a comment.
#pragma once

#include <string>

#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"
#include "targets/x86/allocate.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

std::string to_text(const Inst &inst, const Function &function);
std::string to_text(const Function &function);
/// With the machine's registers, as assemblers call them, vectors without their size: `rdi`, `v7`, `k2`. For people: it
/// does not read back.
std::string to_text(const Function &function, const Allocation &allocation);
/// Errors are located in `source`: `vreg-syntax`, `vreg-op`, `vreg-operand`.
Result<Function> parse_function(const Source &source, Diagnostics &diagnostics);

} // namespace sparkle::x86
