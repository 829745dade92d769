// Arithmetic of whole numbers: i32 wraps, index does not overflow; divisions round down, divisors are positive.
#include <algorithm>
#include <bit>

#include "compiler/analysis/lane_steps.h"
#include "compiler/ir/numeric.h"
#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int kLeastBytes = 16;
constexpr VReg kNone = kNoId<VReg>;
constexpr int64_t kGreatest32 = 0x7FFFFFFF;
constexpr int64_t kClose = int64_t{1} << 29; ///< Differences of such numbers take less than 30 bits.
/// Lanes of a quad for vpermilps and vshufps: {1, 1, 3, 3}; {1, 3} of each operand; {0, 2, 1, 3}.
constexpr int64_t kOddLanes = 0xF5, kOddOfBoth = 0xDD, kInterleave = 0xD8;

bool is_power_of_two(int64_t number) { return number > 0 && (number & (number - 1)) == 0; }
int log2_of(int64_t power) { return std::countr_zero(static_cast<uint64_t>(power)); }

bool is_not_negative(const Interval &range) { return range.lo.value_or(-1) >= 0; }
bool fits_32_bits(const Interval &range) { return is_within(range, values_of(Scalar::kI32)); }

/// floor(x / divisor) is x * factor >> shift for 0 <= x <= limit.
struct Reciprocal {
  int64_t factor;
  int shift;
};

/// Of numbers up to 2^31 (Granlund, Montgomery 1994): factor < 2^32, and the shift is 31 at least.
Reciprocal reciprocal_of(int64_t divisor) {
  const int shift = 31 + static_cast<int>(std::bit_width(static_cast<uint64_t>(divisor - 1)));
  return {static_cast<int64_t>(((uint64_t{1} << shift) + static_cast<uint64_t>(divisor) - 1) /
                               static_cast<uint64_t>(divisor)),
          shift};
}

/// One whose products fit 32 bits.
std::optional<Reciprocal> short_reciprocal_of(int64_t divisor, int64_t limit) {
  for (int shift = 0; shift < 32; ++shift) {
    const int64_t power = int64_t{1} << shift, factor = (power + divisor - 1) / divisor;
    if (limit > 0xFFFFFFFF / factor) return std::nullopt;
    if ((factor * divisor - power) * limit < power) return Reciprocal{factor, shift};
  }
  return std::nullopt;
}

Op lanes_op(BinaryOp op) {
  switch (op) {
  case BinaryOp::kAdd: return Op::kIAdd;
  case BinaryOp::kSub: return Op::kISub;
  case BinaryOp::kMul: return Op::kIMul;
  case BinaryOp::kMin: return Op::kIMin;
  case BinaryOp::kMax: return Op::kIMax;
  default: break;
  }
  SPARKLE_CHECK(false, "no operation of lanes");
}

Op scalar_op(BinaryOp op) {
  switch (op) {
  case BinaryOp::kAdd: return Op::kGAdd;
  case BinaryOp::kSub: return Op::kGSub;
  case BinaryOp::kMul: return Op::kGMul;
  case BinaryOp::kMin: return Op::kGMin;
  case BinaryOp::kMax: return Op::kGMax;
  case BinaryOp::kDiv: return Op::kGDiv;
  case BinaryOp::kMod: return Op::kGMod;
  case BinaryOp::kAnd: return Op::kGAnd;
  case BinaryOp::kOr: return Op::kGOr;
  }
  SPARKLE_CHECK(false, "no operation of scalars");
}

bool divides(BinaryOp op) { return op == BinaryOp::kDiv || op == BinaryOp::kMod; }

} // namespace

Value Selector::whole_binary(const Binary &e, const Value &a, const Value &b, const Parts *into) {
  return whole_binary(e.op, a, b, divides(e.op) ? whole_range(e.a) : Interval{}, into);
}

