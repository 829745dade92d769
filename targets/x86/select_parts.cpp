// Neighbouring elements from and to memory, one register of lanes at a time.
#include <algorithm>

#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int kLeastBytes = 16;
constexpr VReg kNone = kNoId<VReg>;

Op load_op(Scalar scalar) {
  switch (scalar) {
  case Scalar::kF32:
  case Scalar::kI32: return Op::kVLoad;
  case Scalar::kF16: return Op::kVLoadH;
  case Scalar::kBF16: return Op::kVLoadU16;
  case Scalar::kI8: return Op::kVLoadS8;
  case Scalar::kU8:
  case Scalar::kBool: return Op::kVLoadU8;
  case Scalar::kIndex: break;
  }
  SPARKLE_CHECK(false, "indices are loaded one by one");
}

Op widen_op(Scalar scalar) {
  switch (scalar) {
  case Scalar::kF16: return Op::kHToF;
  case Scalar::kBF16: return Op::kU16ToI;
  case Scalar::kI8: return Op::kS8ToI;
  default: return Op::kU8ToI;
  }
}

Address plus(Address at, int64_t bytes) {
  at.displacement += static_cast<int32_t>(bytes);
  return at;
}

} // namespace

/// `mask` may be none; lanes outside it are 0.
VReg Selector::load_part(const Address &at, Scalar scalar, int lanes, VReg mask) {
  const int bytes = part_bytes(lanes), element = static_cast<int>(bytes_of(scalar));
  const VReg raw = load_raw(at, scalar, lanes, mask);
  if (element == 4 || scalar == Scalar::kF16 || scalar == Scalar::kI8 || scalar == Scalar::kU8) return raw;
  if (scalar == Scalar::kBool) return mask_of_ones(bytes, raw);
  return b_.vector_immediate(Op::kIShiftLeft, std::max(bytes, kLeastBytes), 16, raw);
}

/// Lanes of 32 bits; bf16 still in their low halves.
VReg Selector::load_raw(const Address &at, Scalar scalar, int lanes, VReg mask) {
  const int bytes = part_bytes(lanes), wide = std::max(bytes, kLeastBytes);
  const auto element = static_cast<int>(bytes_of(scalar));
  const bool is_full = lanes * 4 == wide, in_masks = b_.isa().has_masks();
  const Op op = load_op(scalar);
  if (!is_valid(mask)) {
    if (is_full) return b_.vector_load(op, wide, at);
    if (element == 4 && lanes <= 2) return b_.vector_load(op, 4 * lanes, at);
    if (element != 4 && (!in_masks || lanes == 1))
      return b_.vector(widen_op(scalar), wide, load_bytes(at, lanes * element));
    return b_.vector_load(op, wide, at, first_lanes(lanes, wide));
  }
  return b_.vector_load(op, wide, at, is_full ? mask : both_masks(wide, mask, first_lanes(lanes, wide)));
}

/// So many (1 to 15) bytes in the low end of a register.
VReg Selector::load_bytes(const Address &at, int count) {
  const int tail = count % 4, words = count / 4;
  VReg rest = kNone;
  if (tail == 1) rest = b_.general_load(Op::kGLoad, 1, plus(at, count - 1));
  if (tail >= 2) rest = b_.general_load(Op::kGLoad, 2, plus(at, count - tail));
  if (tail == 3) {
    const VReg last = b_.general(Op::kGShiftLeft, 4, b_.general_load(Op::kGLoad, 1, plus(at, count - 1)), int64_t{16});
    rest = b_.general(Op::kGOr, 4, rest, last);
  }
  if (words == 0) return b_.vector(Op::kVFromG, 4, rest);
  VReg out = b_.vector_load(Op::kVLoad, words >= 2 ? 8 : 4, at);
  if (words == 3)
    out = b_.vector_immediate(Op::kLaneFromG, kLeastBytes, 2, out, b_.general_load(Op::kGLoad, 4, plus(at, 8)));
  return tail == 0 ? out : b_.vector_immediate(Op::kLaneFromG, kLeastBytes, words, out, rest);
}

