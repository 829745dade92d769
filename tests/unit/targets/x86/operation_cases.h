// Every operation of ops.def in every legal form, as functions that load operands, do the operation once and store all
// operands again. Shared by the tests that run them and the ones that decode them.
#pragma once

#include <functional>

#include "targets/x86/allocate.h"

namespace sparkle::x86 {

/// What the functions read and write; their argument 0 points to it.
struct CaseState {
  static constexpr size_t kSlots = 7, kDataBytes = 512, kFrameSlots = 3;
  alignas(64) uint8_t in[kSlots][64];   ///< By slot, before the operation. Masks of kAvx512 and generals: low bytes.
  alignas(64) uint8_t out[kSlots][64];  ///< By slot, after it.
  alignas(64) uint8_t data[kDataBytes]; ///< Memory operands lie around its middle.
  alignas(64) uint8_t frame[kFrameSlots][64]; ///< Copied to the frame before and back after.
};

/// Slots of operands.
enum CaseSlot : size_t { kResultSlot, kFirstSlot, kSecondSlot, kThirdSlot, kMaskSlot, kBaseSlot, kIndexSlot };

struct OperationCase {
  Function function;
  Allocation allocation;
  size_t at = 0;                                 ///< Of the operation in function.code.
  std::array<VReg, CaseState::kSlots> registers; ///< By slot; kNoId: not in use.

  const Inst &inst() const { return function.code[at]; }
  int number(size_t slot) const { return allocation.registers[registers[slot]]; }
};

/// Register numbers low and high (0, 7, 8, 15, 16, 31), results that share a register with a source, all widths, masks,
/// kinds of addresses, and the immediates at the edges.
void for_each_case(const Isa &isa, const std::function<void(const OperationCase &)> &visit);

} // namespace sparkle::x86
