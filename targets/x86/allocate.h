// Register allocation: linear scan over live ranges (Poletto, Sarkar 1999), weighted by loop depth. What does not fit
// is kept in the frame: code around its uses is rewritten with short ranges, and the scan starts again.
#pragma once

#include "compiler/support/result.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

struct Allocation {
  IdTable<VReg, uint8_t> registers; ///< By virtual register: number of the machine's register of that class.
  /// Of loads and stores of the frame, within loops that hold no other loop.
  int spills_in_hot_loops = 0;
};

/// Never handed out: rsp, rax (kept for emitters), rdx where the function divides, k0 and k1 (kept for emitters).
/// A register read last and the result of the same instruction may share a register of the machine.
/// kUnsupported: the frame leaves its limit (32 KiB).
Result<Allocation> allocate(Function &function);

} // namespace sparkle::x86
