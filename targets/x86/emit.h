// Machine code of a function whose registers are known: SparkleCpuEntry, System V AMD64 ABI.
#pragma once

#include <span>
#include <vector>

#include "compiler/support/result.h"
#include "targets/x86/allocate.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

struct MachineCode {
  std::vector<uint8_t> bytes; ///< Entry at 0; position independent; constants at the end, 64-byte aligned.
  size_t code_bytes = 0;      ///< Of `bytes`, without the constants.
  struct Line {
    size_t offset; ///< First byte.
    uint32_t line; ///< As in Inst.
  };
  std::vector<Line> lines; ///< In the order of offsets.
};

/// Saves what the ABI wants kept, aligns the frame, ends with vzeroupper. kUnsupported: an immediate or displacement
/// that its instruction cannot hold, with the instruction's text. No exception leaves it.
Result<MachineCode> emit(const Function &function, const Allocation &allocation);

} // namespace sparkle::x86
