// Moves, conversions and single lanes, alike in both families.
#include "targets/x86/emitter.h"

namespace sparkle::x86 {

using Xbyak::Xmm;

bool Emitter::vector_move(const Inst &inst) {
  switch (inst.op) {
  case Op::kVMove:
    if (is_valid(inst.mask))
      vmovaps(masked(inst, vector(inst.dst, inst.bytes)), vector(inst.src[0], inst.bytes));
    else
      move_vector(vector(inst.dst, inst.bytes), vector(inst.src[0], inst.bytes));
    return true;
  case Op::kVLoad: load_vector(inst); return true;
  case Op::kVStore: store_vector(inst); return true;
  case Op::kVStream: stream(inst); return true;
  case Op::kStoreFence: sfence(); return true;
  case Op::kPrefetch: prefetch(inst); return true;
  case Op::kVZero: {
    const Xmm d = vector(inst.dst, 16); // the rest becomes 0 too
    vxorps(d, d, d);
    return true;
  }
  case Op::kVBroadcast:
    if (inst.bytes == 4)
      vmovss(vector(inst.dst, 4), address(inst));
    else
      vbroadcastss(vector(inst.dst, inst.bytes), address(inst));
    return true;
  case Op::kVSplat:
    if (inst.bytes == 4)
      move_vector(vector(inst.dst, 4), vector(inst.src[0], 4));
    else
      vbroadcastss(vector(inst.dst, inst.bytes), vector(inst.src[0], 16));
    return true;
  default: return false;
  }
}

void Emitter::load_vector(const Inst &inst) {
  if (is_valid(inst.mask) && inst.bytes < 16) return refuse("a mask needs 16 bytes or more");
  if (is_valid(inst.mask)) return masked_load(inst);
  const Xmm d = vector(inst.dst, inst.bytes);
  if (inst.bytes == 4)
    vmovss(d, address(inst));
  else if (inst.bytes == 8)
    vmovq(d, address(inst));
  else
    vmovups(d, address(inst));
}

void Emitter::store_vector(const Inst &inst) {
  if (is_valid(inst.mask) && inst.bytes < 16) return refuse("a mask needs 16 bytes or more");
  if (is_valid(inst.mask)) return masked_store(inst);
  const Xmm a = vector(inst.src[0], inst.bytes);
  if (inst.bytes == 4)
    vmovss(address(inst), a);
  else if (inst.bytes == 8)
    vmovq(address(inst), a);
  else
    vmovups(address(inst), a);
}

void Emitter::stream(const Inst &inst) {
  if (inst.bytes < 16) return refuse("streams are of 16, 32 or 64 bytes");
  vmovntps(address(inst), vector(inst.src[0], inst.bytes));
}

void Emitter::prefetch(const Inst &inst) {
  const Xbyak::Address aim = address(inst, 1);
  switch (small(inst, 3)) {
  case 0: return prefetchnta(aim);
  case 1: return prefetcht0(aim);
  case 2: return prefetcht1(aim);
  default: return prefetcht2(aim);
  }
}

bool Emitter::widening_load(const Inst &inst) {
  switch (inst.op) {
  case Op::kVLoadH:
  case Op::kVLoadU8:
  case Op::kVLoadS8:
  case Op::kVLoadU16: break;
  default: return false;
  }
  const Xmm d = masked(inst, vector(inst.dst, inst.bytes));
  if (inst.bytes == 4)
    widening_load_one(inst);
  else if (inst.op == Op::kVLoadH)
    vcvtph2ps(d, address(inst));
  else if (inst.op == Op::kVLoadU8)
    vpmovzxbd(d, address(inst));
  else if (inst.op == Op::kVLoadS8)
    vpmovsxbd(d, address(inst));
  else
    vpmovzxwd(d, address(inst));
  return true;
}

/// The vector instructions would read beyond the element.
void Emitter::widening_load_one(const Inst &inst) {
  if (is_valid(inst.mask)) return refuse("a mask needs 16 bytes or more");
  const Xmm d = vector(inst.dst, 4);
  const int bytes = inst.op == Op::kVLoadH || inst.op == Op::kVLoadU16 ? 2 : 1;
  if (inst.op == Op::kVLoadS8)
    movsx(eax, address(inst, bytes));
  else
    movzx(eax, address(inst, bytes));
  vmovd(d, eax);
  if (inst.op == Op::kVLoadH) vcvtph2ps(d, d);
}

bool Emitter::conversion(const Inst &inst) {
  const int half = inst.bytes == 64 ? 32 : 16;
  switch (inst.op) {
  case Op::kHToF: vcvtph2ps(vector(inst.dst, inst.bytes), vector(inst.src[0], half)); return true;
  case Op::kFToH: vcvtps2ph(vector(inst.dst, half), vector(inst.src[0], inst.bytes), 0); return true;
  case Op::kU8ToI: vpmovzxbd(vector(inst.dst, inst.bytes), vector(inst.src[0], 16)); return true;
  case Op::kS8ToI: vpmovsxbd(vector(inst.dst, inst.bytes), vector(inst.src[0], 16)); return true;
  case Op::kU16ToI: vpmovzxwd(vector(inst.dst, inst.bytes), vector(inst.src[0], half)); return true;
  default: return false;
  }
}

bool Emitter::lane_move(const Inst &inst) {
  switch (inst.op) {
  case Op::kVFromG:
    if (inst.bytes == 8)
      vmovq(vector(inst.dst, 8), general64(inst.src[0]));
    else
      vmovd(vector(inst.dst, 4), general32(inst.src[0]));
    return true;
  case Op::kVToG:
    if (inst.bytes == 8)
      vmovq(general64(inst.dst), vector(inst.src[0], 8));
    else
      vmovd(general32(inst.dst), vector(inst.src[0], 4));
    return true;
  case Op::kGToF: { // Keeps upper lanes: would wait for what the result held before.
    const Xmm d = vector(inst.dst, 16);
    vxorps(d, d, d);
    inst.bytes == 8 ? vcvtsi2ss(d, d, general64(inst.src[0])) : vcvtsi2ss(d, d, general32(inst.src[0]));
    return true;
  }
  case Op::kFToG:
    inst.bytes == 8 ? vcvttss2si(general64(inst.dst), vector(inst.src[0], 16))
                    : vcvttss2si(general32(inst.dst), vector(inst.src[0], 16));
    return true;
  case Op::kLaneToG: {
    const uint8_t lane = small(inst, 3);
    if (lane == 0)
      vmovd(general32(inst.dst), vector(inst.src[0], 16));
    else
      vpextrd(general32(inst.dst), vector(inst.src[0], 16), lane);
    return true;
  }
  case Op::kLaneFromG:
    vpinsrd(vector(inst.dst, 16), vector(inst.src[0], 16), general32(inst.src[1]), small(inst, 3));
    return true;
  default: return false;
  }
}

} // namespace sparkle::x86
