// Operations on general registers: two-address instructions, so a move goes first where the result is no source.
#include <limits>

#include "targets/x86/emitter.h"

namespace sparkle::x86 {

uint32_t Emitter::immediate32(const Inst &inst) {
  const int64_t most = inst.bytes == 4 ? std::numeric_limits<uint32_t>::max() : std::numeric_limits<int32_t>::max();
  if (inst.immediate < std::numeric_limits<int32_t>::min() || inst.immediate > most)
    refuse("the immediate has more than 32 bits");
  return static_cast<uint32_t>(inst.immediate);
}

bool Emitter::reads_in_address(const Inst &inst, VReg reg) const {
  if (inst.memory.kind != Address::Kind::kRegisters) return false;
  const int aim = general(reg, 8).getIdx();
  const auto is_same = [&](VReg part) { return is_valid(part) && general(part, 8).getIdx() == aim; };
  return is_same(inst.memory.base) || is_same(inst.memory.index);
}

bool Emitter::general_memory(const Inst &inst) {
  switch (inst.op) {
  case Op::kGLoad: load(inst); return true;
  case Op::kGLoadSigned: load_signed(inst); return true;
  case Op::kGStore: mov(address(inst), general(inst.src[0], inst.bytes)); return true;
  case Op::kGAddress: lea(general64(inst.dst), address(inst)); return true;
  default: return false;
  }
}

void Emitter::load(const Inst &inst) {
  if (inst.bytes >= 4)
    mov(general(inst.dst, inst.bytes), address(inst));
  else
    movzx(general32(inst.dst), address(inst, inst.bytes));
}

void Emitter::load_signed(const Inst &inst) {
  if (inst.bytes == 4)
    movsxd(general64(inst.dst), address(inst, 4));
  else
    movsx(general64(inst.dst), address(inst, inst.bytes));
}

bool Emitter::general_operation(const Inst &inst) {
  switch (inst.op) {
  case Op::kGConst: constant(inst); return true;
  case Op::kGMove: move_general(inst.dst, inst.src[0], inst.bytes); return true;
  case Op::kGSignExtend: movsxd(general64(inst.dst), general32(inst.src[0])); return true;
  case Op::kGShiftLeft:
  case Op::kGShiftRight:
  case Op::kGShiftSigned: shift(inst); return true;
  case Op::kGNeg:
    move_general(inst.dst, inst.src[0], inst.bytes);
    neg(general(inst.dst, inst.bytes));
    return true;
  case Op::kGMin:
  case Op::kGMax: extreme(inst); return true;
  case Op::kGDiv:
  case Op::kGMod: divide(inst); return true;
  case Op::kGSet: set(inst); return true;
  case Op::kGSelect: select(inst); return true;
  default: return arithmetic(inst);
  }
}

bool Emitter::arithmetic(const Inst &inst) {
  const auto apply = [&](auto registers, auto immediate) {
    if (inst.has_immediate) {
      move_general(inst.dst, inst.src[0], inst.bytes);
      immediate(general(inst.dst, inst.bytes), immediate32(inst));
    } else {
      two_address(inst, true, registers);
    }
    return true;
  };
  using Reg = Xbyak::Reg;
  using Any = Xbyak::Operand;
  switch (inst.op) {
  case Op::kGAdd: add(inst); return true;
  case Op::kGSub: subtract(inst); return true;
  case Op::kGMul: multiply(inst); return true;
  case Op::kGAnd:
    return apply([&](const Reg &d, const Any &b) { and_(d, b); }, [&](const Reg &d, uint32_t i) { and_(d, i); });
  case Op::kGOr:
    return apply([&](const Reg &d, const Any &b) { or_(d, b); }, [&](const Reg &d, uint32_t i) { or_(d, i); });
  case Op::kGXor:
    return apply([&](const Reg &d, const Any &b) { xor_(d, b); }, [&](const Reg &d, uint32_t i) { xor_(d, i); });
  default: return false;
  }
}

/// With 4 bytes a move onto itself is one too: the upper half becomes 0.
void Emitter::move_general(VReg to, VReg from, int bytes) {
  const Xbyak::Reg d = general(to, bytes), s = general(from, bytes);
  if (bytes == 4 || d.getIdx() != s.getIdx()) mov(d, s);
}

template <class Apply> void Emitter::with_memory(const Inst &inst, Apply apply) {
  const Xbyak::Reg d = general(inst.dst, inst.bytes), a = general(inst.src[0], inst.bytes);
  if (d.getIdx() == a.getIdx()) {
    apply(d, address(inst));
  } else if (reads_in_address(inst, inst.dst)) {
    const Xbyak::Reg work = inst.bytes == 4 ? Xbyak::Reg(eax) : Xbyak::Reg(rax);
    mov(work, a);
    apply(work, address(inst));
    mov(d, work);
  } else {
    mov(d, a);
    apply(d, address(inst));
  }
}

template <class Apply> void Emitter::two_address(const Inst &inst, bool commutes, Apply apply) {
  if (inst.memory.kind != Address::Kind::kNone) return with_memory(inst, apply);
  const Xbyak::Reg d = general(inst.dst, inst.bytes);
  const Xbyak::Reg a = general(inst.src[0], inst.bytes), b = general(inst.src[1], inst.bytes);
  if (d.getIdx() == a.getIdx()) return apply(d, b);
  if (d.getIdx() != b.getIdx()) {
    mov(d, a);
    return apply(d, b);
  }
  SPARKLE_CHECK(commutes, "the result would overwrite the second source");
  apply(d, a);
}

void Emitter::add(const Inst &inst) {
  const Xbyak::Reg d = general(inst.dst, inst.bytes);
  const int a = general(inst.src[0], 8).getIdx();
  if (inst.has_immediate) {
    const uint32_t number = immediate32(inst);
    if (d.getIdx() == a) return Code::add(d, number);
    return lea(d, ptr[Xbyak::Reg64(a) + static_cast<int>(number)]);
  }
  const bool is_apart =
      inst.memory.kind == Address::Kind::kNone && d.getIdx() != a && d.getIdx() != general(inst.src[1], 8).getIdx();
  if (is_apart) return lea(d, ptr[Xbyak::Reg64(a) + general64(inst.src[1])]);
  two_address(inst, true, [&](const Xbyak::Reg &to, const Xbyak::Operand &b) { Code::add(to, b); });
}

void Emitter::subtract(const Inst &inst) {
  const Xbyak::Reg d = general(inst.dst, inst.bytes), a = general(inst.src[0], inst.bytes);
  if (inst.has_immediate) {
    const uint32_t number = immediate32(inst);
    move_general(inst.dst, inst.src[0], inst.bytes);
    return sub(d, number);
  }
  const bool is_memory = inst.memory.kind != Address::Kind::kNone;
  if (!is_memory && d.getIdx() != a.getIdx() && d.getIdx() == general(inst.src[1], 8).getIdx()) {
    neg(d);
    return Code::add(d, a);
  }
  two_address(inst, false, [&](const Xbyak::Reg &to, const Xbyak::Operand &b) { sub(to, b); });
}

void Emitter::multiply(const Inst &inst) {
  if (inst.has_immediate)
    return imul(general(inst.dst, inst.bytes), general(inst.src[0], inst.bytes), static_cast<int>(immediate32(inst)));
  two_address(inst, true, [&](const Xbyak::Reg &to, const Xbyak::Operand &b) { imul(to, b); });
}

void Emitter::shift(const Inst &inst) {
  const int places = small(inst, inst.bytes * 8 - 1);
  const Xbyak::Reg d = general(inst.dst, inst.bytes);
  move_general(inst.dst, inst.src[0], inst.bytes);
  if (places == 0) return;
  if (inst.op == Op::kGShiftLeft)
    shl(d, places);
  else if (inst.op == Op::kGShiftRight)
    shr(d, places);
  else
    sar(d, places);
}

void Emitter::extreme(const Inst &inst) {
  const Xbyak::Reg d = general(inst.dst, inst.bytes);
  const Xbyak::Reg a = general(inst.src[0], inst.bytes), b = general(inst.src[1], inst.bytes);
  const bool holds_b = d.getIdx() == b.getIdx();
  if (!holds_b && d.getIdx() != a.getIdx()) mov(d, a);
  const Xbyak::Reg &other = holds_b ? a : b;
  cmp(d, other);
  if (inst.op == Op::kGMin)
    cmovg(d, other);
  else
    cmovl(d, other);
}

/// idiv rounds toward zero: where the remainder is negative, the quotient is one too many.
void Emitter::divide(const Inst &inst) {
  const bool is_half = inst.bytes == 4;
  const Xbyak::Reg a = general(inst.src[0], inst.bytes), b = general(inst.src[1], inst.bytes);
  const Xbyak::Reg high = is_half ? Xbyak::Reg(edx) : Xbyak::Reg(rdx);
  const Xbyak::Reg low = is_half ? Xbyak::Reg(eax) : Xbyak::Reg(rax);
  SPARKLE_CHECK(b.getIdx() != rdx.getIdx(), "a reserved register was handed out");
  mov(low, a);
  if (is_half)
    cdq();
  else
    cqo();
  idiv(b);
  if (inst.op == Op::kGMod) mov(low, high);
  const Xbyak::Reg &sign = inst.op == Op::kGMod ? low : high;
  sar(sign, inst.bytes * 8 - 1);
  if (inst.op == Op::kGMod) and_(low, b);
  lea(general(inst.dst, inst.bytes), ptr[rax + rdx]);
}

void Emitter::compare(const Inst &inst) {
  const Xbyak::Reg a = general(inst.src[0], inst.bytes);
  if (!inst.has_immediate) return cmp(a, general(inst.src[1], inst.bytes));
  const uint32_t number = immediate32(inst);
  if (number == 0)
    test(a, a); // the same flags
  else
    cmp(a, number);
}

void Emitter::set(const Inst &inst) {
  compare(inst);
  using Set = void (Code::*)(const Xbyak::Operand &);
  constexpr Set kSets[] = {&Code::sete, &Code::setne, &Code::setl, &Code::setle,
                           &Code::setg, &Code::setge, &Code::setb, &Code::setae};
  (this->*kSets[static_cast<size_t>(inst.condition)])(al);
  movzx(general32(inst.dst), al);
}

void Emitter::select(const Inst &inst) {
  const Xbyak::Reg32 condition = general32(inst.src[0]);
  const Xbyak::Reg d = general(inst.dst, inst.bytes);
  const Xbyak::Reg b = general(inst.src[1], inst.bytes), c = general(inst.src[2], inst.bytes);
  test(condition, condition);
  if (d.getIdx() == b.getIdx()) return cmovz(d, c);
  if (d.getIdx() != c.getIdx()) mov(d, c); // keeps the flags
  cmovnz(d, b);
}

void Emitter::constant(const Inst &inst) {
  const auto number = static_cast<uint64_t>(inst.immediate);
  if (number == 0)
    xor_(general32(inst.dst), general32(inst.dst));
  else
    mov(general64(inst.dst), number); // the shortest of its three forms
}

} // namespace sparkle::x86
