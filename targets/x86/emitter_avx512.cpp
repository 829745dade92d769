// What AVX-512 does in its own way. Instructions that exist in VEX alone (vblendvps, vcmpps into a vector, ...) have
// another form for registers 16 to 31 and for 64 bytes.
#include <algorithm>

#include "targets/x86/emitter.h"

namespace sparkle::x86 {

using Xbyak::Xmm;
using Any = Xbyak::Operand;

bool Avx512Emitter::special(const Inst &inst) {
  return blends(inst) || compare_lanes(inst) || compare_masks(inst) || masks(inst) || narrowing(inst) || parts(inst);
}

bool Avx512Emitter::fits_vex(const Inst &inst) const {
  const auto is_low = [&](VReg reg) {
    return !is_valid(reg) || f_.registers[reg] != RegClass::kVector || number(reg, RegClass::kVector) < 16;
  };
  return inst.bytes <= 32 && !inst.broadcast && is_low(inst.dst) &&
         std::all_of(inst.src.begin(), inst.src.end(), is_low);
}

bool Avx512Emitter::blends(const Inst &inst) {
  switch (inst.op) {
  case Op::kVOnes: ones(inst); return true;
  case Op::kVSplatG: vpbroadcastd(vector(inst.dst, inst.bytes), general32(inst.src[0])); return true;
  case Op::kBlend: blend(inst); return true;
  case Op::kBlendFixed: blend_fixed(inst); return true;
  case Op::kBlendK:
    vblendmps(vector(inst.dst, inst.bytes) | mask(inst.src[0]), vector(inst.src[2], inst.bytes),
              vector(inst.src[1], inst.bytes));
    return true;
  case Op::kPermute2: permute_two(inst); return true;
  case Op::kDotBytes: dot_bytes(inst); return true;
  case Op::kFMulAddK: multiply_add_masked(inst); return true;
  case Op::kFRound: round(inst); return true;
  default: return false;
  }
}

void Avx512Emitter::ones(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  if (fits_vex(inst))
    vpcmpeqd(d, d, d);
  else
    vpternlogd(d, d, d, 0xFF);
}

/// Lanes of the mask are all ones or zeros, so bits may be chosen one by one. The immediate is the table of
/// (result, second, third operand) in that order, the first being the highest bit of the index.
void Avx512Emitter::blend(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes), a = vector(inst.src[0], inst.bytes);
  const Xmm b = vector(inst.src[1], inst.bytes), c = vector(inst.src[2], inst.bytes);
  if (fits_vex(inst)) return vblendvps(d, c, b, a);
  constexpr uint8_t kFirstChooses = 0xCA, kSecondChoosesFirst = 0xE2, kSecondChoosesThird = 0xB8;
  if (d.getIdx() == b.getIdx() && d.getIdx() != a.getIdx()) return vpternlogd(d, a, c, kSecondChoosesFirst);
  if (d.getIdx() == c.getIdx() && d.getIdx() != a.getIdx()) return vpternlogd(d, a, b, kSecondChoosesThird);
  move_vector(d, a);
  vpternlogd(d, b, c, kFirstChooses);
}

/// Without vblendps the lanes are chosen by k1.
void Avx512Emitter::blend_fixed(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes), a = vector(inst.src[0], inst.bytes);
  const uint8_t lanes = small(inst, 255);
  if (inst.bytes > 32) return refuse("it works on at most 32 bytes");
  if (fits_vex(inst)) return with_vector(inst, 1, inst.bytes, [&](const Any &b) { vblendps(d, a, b, lanes); });
  mov(eax, lanes);
  kmovw(k1, eax);
  with_vector(inst, 1, inst.bytes, [&](const Any &b) { vblendmps(d | k1, a, b); });
}

void Avx512Emitter::permute_two(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  SPARKLE_CHECK(d.getIdx() == vector(inst.src[1], inst.bytes).getIdx(), "the result is not the second source");
  // The machine's result is the first table in one form and the indices in the other (vpermi2ps).
  vpermt2ps(d, vector(inst.src[0], inst.bytes), vector(inst.src[2], inst.bytes));
}

void Avx512Emitter::dot_bytes(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  SPARKLE_CHECK(d.getIdx() == vector(inst.src[2], inst.bytes).getIdx(), "the result is not the third source");
  if (!f_.isa.vnni) return refuse("the machine has no vnni");
  vpdpbusd(d, vector(inst.src[0], inst.bytes), vector(inst.src[1], inst.bytes), Xbyak::EvexEncoding);
}