void Selector::store_part(const Address &at, Scalar scalar, int lanes, VReg value, VReg mask) {
  const int wide = std::max(part_bytes(lanes), kLeastBytes);
  const bool is_full = lanes * 4 == wide;
  const auto element = static_cast<int>(bytes_of(scalar));
  if (is_valid(mask) && !is_full) mask = both_masks(wide, mask, first_lanes(lanes, wide));
  if (element == 4) {
    if (b_.isa().has_masks() && !is_valid(mask) && lanes > 2 && !is_full) mask = first_lanes(lanes, wide);
    if (is_valid(mask) || is_full) return b_.vector_store(Op::kVStore, wide, at, value, mask);
    return store_low(at, value, wide, 4 * lanes);
  }
  if (b_.isa().has_masks()) return store_narrowed(at, scalar, lanes, value, mask);
  SPARKLE_CHECK(!is_valid(mask), "short lanes under a mask are stored one by one");
  store_low(at, pack(scalar, lanes, value), kLeastBytes, element * lanes);
}

/// kAvx512.
void Selector::store_narrowed(const Address &at, Scalar scalar, int lanes, VReg value, VReg mask) {
  const int wide = std::max(part_bytes(lanes), kLeastBytes);
  const bool is_full = lanes * 4 == wide;
  if (scalar == Scalar::kF16) {
    const VReg half = half_of(wide, value);
    if (!is_valid(mask)) return store_low(at, half, std::max(wide / 2, kLeastBytes), 2 * lanes);
    return b_.vector_store(Op::kVStoreWords, wide, at, b_.vector(Op::kU16ToI, wide, half), mask);
  }
  if (lanes == 1 && !is_valid(mask))
    return store_low(at, pack(scalar, 1, value), kLeastBytes, static_cast<int>(bytes_of(scalar)));
  if (!is_valid(mask) && !is_full) mask = first_lanes(lanes, wide);
  if (scalar == Scalar::kBool) value = ones_of(wide, value);
  if (scalar == Scalar::kBF16) value = b_.vector_immediate(Op::kIShiftRight, wide, 16, value);
  b_.vector_store(scalar == Scalar::kBF16 ? Op::kVStoreWords : Op::kVStoreBytes, wide, at, value, mask);
}

/// Up to 8 lanes as elements side by side in 16 bytes.
VReg Selector::pack(Scalar scalar, int lanes, VReg value) {
  const int wide = std::max(part_bytes(lanes), kLeastBytes);
  if (scalar == Scalar::kF16) return half_of(wide, value);
  if (scalar == Scalar::kBool) value = ones_of(wide, value);
  if (scalar == Scalar::kBF16) value = b_.vector_immediate(Op::kIShiftRight, wide, 16, value);
  if (scalar == Scalar::kI8) value = b_.vector(Op::kIAnd, wide, value, lanes_of(0xFF, wide));
  const VReg words = b_.vector(Op::kPackU32, kLeastBytes, value, quad(value, wide, wide / 32));
  return scalar == Scalar::kBF16 ? words : b_.vector(Op::kPackU16, kLeastBytes, words, words);
}

/// The low `count` bytes of a register of `wide` bytes, in powers of two.
void Selector::store_low(Address at, VReg value, int wide, int count) {
  int done = 0;
  for (int chunk = 64; chunk > 2; chunk /= 2) {
    if ((count & chunk) == 0) continue;
    b_.vector_store(Op::kVStore, chunk, plus(at, done), from_byte(value, wide, done));
    done += chunk;
  }
  if (count % 4 == 0) return;
  VReg rest = b_.vector(Op::kVToG, 4, from_byte(value, wide, done));
  if ((count & 2) != 0) b_.vector_store(Op::kGStore, 2, plus(at, done), rest);
  if (count % 4 == 3) rest = b_.general(Op::kGShiftRight, 4, rest, int64_t{16});
  if ((count & 1) != 0) b_.vector_store(Op::kGStore, 1, plus(at, count - 1), rest);
}

/// Bytes from a multiple of the size of what is taken, at the low end of a register.
VReg Selector::from_byte(VReg value, int wide, int first) {
  if (first == 0) return value;
  if (first % 32 == 0) return b_.vector_immediate(Op::kExtract, 32, first / 32, value);
  const VReg four = quad(value, wide, first / kLeastBytes);
  const int word = first % kLeastBytes / 4;
  return word == 0 ? four : b_.vector_immediate(Op::kPermuteQuads, kLeastBytes, word == 2 ? 0xEE : word * 0x55, four);
}

} // namespace sparkle::x86
