#include "targets/x86/emitter.h"

#include <algorithm>
#include <iterator>

#include "targets/x86/operands.h"
#include "targets/x86/text.h"

namespace sparkle::x86 {
namespace {

bool uses_wide_vectors(const Inst &inst) {
  const OpInfo &info = info_of(inst.op);
  const bool is_vector = info.dst == Operand::kV || std::count(info.src.begin(), info.src.end(), Operand::kV) > 0;
  return is_vector && inst.bytes > 16;
}

/// One load of 4 bytes for all lanes: operations on lanes of 4 bytes.
bool may_broadcast(Op op) {
  constexpr Op kOps[] = {Op::kFAdd,         Op::kFSub,    Op::kFMul,      Op::kFDiv,       Op::kFMin,
                         Op::kFMax,         Op::kFSqrt,   Op::kFRound,    Op::kFMulAddMem, Op::kFCompare,
                         Op::kFCompareK,    Op::kIAdd,    Op::kISub,      Op::kIMul,       Op::kIMin,
                         Op::kIMax,         Op::kUMin,    Op::kUMax,      Op::kIAbs,       Op::kIAnd,
                         Op::kIAndNot,      Op::kIOr,     Op::kIXor,      Op::kICompareEq, Op::kICompareGt,
                         Op::kICompareK,    Op::kFToI,    Op::kIToF,      Op::kBlendFixed, Op::kPermute,
                         Op::kPermuteQuads, Op::kShuffle, Op::kUnpackLow, Op::kUnpackHigh};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

bool may_have_mask(Op op) {
  constexpr Op kOps[] = {Op::kVMove,    Op::kVLoad,       Op::kVStore,      Op::kVLoadH,   Op::kVLoadU8, Op::kVLoadS8,
                         Op::kVLoadU16, Op::kVStoreBytes, Op::kVStoreWords, Op::kFMulAddK, Op::kGather,  Op::kScatter};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

} // namespace

Emitter::Emitter(const Function &function, const Allocation &allocation, const EmitterOptions &options)
    : Xbyak::CodeGenerator(options.capacity, options.buffer), f_(function), allocation_(allocation),
      labels_(function.labels), label_alignment_(function.labels, 0), label_at_(function.labels, 0),
      short_jumps_(options.short_jumps) {
  for (const Inst &inst : function.code) has_wide_vectors_ = has_wide_vectors_ || uses_wide_vectors(inst);
  find_saved_registers();
  find_loop_heads();
}

Result<MachineCode> Emitter::run() {
  MachineCode out;
  prologue();
  for (at_ = arguments(0); at_ < f_.code.size(); ++at_) {
    const Inst &inst = f_.code[at_];
    if (out.lines.empty() ? inst.line != 0 : out.lines.back().line != inst.line)
      out.lines.push_back({getSize(), inst.line});
    SPARKLE_TRY_STATUS(emit_one(inst));
  }
  current_ = nullptr;
  out.code_bytes = getSize();
  pool();
  out.bytes.assign(getCode(), getCode() + getSize());
  return out;
}

Status Emitter::emit_one(const Inst &inst) {
  current_ = &inst;
  if (info_of(inst.op).needs == OpInfo::Needs::kAvx512 && !f_.isa.has_masks()) refuse("avx2 has no such operation");
  if (is_valid(inst.mask) && !may_have_mask(inst.op)) refuse("the operation takes no mask");
  if (may_have_memory(inst) && refusal_.empty() && !dispatch(inst)) refuse("the family has no such operation");
  if (refusal_.empty()) return ok();
  return Error{ErrorCode::kUnsupported, "cannot encode `" + to_text(inst, f_) + "`: " + refusal_};
}

bool Emitter::may_have_memory(const Inst &inst) {
  const OpInfo &info = info_of(inst.op);
  const bool has = inst.memory.kind != Address::Kind::kNone;
  const bool is_vector = info.dst == Operand::kV || info.src[0] == Operand::kV;
  if (has && info.memory == OpInfo::Memory::kNo) refuse("it takes no memory operand");
  if (!has && info.memory != OpInfo::Memory::kNo && info.memory != OpInfo::Memory::kLast)
    refuse("it needs a memory operand");
  if (has && is_vector && info.memory == OpInfo::Memory::kLast && inst.bytes < 16 && !has_scalar_form(inst.op))
    refuse("a memory operand of 4 bytes needs a form for one lane");
  if (inst.broadcast && (!has || !f_.isa.has_masks() || inst.bytes < 16 || !may_broadcast(inst.op)))
    refuse("the memory operand cannot be broadcast");
  return refusal_.empty();
}

bool Emitter::dispatch(const Inst &inst) {
  return control(inst) || general_memory(inst) || general_operation(inst) || special(inst) || vector_binary(inst) ||
         vector_unary(inst) || vector_move(inst) || widening_load(inst) || conversion(inst) || lane_move(inst);
}

int Emitter::number(VReg reg, RegClass reg_class) const {
  SPARKLE_CHECK(is_valid(reg), "an operand is missing");
  SPARKLE_CHECK(f_.registers[reg] == reg_class, "an operand is of another class");
  const int number = allocation_.registers[reg];
  const int most = reg_class == RegClass::kGeneral ? 16 : reg_class == RegClass::kMask ? 8 : f_.isa.vector_registers();
  SPARKLE_CHECK(number < most, "the machine has no such register");
  return number;
}

Xbyak::Reg Emitter::general(VReg reg, int bytes) const {
  const int index = number(reg, RegClass::kGeneral);
  SPARKLE_CHECK(index != rax.getIdx() && index != rsp.getIdx(), "a reserved register was handed out");
  const Xbyak::Reg64 whole(index);
  if (bytes == 8) return whole;
  if (bytes == 4) return whole.cvt32();
  return bytes == 2 ? Xbyak::Reg(whole.cvt16()) : Xbyak::Reg(whole.cvt8());
}

Xbyak::Xmm Emitter::vector(VReg reg, int bytes) const {
  const int index = number(reg, RegClass::kVector);
  if (bytes == 64) return Xbyak::Zmm(index);
  return bytes == 32 ? Xbyak::Xmm(Xbyak::Ymm(index)) : Xbyak::Xmm(index);
}

Xbyak::Opmask Emitter::mask(VReg reg) const {
  const int index = number(reg, RegClass::kMask);
  SPARKLE_CHECK(index > k1.getIdx(), "a reserved register was handed out");
  return Xbyak::Opmask(index);
}

Xbyak::Xmm Emitter::masked(const Inst &inst, Xbyak::Xmm dst) const {
  if (!is_valid(inst.mask)) return dst;
  dst.setOpmaskIdx(mask(inst.mask).getIdx());
  if (inst.zeroing) dst.setZero();
  return dst;
}

const Xbyak::AddressFrame &Emitter::frame_of(const Inst &inst, int bytes) const {
  if (inst.broadcast) return ptr_b;
  return bytes == 1 ? byte : bytes == 2 ? word : bytes == 4 ? dword : bytes == 8 ? qword : ptr;
}

Xbyak::Address Emitter::address(const Inst &inst, int bytes) {
  const Address &m = inst.memory;
  const Xbyak::AddressFrame &frame = frame_of(inst, bytes);
  if (m.kind == Address::Kind::kFrame) {
    const int64_t offset = int64_t{m.number} * 64 + m.displacement;
    const bool is_inside = m.number < f_.frame_slots && offset >= 0 && offset < int64_t{f_.frame_slots} * 64;
    if (!is_inside) refuse("the frame has no such slot");
    return frame[rsp + (is_inside ? static_cast<int>(offset) : 0)];
  }
  if (m.kind == Address::Kind::kPool) {
    if (m.displacement < 0 || static_cast<size_t>(m.displacement) >= f_.pool.size())
      refuse("the constant pool ends before it");
    return frame[rip + pool_ + m.displacement];
  }
  Xbyak::RegExp sum(static_cast<size_t>(int64_t{m.displacement}));
  if (!is_valid(m.base) && !is_valid(m.index)) refuse("the address has no register");
  if (is_valid(m.base)) sum = Xbyak::RegExp(general64(m.base)) + sum;
  if (!is_valid(m.index)) return frame[sum];
  if (m.scale != 1 && m.scale != 2 && m.scale != 4 && m.scale != 8) {
    refuse("the scale is not 1, 2, 4 or 8");
    return frame[sum];
  }
  const bool is_vector = f_.registers[m.index] == RegClass::kVector;
  if (is_vector) return frame[sum + Xbyak::RegExp(vector(m.index, inst.bytes), m.scale)];
  return frame[sum + Xbyak::RegExp(general64(m.index), m.scale)];
}

uint8_t Emitter::small(const Inst &inst, int most) {
  if (inst.immediate >= 0 && inst.immediate <= most) return static_cast<uint8_t>(inst.immediate);
  refuse("the immediate is not in 0 to " + std::to_string(most));
  return 0;
}

} // namespace sparkle::x86
