// What AVX2 does in its own way: masks are vectors, and nothing is wider than 32 bytes.
#include "targets/x86/emitter.h"

namespace sparkle::x86 {

using Xbyak::Xmm;
using Any = Xbyak::Operand;

bool Avx2Emitter::special(const Inst &inst) {
  switch (inst.op) {
  case Op::kVOnes: {
    const Xmm d = vector(inst.dst, inst.bytes);
    vpcmpeqd(d, d, d);
    return true;
  }
  case Op::kVSplatG:
    vmovd(vector(inst.dst, 16), general32(inst.src[0]));
    if (inst.bytes > 4) vbroadcastss(vector(inst.dst, inst.bytes), vector(inst.dst, 16));
    return true;
  case Op::kBlend:
    vblendvps(vector(inst.dst, inst.bytes), vector(inst.src[2], inst.bytes), vector(inst.src[1], inst.bytes),
              vector(inst.src[0], inst.bytes));
    return true;
  case Op::kFRound: round(inst); return true;
  case Op::kExtract: extract(inst); return true;
  case Op::kInsert: {
    const Xbyak::Ymm d(vector(inst.dst, 32).getIdx()), a(vector(inst.src[0], 32).getIdx());
    if (inst.bytes != 32) refuse("the family's vectors have 32 bytes");
    vinsertf128(d, a, vector(inst.src[1], 16), small(inst, 1));
    return true;
  }
  case Op::kSignsToG: vmovmskps(general32(inst.dst), vector(inst.src[0], inst.bytes)); return true;
  default: return compare_lanes(inst);
  }
}

bool Avx2Emitter::compare_lanes(const Inst &inst) {
  const auto apply = [&](auto emit) {
    const Xmm d = vector(inst.dst, inst.bytes), a = vector(inst.src[0], inst.bytes);
    with_vector(inst, 1, inst.bytes, [&](const Any &b) { emit(d, a, b); });
    return true;
  };
  switch (inst.op) {
  case Op::kFCompare:
    return apply([&](const Xmm &d, const Xmm &a, const Any &b) {
      inst.bytes == 4 ? vcmpss(d, a, b, small(inst, 31)) : vcmpps(d, a, b, small(inst, 31));
    });
  case Op::kICompareEq: return apply([&](const Xmm &d, const Xmm &a, const Any &b) { vpcmpeqd(d, a, b); });
  case Op::kICompareGt: return apply([&](const Xmm &d, const Xmm &a, const Any &b) { vpcmpgtd(d, a, b); });
  case Op::kBlendFixed:
    return apply([&](const Xmm &d, const Xmm &a, const Any &b) { vblendps(d, a, b, small(inst, 255)); });
  default: return false;
  }
}

/// Bit 3 of the immediate: inexact results raise nothing.
void Avx2Emitter::round(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  const auto mode = static_cast<uint8_t>(small(inst, 3) | 8);
  if (inst.bytes != 4) return with_vector(inst, 0, inst.bytes, [&](const Any &a) { vroundps(d, a, mode); });
  const bool is_memory = inst.memory.kind != Address::Kind::kNone;
  if (is_memory) vmovss(d, address(inst));
  const Xmm a = is_memory ? d : vector(inst.src[0], 4);
  vroundss(d, a, a, mode);
}

void Avx2Emitter::extract(const Inst &inst) {
  const uint8_t part = small(inst, inst.bytes == 16 ? 1 : 0);
  if (part == 0) return move_vector(vector(inst.dst, inst.bytes), vector(inst.src[0], inst.bytes));
  vextractf128(vector(inst.dst, 16), Xbyak::Ymm(vector(inst.src[0], 32).getIdx()), part);
}

void Avx2Emitter::masked_load(const Inst &inst) {
  if (!inst.zeroing) return refuse("avx2 has no masked load that keeps lanes");
  vmaskmovps(vector(inst.dst, inst.bytes), vector(inst.mask, inst.bytes), address(inst));
}

void Avx2Emitter::masked_store(const Inst &inst) {
  vmaskmovps(address(inst), vector(inst.mask, inst.bytes), vector(inst.src[0], inst.bytes));
}

} // namespace sparkle::x86
