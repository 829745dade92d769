// Arithmetic on vectors, alike in both families: three-address instructions, VEX or EVEX as the operands ask for.
#include "targets/x86/emitter.h"

namespace sparkle::x86 {

using Xbyak::Xmm;
using Any = Xbyak::Operand;

bool Emitter::vector_binary(const Inst &inst) {
  const OpInfo &info = info_of(inst.op);
  const bool is_binary = info.dst == Operand::kV && info.src[0] == Operand::kV && info.src[1] == Operand::kV &&
                         info.src[2] == Operand::kNone && info.memory != OpInfo::Memory::kLoad;
  if (!is_binary) return false;
  const Xmm d = vector(inst.dst, inst.bytes), a = vector(inst.src[0], inst.bytes);
  bool is_known = false;
  with_vector(inst, 1, inst.bytes, [&](const Any &b) {
    is_known = float_binary(inst, d, a, b) || whole_binary(inst, d, a, b) || lane_binary(inst, d, a, b);
  });
  return is_known;
}

bool Emitter::float_binary(const Inst &inst, const Xmm &d, const Xmm &a, const Any &b) {
  const bool is_scalar = inst.bytes == 4;
  switch (inst.op) {
  case Op::kFAdd: is_scalar ? vaddss(d, a, b) : vaddps(d, a, b); return true;
  case Op::kFSub: is_scalar ? vsubss(d, a, b) : vsubps(d, a, b); return true;
  case Op::kFMul: is_scalar ? vmulss(d, a, b) : vmulps(d, a, b); return true;
  case Op::kFDiv: is_scalar ? vdivss(d, a, b) : vdivps(d, a, b); return true;
  case Op::kFMin: is_scalar ? vminss(d, a, b) : vminps(d, a, b); return true;
  case Op::kFMax: is_scalar ? vmaxss(d, a, b) : vmaxps(d, a, b); return true;
  default: return false;
  }
}

/// Of bits in the domain of floats: they have one name for VEX and EVEX.
bool Emitter::whole_binary(const Inst &inst, const Xmm &d, const Xmm &a, const Any &b) {
  switch (inst.op) {
  case Op::kIAdd: vpaddd(d, a, b); return true;
  case Op::kISub: vpsubd(d, a, b); return true;
  case Op::kIMul: vpmulld(d, a, b); return true;
  case Op::kIMulEven: vpmuludq(d, a, b); return true;
  case Op::kIMulHalves: vpmaddwd(d, a, b); return true;
  case Op::kIMin: vpminsd(d, a, b); return true;
  case Op::kIMax: vpmaxsd(d, a, b); return true;
  case Op::kUMin: vpminud(d, a, b); return true;
  case Op::kUMax: vpmaxud(d, a, b); return true;
  case Op::kIAnd: vandps(d, a, b); return true;
  case Op::kIAndNot: vandnps(d, a, b); return true;
  case Op::kIOr: vorps(d, a, b); return true;
  case Op::kIXor: vxorps(d, a, b); return true;
  default: return false;
  }
}

bool Emitter::lane_binary(const Inst &inst, const Xmm &d, const Xmm &a, const Any &b) {
  switch (inst.op) {
  case Op::kPackU32: vpackusdw(d, a, b); return true;
  case Op::kPackU16: vpackuswb(d, a, b); return true;
  case Op::kShuffleBytes: vpshufb(d, a, b); return true;
  case Op::kUnpackLow: vunpcklps(d, a, b); return true;
  case Op::kUnpackHigh: vunpckhps(d, a, b); return true;
  case Op::kShuffle: vshufps(d, a, b, small(inst, 255)); return true;
  case Op::kInsertLane:
    if (inst.bytes > 16) refuse("it works on 16 bytes");
    vinsertps(d, a, b, small(inst, 255));
    return true;
  case Op::kPermute:
    if (inst.bytes < 32)
      refuse("it works on 32 or 64 bytes");
    else if (inst.bytes == 32)
      vpermps(Xbyak::Ymm(d.getIdx()), Xbyak::Ymm(a.getIdx()), b);
    else
      vpermps(Xbyak::Zmm(d.getIdx()), Xbyak::Zmm(a.getIdx()), b);
    return true;
  default: return false;
  }
}

bool Emitter::vector_unary(const Inst &inst) {
  const auto apply = [&](auto emit) {
    const Xmm d = vector(inst.dst, inst.bytes);
    with_vector(inst, 0, inst.bytes, [&](const Any &a) { emit(d, a); });
    return true;
  };
  switch (inst.op) {
  case Op::kFSqrt: square_root(inst); return true;
  case Op::kFMulAdd:
  case Op::kFNegMulAdd: multiply_add(inst); return true;
  case Op::kFMulAddMem: multiply_add_memory(inst); return true;
  case Op::kIShiftLeft:
  case Op::kIShiftRight:
  case Op::kIShiftSigned: shift_lanes(inst); return true;
  case Op::kIAbs: return apply([&](const Xmm &d, const Any &a) { vpabsd(d, a); });
  case Op::kFToI: return apply([&](const Xmm &d, const Any &a) { vcvttps2dq(d, a); });
  case Op::kIToF: return apply([&](const Xmm &d, const Any &a) { vcvtdq2ps(d, a); });
  case Op::kPermuteQuads: return apply([&](const Xmm &d, const Any &a) { vpermilps(d, a, small(inst, 255)); });
  default: return false;
  }
}

/// The scalar form passes the upper lanes of its first source on; the result as that source would wait for what the
/// result held before.
void Emitter::square_root(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  if (inst.bytes != 4) return with_vector(inst, 0, inst.bytes, [&](const Any &a) { vsqrtps(d, a); });
  if (inst.memory.kind == Address::Kind::kNone) {
    const Xmm a = vector(inst.src[0], 4);
    return vsqrtss(d, a, a);
  }
  vmovss(d, address(inst));
  vsqrtss(d, d, d);
}

void Emitter::shift_lanes(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes), a = vector(inst.src[0], inst.bytes);
  const uint8_t places = small(inst, 31);
  if (inst.op == Op::kIShiftLeft)
    vpslld(d, a, places);
  else if (inst.op == Op::kIShiftRight)
    vpsrld(d, a, places);
  else
    vpsrad(d, a, places);
}