void Avx512Emitter::multiply_add_masked(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  SPARKLE_CHECK(d.getIdx() == vector(inst.src[2], inst.bytes).getIdx(), "the result is not the third source");
  vfmadd231ps(masked(inst, d), vector(inst.src[0], inst.bytes), vector(inst.src[1], inst.bytes));
}

/// vrndscaleps with scale 0 is vroundps. Bit 3 of the immediate: inexact results raise nothing.
void Avx512Emitter::round(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  const auto mode = static_cast<uint8_t>(small(inst, 3) | 8);
  const bool is_short = fits_vex(inst);
  if (inst.bytes != 4) {
    return with_vector(inst, 0, inst.bytes,
                       [&](const Any &a) { is_short ? vroundps(d, a, mode) : vrndscaleps(d, a, mode); });
  }
  const bool is_memory = inst.memory.kind != Address::Kind::kNone;
  if (is_memory) vmovss(d, address(inst)); // else it would wait for what the result held
  const Xmm a = is_memory ? d : vector(inst.src[0], 4);
  is_short ? vroundss(d, a, a, mode) : vrndscaless(d, a, a, mode);
}

/// Where VEX does not reach, through a mask: k0 is no value's.
bool Avx512Emitter::compare_lanes(const Inst &inst) {
  const Op op = inst.op;
  if (op != Op::kFCompare && op != Op::kICompareEq && op != Op::kICompareGt) return false;
  const Xmm d = vector(inst.dst, inst.bytes), a = vector(inst.src[0], inst.bytes);
  const bool is_short = fits_vex(inst), is_scalar = inst.bytes == 4;
  const uint8_t how = op == Op::kFCompare ? small(inst, 31) : 0;
  with_vector(inst, 1, inst.bytes, [&](const Any &b) {
    if (op == Op::kICompareEq)
      is_short ? vpcmpeqd(d, a, b) : vpcmpeqd(k0, a, b);
    else if (op == Op::kICompareGt)
      is_short ? vpcmpgtd(d, a, b) : vpcmpgtd(k0, a, b);
    else if (is_scalar)
      is_short ? vcmpss(d, a, b, how) : vcmpss(k0, a, b, how);
    else
      is_short ? vcmpps(d, a, b, how) : vcmpps(k0, a, b, how);
  });
  if (!is_short) vpmovm2d(d, k0);
  return true;
}

bool Avx512Emitter::compare_masks(const Inst &inst) {
  if (inst.op != Op::kFCompareK && inst.op != Op::kICompareK) return false;
  const Xmm a = vector(inst.src[0], inst.bytes);
  const Xbyak::Opmask d = mask(inst.dst);
  const uint8_t how = small(inst, inst.op == Op::kFCompareK ? 31 : 7);
  with_vector(inst, 1, inst.bytes, [&](const Any &b) {
    if (inst.op == Op::kICompareK)
      vpcmpd(d, a, b, how);
    else
      inst.bytes == 4 ? vcmpss(d, a, b, how) : vcmpps(d, a, b, how);
  });
  return true;
}

bool Avx512Emitter::masks(const Inst &inst) {
  switch (inst.op) {
  case Op::kKFromG: kmovw(mask(inst.dst), general32(inst.src[0])); return true;
  case Op::kKToG: kmovw(general32(inst.dst), mask(inst.src[0])); return true;
  case Op::kKMove:
    if (mask(inst.dst).getIdx() != mask(inst.src[0]).getIdx()) kmovw(mask(inst.dst), mask(inst.src[0]));
    return true;
  case Op::kKAnd: kandw(mask(inst.dst), mask(inst.src[0]), mask(inst.src[1])); return true;
  case Op::kKOr: korw(mask(inst.dst), mask(inst.src[0]), mask(inst.src[1])); return true;
  case Op::kKXor: kxorw(mask(inst.dst), mask(inst.src[0]), mask(inst.src[1])); return true;
  case Op::kKNot: knotw(mask(inst.dst), mask(inst.src[0])); return true;
  case Op::kKLoad: kmovw(mask(inst.dst), address(inst)); return true;
  case Op::kKStore: kmovw(address(inst), mask(inst.src[0])); return true;
  case Op::kSignsToG: signs(inst); return true;
  case Op::kGather: gather(inst); return true;
  case Op::kScatter: scatter(inst); return true;
  default: return false;
  }
}