/// `range`: of the dividend.
Value Selector::whole_binary(BinaryOp op, const Value &a, const Value &b, const Interval &range, const Parts *into) {
  const Type type = a.type;
  if (a.number && b.number)
    if (const auto folded = fold_binary_int(type.scalar, op, *a.number, *b.number)) return {type, {}, folded};
  if (!type.is_vector()) return {type, {scalar_whole(op, type, a, b, range, into ? (*into)[0] : kNone)}};
  if (a.is_apart || b.is_apart) {
    Value out{type, {}, {}, true};
    for (int i = 0; i < type.lanes; ++i)
      out.parts.push_back(scalar_whole(op, kIndexType, lane(a, i), lane(b, i), range, kNone));
    return out;
  }
  into = unless_crossed(into, {&a, &b});
  return each_part(type, into, [&](size_t i, int bytes, VReg to) {
    bytes = std::max(bytes, kLeastBytes);
    const int64_t right = static_cast<int32_t>(b.bits.value_or(0)); // 0: not known, no divisor.
    if (divides(op) && right > 0) return divide_lanes(op, bytes, a.parts[i], right, range, to);
    const int lanes = part_lanes(b_.isa(), type.lanes, static_cast<int>(i));
    if (divides(op)) return divide_each_lane(op, type, lanes, a.parts[i], b.parts[i]);
    if (op == BinaryOp::kMul && is_power_of_two(right))
      return b_.vector_immediate(Op::kIShiftLeft, bytes, log2_of(right), a.parts[i], kNone, to);
    return b_.vector(lanes_op(op), bytes, a.parts[i], b.parts[i], kNone, to);
  });
}

VReg Selector::scalar_whole(BinaryOp op, Type type, const Value &a, const Value &b, const Interval &range, VReg into) {
  const int bytes = type.scalar == Scalar::kIndex ? 8 : 4;
  if (divides(op)) return divide_scalar(op, type, a, b, range, into);
  if (op == BinaryOp::kSub && a.number == 0) return b_.general(Op::kGNeg, bytes, general(b), kNone, into);
  if (op == BinaryOp::kMin || op == BinaryOp::kMax)
    return b_.general(scalar_op(op), bytes, general(a), general(b), into);
  if (a.number && op != BinaryOp::kSub)
    return scalar_whole(op, type, b, Value{type, {b_.constant(*a.number)}}, {}, into);
  if (!b.number) return b_.general(scalar_op(op), bytes, general(a), general(b), into);
  if (op == BinaryOp::kMul && is_power_of_two(*b.number))
    return b_.general(Op::kGShiftLeft, bytes, general(a), int64_t{log2_of(*b.number)}, into);
  return b_.general(scalar_op(op), bytes, general(a), *b.number, into);
}

VReg Selector::divide_scalar(BinaryOp op, Type type, const Value &a, const Value &b, const Interval &range, VReg into) {
  const bool is_i32 = type.scalar == Scalar::kI32, is_div = op == BinaryOp::kDiv;
  const bool is_short = is_i32 || k_.index_bits == 32 || fits_32_bits(range);
  const int bytes = is_i32 ? 4 : 8;
  if (b.number && is_power_of_two(*b.number)) {
    if (is_div) return b_.general(Op::kGShiftSigned, bytes, general(a), int64_t{log2_of(*b.number)}, into);
    return b_.general(Op::kGAnd, bytes, general(a), *b.number - 1, into);
  }
  if (!b.number || !is_short || *b.number > kGreatest32)
    return b_.general(scalar_op(op), bytes, general(a), general(b), into);
  const Reciprocal reciprocal = reciprocal_of(*b.number);
  const VReg x = is_i32 ? b_.general(Op::kGSignExtend, 8, general(a), kNone) : general(a);
  // floor(x / d) is ~floor(~x / d) of negative numbers.
  const bool may_be_negative = !is_not_negative(range);
  const VReg sign = may_be_negative ? b_.general(Op::kGShiftSigned, 8, x, int64_t{63}) : kNone;
  VReg quotient = may_be_negative ? b_.general(Op::kGXor, 8, x, sign) : x;
  quotient = b_.general(Op::kGMul, 8, quotient, reciprocal.factor);
  const bool is_last = is_div && !may_be_negative;
  quotient = b_.general(Op::kGShiftRight, 8, quotient, int64_t{reciprocal.shift}, is_last ? into : kNone);
  if (may_be_negative) quotient = b_.general(Op::kGXor, 8, quotient, sign, is_div ? into : kNone);
  if (is_div) return quotient;
  return b_.general(Op::kGSub, 8, x, b_.general(Op::kGMul, 8, quotient, *b.number), into);
}