/// 213 where the result shares a register with a factor, 231 where it does with the addend: no move in either case.
void Emitter::multiply_add(const Inst &inst) {
  const bool is_scalar = inst.bytes == 4, negates = inst.op == Op::kFNegMulAdd;
  const Xmm d = vector(inst.dst, inst.bytes), a = vector(inst.src[0], inst.bytes);
  const Xmm b = vector(inst.src[1], inst.bytes), c = vector(inst.src[2], inst.bytes);
  const bool is_a = d.getIdx() == a.getIdx(), is_b = d.getIdx() == b.getIdx(), is_c = d.getIdx() == c.getIdx();
  if (!is_c && (is_a || is_b)) {
    const Xmm &factor = is_a ? b : a;
    if (negates) return is_scalar ? vfnmadd213ss(d, factor, c) : vfnmadd213ps(d, factor, c);
    return is_scalar ? vfmadd213ss(d, factor, c) : vfmadd213ps(d, factor, c);
  }
  move_vector(is_scalar ? Xmm(d.getIdx()) : d, is_scalar ? Xmm(c.getIdx()) : c);
  if (negates) return is_scalar ? vfnmadd231ss(d, a, b) : vfnmadd231ps(d, a, b);
  is_scalar ? vfmadd231ss(d, a, b) : vfmadd231ps(d, a, b);
}

/// a * m + b: 132 where the result is a.
void Emitter::multiply_add_memory(const Inst &inst) {
  const bool is_scalar = inst.bytes == 4;
  const Xmm d = vector(inst.dst, inst.bytes);
  const Xmm a = vector(inst.src[0], inst.bytes), b = vector(inst.src[1], inst.bytes);
  const Xbyak::Address m = address(inst);
  if (d.getIdx() == a.getIdx() && d.getIdx() != b.getIdx())
    return is_scalar ? vfmadd132ss(d, b, m) : vfmadd132ps(d, b, m);
  move_vector(d, b);
  is_scalar ? vfmadd231ss(d, a, m) : vfmadd231ps(d, a, m);
}

} // namespace sparkle::x86
