#include "targets/x86/memory_operand.h"

#include <algorithm>

#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

/// `inst` so that `reg` is its last source, or what stands for it in an operation with memory.
std::optional<Inst> with_reg_last(const Inst &inst, VReg reg) {
  Inst moved = inst;
  if (inst.op == Op::kFMulAdd) {
    if (inst.src[2] == reg) return std::nullopt;
    if (inst.src[0] == reg) std::swap(moved.src[0], moved.src[1]);
    // a * b + c becomes a * m + b.
    moved.op = Op::kFMulAddMem;
    std::swap(moved.src[1], moved.src[2]);
    return moved;
  }
  const OpInfo &info = info_of(inst.op);
  if (info.memory != OpInfo::Memory::kLast || inst.has_immediate) return std::nullopt;
  const auto last = static_cast<size_t>(last_source(info));
  if (last == 1 && inst.src[0] == reg && is_commutative(inst.op)) std::swap(moved.src[0], moved.src[1]);
  return moved.src[last] == reg ? std::optional(moved) : std::nullopt;
}

/// Bytes that a plain memory operand of the instruction has.
int bytes_read(const Inst &inst) { return inst.op == Op::kInsertLane ? 4 : inst.bytes; }

} // namespace

bool may_broadcast(Op op, int bytes) {
  switch (op) {
  case Op::kShuffleBytes:
  case Op::kInsertLane:
  case Op::kIMulEven: return false; // lanes of other sizes
  case Op::kFMulAddMem: return bytes >= 16;
  default: return bytes >= 16 && info_of(op).memory == OpInfo::Memory::kLast && info_of(op).src[0] == Operand::kV;
  }
}

bool is_commutative(Op op) {
  switch (op) {
  case Op::kGAdd:
  case Op::kGMul:
  case Op::kGAnd:
  case Op::kGOr:
  case Op::kGXor:
  case Op::kFAdd:
  case Op::kFMul:
  case Op::kIAdd:
  case Op::kIMul:
  case Op::kIMulEven:
  case Op::kIMin:
  case Op::kIMax:
  case Op::kUMin:
  case Op::kUMax:
  case Op::kIAnd:
  case Op::kIOr:
  case Op::kIXor: return true;
  default: return false;
  }
}

std::optional<Inst> with_memory(const Inst &inst, VReg reg, const Folded &folded, Isa isa) {
  if (inst.memory.kind != Address::Kind::kNone || is_valid(inst.mask)) return std::nullopt;
  int reads = 0;
  for_each_read(inst, [&](VReg read) { reads += read == reg; });
  std::optional<Inst> found = reads == 1 ? with_reg_last(inst, reg) : std::nullopt;
  if (!found) return std::nullopt;
  const bool is_vector = info_of(inst.op).src[0] == Operand::kV;
  if (is_vector && found->bytes == 4 && !has_scalar_form(found->op)) return std::nullopt;
  // From memory lane 0 alone is inserted; of a register, the one that the upper bits name.
  if (inst.op == Op::kInsertLane && (inst.immediate & 0xC0) != 0) return std::nullopt;
  const bool is_one_lane = is_vector && bytes_read(*found) == 4;
  found->broadcast = folded.is_broadcast && !is_one_lane;
  if (found->broadcast && !(isa.has_masks() && may_broadcast(found->op, found->bytes))) return std::nullopt;
  if (folded.bytes < bytes_read(*found)) return std::nullopt;
  const size_t last = found->op == Op::kFMulAddMem ? 2 : static_cast<size_t>(last_source(info_of(found->op)));
  found->src[last] = kNoId<VReg>;
  found->memory = folded.memory;
  return found;
}

} // namespace sparkle::x86