VReg Selector::divide_lanes(BinaryOp op, int bytes, VReg a, int64_t divisor, const Interval &range, VReg into) {
  const bool is_div = op == BinaryOp::kDiv;
  if (is_power_of_two(divisor)) {
    if (is_div) return b_.vector_immediate(Op::kIShiftSigned, bytes, log2_of(divisor), a, kNone, into);
    return b_.vector(Op::kIAnd, bytes, a, lanes_of(static_cast<uint32_t>(divisor - 1), bytes), kNone, into);
  }
  const VReg to = is_div ? into : kNone;
  const bool may_be_negative = !is_not_negative(range);
  const auto shorter = may_be_negative || !range.hi ? std::nullopt : short_reciprocal_of(divisor, *range.hi);
  VReg quotient = a;
  if (shorter) {
    quotient = b_.vector(Op::kIMul, bytes, a, lanes_of(static_cast<uint32_t>(shorter->factor), bytes));
    quotient = b_.vector_immediate(Op::kIShiftRight, bytes, shorter->shift, quotient, kNone, to);
  } else {
    const VReg sign = may_be_negative ? b_.vector_immediate(Op::kIShiftSigned, bytes, 31, a) : kNone;
    if (may_be_negative) quotient = b_.vector(Op::kIXor, bytes, a, sign);
    quotient = divide_magnitudes(bytes, quotient, divisor, may_be_negative ? kNone : to);
    if (may_be_negative) quotient = b_.vector(Op::kIXor, bytes, quotient, sign, kNone, to);
  }
  if (is_div) return quotient;
  const VReg product = b_.vector(Op::kIMul, bytes, quotient, lanes_of(static_cast<uint32_t>(divisor), bytes));
  return b_.vector(Op::kISub, bytes, a, product, kNone, into);
}

/// Of lanes that are not negative: the upper halves of 64-bit products, even and odd lanes apart.
VReg Selector::divide_magnitudes(int bytes, VReg a, int64_t divisor, VReg into) {
  const Reciprocal reciprocal = reciprocal_of(divisor);
  const VReg factor = lanes_of(static_cast<uint32_t>(reciprocal.factor), bytes);
  const VReg even = b_.vector(Op::kIMulEven, bytes, a, factor);
  const VReg odd_lanes = b_.vector_immediate(Op::kPermuteQuads, bytes, kOddLanes, a);
  const VReg odd = b_.vector(Op::kIMulEven, bytes, odd_lanes, factor);
  const VReg both = b_.vector_immediate(Op::kShuffle, bytes, kOddOfBoth, even, odd);
  const VReg upper = b_.vector_immediate(Op::kPermuteQuads, bytes, kInterleave, both);
  return b_.vector_immediate(Op::kIShiftRight, bytes, reciprocal.shift - 32, upper, kNone, into);
}

VReg Selector::divide_each_lane(BinaryOp op, Type type, int lanes, VReg a, VReg b) {
  const Type own = type.with_lanes(std::max(lanes, 4)); // A part of one lane is no scalar.
  const Value left{own, {a}}, right{own, {b}};
  Parts quotients;
  for (int i = 0; i < lanes; ++i)
    quotients.push_back(b_.general(scalar_op(op), 4, general(lane(left, i)), general(lane(right, i))));
  return join(quotients, part_bytes(lanes));
}

// ---- Index

VReg Selector::scalar_index(ExprId id) { return general(node(id, nullptr)); }

bool Selector::are_close(ExprId a, ExprId b) {
  const auto is_small = [&](ExprId id) { return is_within(bounds(k_, id, ranges_), {-kClose, kClose}); };
  return is_small(a) && is_small(b);
}

std::optional<Selector::FirstAndSteps> Selector::first_and_steps(ExprId index) {
  auto steps = lane_steps(k_, index);
  if (!steps) return std::nullopt;
  return FirstAndSteps{first_lane(index), std::move(*steps)};
}

Value Selector::first_lane(ExprId index) {
  if (!k_.type_of(index).is_vector()) return emit(index);
  const Expr &expr = k_.expr(index);
  if (const auto *ramp = std::get_if<Ramp>(&expr)) return emit(ramp->base);
  if (const auto *splat = std::get_if<Broadcast>(&expr)) return emit(splat->a);
  const auto &binary = std::get<Binary>(expr); // lane_steps knows no other.
  const Interval range = divides(binary.op) ? whole_range(binary.a) : Interval{};
  return whole_binary(binary.op, first_lane(binary.a), first_lane(binary.b), range, nullptr);
}

} // namespace sparkle::x86