void Avx512Emitter::signs(const Inst &inst) {
  const Xmm a = vector(inst.src[0], inst.bytes);
  if (fits_vex(inst)) return vmovmskps(general32(inst.dst), a);
  vpmovd2m(k0, a);
  kmovw(general32(inst.dst), k0);
}

bool Avx512Emitter::narrowing(const Inst &inst) {
  const int half = inst.bytes == 64 ? 32 : 16;
  switch (inst.op) {
  case Op::kIToBytes: vpmovdb(vector(inst.dst, 16), vector(inst.src[0], inst.bytes)); return true;
  case Op::kIToWords: vpmovdw(vector(inst.dst, half), vector(inst.src[0], inst.bytes)); return true;
  case Op::kVStoreBytes:
  case Op::kVStoreWords: break;
  default: return false;
  }
  if (inst.bytes == 4) {
    narrow_one(inst);
    return true;
  }
  const Xmm a = vector(inst.src[0], inst.bytes);
  const Xbyak::Address to = is_valid(inst.mask) ? address(inst) | mask(inst.mask) : address(inst);
  if (inst.op == Op::kVStoreBytes)
    vpmovdb(to, a);
  else
    vpmovdw(to, a);
  return true;
}

void Avx512Emitter::narrow_one(const Inst &inst) {
  if (is_valid(inst.mask)) return refuse("a mask needs 16 bytes or more");
  const Xmm a = vector(inst.src[0], 16);
  if (inst.op == Op::kVStoreBytes)
    vpextrb(address(inst), a, 0);
  else
    vpextrw(address(inst), a, 0);
}

bool Avx512Emitter::parts(const Inst &inst) {
  switch (inst.op) {
  case Op::kExtract: extract(inst); return true;
  case Op::kInsert: insert(inst); return true;
  case Op::kInsertHalf:
    vinsertf64x4(Xbyak::Zmm(vector(inst.dst, 64).getIdx()), Xbyak::Zmm(vector(inst.src[0], 64).getIdx()),
                 vector(inst.src[1], 32), small(inst, 1));
    return true;
  default: return false;
  }
}

void Avx512Emitter::extract(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  const int a = vector(inst.src[0], 64).getIdx();
  const uint8_t part = small(inst, inst.bytes == 16 ? 3 : 1);
  if (part == 0) return move_vector(d, vector(inst.src[0], inst.bytes));
  if (inst.bytes == 32) return vextractf64x4(d, Xbyak::Zmm(a), part);
  if (part > 1) return vextractf32x4(d, Xbyak::Zmm(a), part);
  fits_vex(inst) ? vextractf128(d, Xbyak::Ymm(a), part) : vextractf32x4(d, Xbyak::Ymm(a), part);
}

void Avx512Emitter::insert(const Inst &inst) {
  const int d = vector(inst.dst, 64).getIdx(), a = vector(inst.src[0], 64).getIdx();
  const Xmm b = vector(inst.src[1], 16);
  const uint8_t part = small(inst, inst.bytes == 64 ? 3 : 1);
  if (inst.bytes == 64) return vinsertf32x4(Xbyak::Zmm(d), Xbyak::Zmm(a), b, part);
  const Xbyak::Ymm to(d), from(a);
  fits_vex(inst) ? vinsertf128(to, from, b, part) : vinsertf32x4(to, from, b, part);
}

void Avx512Emitter::masked_load(const Inst &inst) {
  vmovups(masked(inst, vector(inst.dst, inst.bytes)), address(inst));
}

void Avx512Emitter::masked_store(const Inst &inst) {
  vmovups(address(inst) | mask(inst.mask), vector(inst.src[0], inst.bytes));
}

/// Gathers and scatters clear their mask lane by lane.
void Avx512Emitter::gather(const Inst &inst) {
  const Xmm d = vector(inst.dst, inst.bytes);
  SPARKLE_CHECK(d.getIdx() == vector(inst.src[0], inst.bytes).getIdx(), "the result is not the first source");
  SPARKLE_CHECK(is_valid(inst.memory.index), "a gather needs an index");
  SPARKLE_CHECK(d.getIdx() != vector(inst.memory.index, inst.bytes).getIdx(), "a gather would overwrite its index");
  kmovw(k1, mask(inst.mask));
  vgatherdps(d | k1, address(inst));
}

void Avx512Emitter::scatter(const Inst &inst) {
  SPARKLE_CHECK(is_valid(inst.memory.index), "a scatter needs an index");
  kmovw(k1, mask(inst.mask));
  vscatterdps(address(inst) | k1, vector(inst.src[0], inst.bytes));
}

} // namespace sparkle::x86
