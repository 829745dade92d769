// Memory in place of a register as the last source of an instruction: where ops.def and the machine allow it.
#pragma once

#include <optional>

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// What a register holds lies in memory too.
struct Folded {
  Address memory;
  int bytes = 0;             ///< At `memory`; of the result, if is_broadcast.
  bool is_broadcast = false; ///< All lanes are the 4 bytes at `memory`.
};

/// The memory operand may be 4 bytes for all lanes, on kAvx512.
bool may_broadcast(Op op, int bytes);

/// a op b = b op a.
bool is_commutative(Op op);

/// `inst` with `memory` in place of `reg`, which stands as a source there once; operands may change places. Nothing:
/// there is no such instruction.
std::optional<Inst> with_memory(const Inst &inst, VReg reg, const Folded &folded, Isa isa);

} // namespace sparkle::x86
