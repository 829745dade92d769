// What an instruction reads and writes, as every step over flat code must see it.
#pragma once

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// Lanes outside the mask keep what the result held.
inline bool is_merging(const Inst &inst) {
  return is_valid(inst.mask) && !inst.zeroing && is_valid(inst.dst) && inst.op != Op::kGather;
}

/// Calls visit(VReg &) for each operand that is read, the result of a merging instruction left out.
template <class Instruction, class Visit> void for_each_source(Instruction &inst, Visit &&visit) {
  for (auto &source : inst.src) {
    if (is_valid(source)) visit(source);
  }
  if (is_valid(inst.mask)) visit(inst.mask);
  if (inst.memory.kind != Address::Kind::kRegisters) return;
  if (is_valid(inst.memory.base)) visit(inst.memory.base);
  if (is_valid(inst.memory.index)) visit(inst.memory.index);
}

/// Calls visit(VReg) for each register that is read, as often as it is.
template <class Visit> void for_each_read(const Inst &inst, Visit &&visit) {
  for_each_source(inst, visit);
  if (is_merging(inst)) visit(inst.dst);
}

/// Number of the source that must be the result's register; -1: none.
inline int tied_source(Op op) {
  switch (op) {
  case Op::kGather: return 0;
  case Op::kPermute2: return 1;
  case Op::kDotBytes:
  case Op::kFMulAddK: return 2;
  default: return -1;
  }
}

/// Number of the last source of the operation; -1: it has none.
inline int last_source(const OpInfo &info) {
  for (int i = 2; i >= 0; --i) {
    if (info.src[static_cast<size_t>(i)] != Operand::kNone) return i;
  }
  return -1;
}

/// All of the result is all of the source, as far as the result is defined.
inline bool is_copy(const Inst &inst) {
  if (inst.op == Op::kGMove) return inst.bytes == 8;
  return (inst.op == Op::kVMove && !is_valid(inst.mask)) || inst.op == Op::kKMove;
}

/// With 4 bytes there is a form for lane 0, whose memory operand is 4 bytes too. Operations on lanes without one take
/// no memory operand then: 16 bytes would be read.
inline bool has_scalar_form(Op op) {
  switch (op) {
  case Op::kFAdd:
  case Op::kFSub:
  case Op::kFMul:
  case Op::kFDiv:
  case Op::kFMin:
  case Op::kFMax:
  case Op::kFSqrt:
  case Op::kFRound:
  case Op::kFMulAddMem:
  case Op::kFCompare:
  case Op::kFCompareK: return true;
  default: return false;
  }
}

inline bool is_jump(Op op) { return op == Op::kJump || op == Op::kJumpIf; }

/// Does something beside giving a result: what gives one does nothing else.
inline bool has_effect(const Inst &inst) { return !is_valid(inst.dst); }

} // namespace sparkle::x86
