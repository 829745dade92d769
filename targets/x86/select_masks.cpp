// Bools. Scalars: 1 or 0 in general registers. Lanes: a mask register for each part (kAvx512), or lanes of ones and
// zeros (kAvx2); lanes beyond those of a part are undefined.
#include <algorithm>

#include "compiler/analysis/lane_steps.h"
#include "compiler/ir/numeric.h"
#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int kLeastBytes = 16;
constexpr uint32_t kAllOnes = 0xFFFFFFFF;
constexpr VReg kNone = kNoId<VReg>;
constexpr int kMostKnownLanes = 64;
/// Differences of lanes stay within 32 bits on both sides of this.
constexpr int64_t kMostDifference = int64_t{1} << 30;

/// Predicates of vcmpps (of which none signals, and kNe alone is true of what is no number) and of vpcmpd.
int64_t float_predicate(CompareOp op) {
  switch (op) {
  case CompareOp::kEq: return 0;
  case CompareOp::kNe: return 4;
  case CompareOp::kLt: return 17;
  case CompareOp::kLe: return 18;
  }
  SPARKLE_CHECK(false, "unknown comparison");
}
int64_t whole_predicate(CompareOp op) {
  switch (op) {
  case CompareOp::kEq: return 0;
  case CompareOp::kNe: return 4;
  case CompareOp::kLt: return 1;
  case CompareOp::kLe: return 2;
  }
  SPARKLE_CHECK(false, "unknown comparison");
}
bool is_wide(Scalar scalar) { return scalar == Scalar::kIndex; }

} // namespace

// ---- Lanes of masks

VReg Selector::not_mask(int bytes, VReg mask, VReg into) {
  if (b_.isa().has_masks()) return b_.vector(Op::kKNot, 8, mask, kNone, kNone, into);
  return b_.vector(Op::kIXor, std::max(bytes, kLeastBytes), mask, lanes_of(kAllOnes, bytes), kNone, into);
}

VReg Selector::both_masks(int bytes, VReg a, VReg b) {
  if (b_.isa().has_masks()) return b_.vector(Op::kKAnd, 8, a, b);
  return b_.vector(Op::kIAnd, std::max(bytes, kLeastBytes), a, b);
}

VReg Selector::first_lanes(int count, int bytes) {
  const auto bits = static_cast<uint32_t>(all_lanes(count));
  return b_.isa().has_masks() ? mask_constant(bits) : lanes_of_bits(bits, bytes);
}

VReg Selector::lanes_of_bits(uint32_t bits, int bytes) {
  bytes = std::max(bytes, kLeastBytes);
  std::vector<uint32_t> lanes;
  for (int i = 0; i < bytes / 4; ++i) lanes.push_back((bits >> i & 1) != 0 ? kAllOnes : 0);
  return b_.vector_constant(lanes, bytes);
}

/// kAvx512: in a register for the whole function.
VReg Selector::mask_constant(uint32_t bits) {
  const auto [known, is_new] = mask_constants_.try_emplace(bits, kNone);
  if (!is_new) return known->second;
  const CodeBuilder::Into before(b_, *spot(0).region);
  return known->second = b_.vector(Op::kKFromG, 4, b_.constant(bits));
}

Value Selector::known_mask(uint64_t lanes, Type type) {
  Value out = each_part(type, nullptr, [&](size_t part, int bytes, VReg) {
    const int count = part_lanes(b_.isa(), type.lanes, static_cast<int>(part));
    const auto own =
        static_cast<uint32_t>(lanes >> part * static_cast<size_t>(b_.isa().vector_lanes()) & all_lanes(count));
    return b_.isa().has_masks() ? mask_constant(own) : lanes_of_bits(own, bytes);
  });
  out.known = lanes & all_lanes(type.lanes);
  return out;
}

VReg Selector::blend(int bytes, VReg mask, VReg a, VReg b, VReg into) {
  if (b_.isa().has_masks()) return b_.vector(Op::kBlendK, bytes, mask, a, b, into);
  return b_.vector(Op::kBlend, std::max(bytes, kLeastBytes), mask, a, b, into);
}

VReg Selector::keep(int bytes, VReg mask, VReg a, VReg into) {
  bytes = std::max(bytes, kLeastBytes);
  if (!b_.isa().has_masks()) return b_.vector(Op::kIAnd, bytes, mask, a, kNone, into);
  Inst inst;
  inst.op = Op::kVMove;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.dst = is_valid(into) ? into : b_.function().add_register(RegClass::kVector);
  inst.src[0] = a;
  inst.mask = mask;
  inst.zeroing = true;
  b_.add(inst);
  return inst.dst;
}

VReg Selector::ones_of(int bytes, VReg mask, VReg into) { return keep(bytes, mask, lanes_of(1, bytes), into); }

VReg Selector::mask_of_ones(int bytes, VReg ones, VReg into) {
  bytes = std::max(bytes, kLeastBytes);
  const VReg zero = lanes_of(0, bytes);
  if (b_.isa().has_masks())
    return b_.vector_immediate(Op::kICompareK, bytes, whole_predicate(CompareOp::kNe), ones, zero, into);
  return b_.vector(Op::kICompareGt, bytes, ones, zero, kNone, into); // Bytes are never negative.
}

VReg Selector::bits_of(VReg mask, int bytes) {
  if (b_.isa().has_masks()) return b_.vector(Op::kKToG, 4, mask);
  return b_.vector(Op::kSignsToG, std::max(bytes, kLeastBytes), mask);
}

VReg Selector::mask_of_bits(VReg bits, int bytes) {
  if (b_.isa().has_masks()) return b_.vector(Op::kKFromG, 4, bits);
  bytes = std::max(bytes, kLeastBytes);
  std::vector<uint32_t> lanes;
  for (int i = 0; i < bytes / 4; ++i) lanes.push_back(1u << i);
  const VReg each = b_.vector_constant(lanes, bytes);
  const VReg chosen = b_.vector(Op::kIAnd, bytes, b_.vector(Op::kVSplatG, bytes, bits), each);
  return b_.vector(Op::kICompareEq, bytes, chosen, each);
}

Value Selector::mask_of_scalar(const Value &value, int lanes) {
  const Type type = value.type.with_lanes(lanes);
  if (value.number && lanes <= kMostKnownLanes) return known_mask(*value.number != 0 ? all_lanes(lanes) : 0, type);
  const auto count = static_cast<size_t>(part_count(b_.isa(), lanes));
  const int bytes = std::max(part_bytes(part_lanes(b_.isa(), lanes, 0)), kLeastBytes);
  if (value.number && !b_.isa().has_masks())
    return {type, Parts(count, lanes_of(*value.number != 0 ? kAllOnes : 0, bytes))};
  if (value.number)
    return {type, Parts(count, b_.vector(Op::kKFromG, 4, b_.constant(*value.number != 0 ? 0xFFFF : 0)))};
  const VReg all = b_.general(Op::kGNeg, 4, value.parts[0], kNone);
  if (b_.isa().has_masks()) return {type, Parts(count, b_.vector(Op::kKFromG, 4, all))};
  return {type, Parts(count, b_.vector(Op::kVSplatG, bytes, all))};
}

Value Selector::negate(const Value &a, const Parts *into) {
  if (a.number) return {a.type, {}, *a.number == 0};
  if (!a.type.is_vector())
    return {a.type, {b_.general(Op::kGXor, 4, a.parts[0], int64_t{1}, into ? (*into)[0] : kNone)}};
  if (a.known) return known_mask(~*a.known, a.type);
  return each_part(a.type, into, [&](size_t i, int bytes, VReg to) { return not_mask(bytes, a.parts[i], to); });
}

Value Selector::logic(BinaryOp op, const Value &a, const Value &b, const Parts *into) {
  const bool is_and = op == BinaryOp::kAnd;
  SPARKLE_CHECK(is_and || op == BinaryOp::kOr, "arithmetic on bool");
  if (!a.type.is_vector()) {
    if (a.number) return (*a.number != 0) == is_and ? b : a;
    if (b.number) return (*b.number != 0) == is_and ? a : b;
    const VReg to = into ? (*into)[0] : kNone;
    return {a.type, {b_.general(is_and ? Op::kGAnd : Op::kGOr, 4, a.parts[0], b.parts[0], to)}};
  }
  if (a.known && b.known) return known_mask(is_and ? *a.known & *b.known : *a.known | *b.known, a.type);
  const uint64_t neutral = is_and ? all_lanes(a.type.lanes) : 0, decides = is_and ? 0 : all_lanes(a.type.lanes);
  if (a.known == neutral || b.known == decides) return b;
  if (b.known == neutral || a.known == decides) return a;
  const bool in_masks = b_.isa().has_masks();
  const Op instruction = in_masks ? (is_and ? Op::kKAnd : Op::kKOr) : (is_and ? Op::kIAnd : Op::kIOr);
  return each_part(a.type, into, [&](size_t i, int bytes, VReg to) {
    return b_.vector(instruction, in_masks ? 8 : std::max(bytes, kLeastBytes), a.parts[i], b.parts[i], kNone, to);
  });
}

// ---- Comparisons

/// Masks, and in kAvx2 what they are of lanes.
VReg Selector::compare_lanes(CompareOp op, Type type, int bytes, VReg a, VReg b, VReg into) {
  const bool is_real = is_float(type.scalar), in_masks = b_.isa().has_masks();
  if (is_real)
    return b_.vector_immediate(in_masks ? Op::kFCompareK : Op::kFCompare, bytes, float_predicate(op), a, b, into);
  bytes = std::max(bytes, kLeastBytes);
  if (in_masks) return b_.vector_immediate(Op::kICompareK, bytes, whole_predicate(op), a, b, into);
  switch (op) {
  case CompareOp::kEq: return b_.vector(Op::kICompareEq, bytes, a, b, kNone, into);
  case CompareOp::kNe: return not_mask(bytes, b_.vector(Op::kICompareEq, bytes, a, b), into);
  case CompareOp::kLt: return b_.vector(Op::kICompareGt, bytes, b, a, kNone, into);
  case CompareOp::kLe: return not_mask(bytes, b_.vector(Op::kICompareGt, bytes, a, b), into);
  }
  SPARKLE_CHECK(false, "unknown comparison");
}

VReg Selector::is_rest(int bytes, VReg lanes) {
  constexpr int64_t kLessOrGreater = 12; // NEQ_OQ: neither equal nor unordered, signals of neither.
  const Op op = b_.isa().has_masks() ? Op::kFCompareK : Op::kFCompare;
  return b_.vector_immediate(op, bytes, kLessOrGreater, lanes, lanes_of(0, bytes));
}

VReg Selector::condition(Condition condition, int bytes, VReg a, const Value &b) {
  Inst inst;
  inst.op = Op::kGSet;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.condition = condition;
  inst.dst = b_.function().add_register(RegClass::kGeneral);
  inst.src[0] = a;
  if (b.number && *b.number == static_cast<int32_t>(*b.number)) {
    inst.has_immediate = true;
    inst.immediate = *b.number;
  } else {
    inst.src[1] = general(b);
  }
  b_.add(inst);
  return inst.dst;
}

/// 1 or 0.
VReg Selector::compare_scalars(CompareOp op, Type type, const Value &a, const Value &b) {
  if (!is_float(type.scalar)) return condition(condition_of(op), is_wide(type.scalar) ? 8 : 4, general(a), b);
  if (b_.isa().has_masks()) return bits_of(compare_lanes(op, type, 4, a.parts[0], b.parts[0], kNone), 4);
  const VReg lane = compare_lanes(op, type, 4, a.parts[0], b.parts[0], kNone);
  return b_.general(Op::kGAnd, 4, b_.vector(Op::kVToG, 4, lane), int64_t{1});
}

Value Selector::compare(const Compare &e, const Parts *into) {
  const Type type = k_.type_of(e.a);
  const int lanes = std::max(type.lanes, k_.type_of(e.b).lanes);
  const Type result = kBoolType.with_lanes(lanes);
  if (lanes > 1 && type.scalar == Scalar::kIndex)
    if (auto known = compare_ramps(e, lanes, into)) return *known;
  const Value a = widen(emit(e.a), lanes), b = widen(emit(e.b), lanes);
  if (type.scalar == Scalar::kBool) return compare_bools(e.op, a, b);
  if (a.number && b.number) return {result, {}, fold_compare(e.op, *a.number, *b.number)};
  if (lanes == 1) return {result, {compare_scalars(e.op, type, a, b)}};
  if (!a.is_apart) {
    return each_part(result, into, [&](size_t i, int bytes, VReg to) {
      return compare_lanes(e.op, type, bytes, a.parts[i], b.parts[i], to);
    });
  }
  return each_part(result, into, [&](size_t part, int bytes, VReg) {
    VReg bits = b_.constant(0);
    const int first = static_cast<int>(part) * b_.isa().vector_lanes();
    for (int i = 0; i < part_lanes(b_.isa(), lanes, static_cast<int>(part)); ++i) {
      const auto lane = static_cast<size_t>(first + i);
      const VReg bit = condition(condition_of(e.op), 8, a.parts[lane], Value{kIndexType, {b.parts[lane]}});
      bits = b_.general(Op::kGOr, 4, bits, b_.general(Op::kGShiftLeft, 4, bit, int64_t{i}));
    }
    return mask_of_bits(bits, bytes);
  });
}

/// a == b is not (a xor b), a < b is not a and b, a <= b is not a or b.
Value Selector::compare_bools(CompareOp op, const Value &a, const Value &b) {
  const Value not_a = negate(a, nullptr);
  if (op == CompareOp::kLt) return logic(BinaryOp::kAnd, not_a, b, nullptr);
  if (op == CompareOp::kLe) return logic(BinaryOp::kOr, not_a, b, nullptr);
  const Value only_a = logic(BinaryOp::kAnd, a, negate(b, nullptr), nullptr);
  const Value only_b = logic(BinaryOp::kAnd, not_a, b, nullptr);
  const Value differ = logic(BinaryOp::kOr, only_a, only_b, nullptr);
  return op == CompareOp::kNe ? differ : negate(differ, nullptr);
}

/// Of index vectors whose lanes lie at known distances: a0 + s < b0 + t is a0 - b0 < t - s, one splat and one
/// comparison with a constant. The difference may leave 32 bits: beyond what the lanes add, all are alike.
std::optional<Value> Selector::compare_ramps(const Compare &e, int lanes, const Parts *into) {
  const auto a = first_and_steps(e.a), b = first_and_steps(e.b);
  if (!a || !b) return std::nullopt;
  std::vector<int64_t> distance(static_cast<size_t>(lanes));
  for (size_t i = 0; i < distance.size(); ++i) {
    distance[i] = b->steps[b->steps.size() == 1 ? 0 : i] - a->steps[a->steps.size() == 1 ? 0 : i];
    if (std::abs(distance[i]) >= kMostDifference) return std::nullopt;
  }
  if (a->first.number && b->first.number && lanes <= kMostKnownLanes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < distance.size(); ++i)
      if (fold_compare(e.op, *a->first.number - *b->first.number, distance[i])) bits |= uint64_t{1} << i;
    return known_mask(bits, kBoolType.with_lanes(lanes));
  }
  VReg difference = scalar_whole(BinaryOp::kSub, kIndexType, a->first, b->first, {}, kNone);
  if (!are_close(e.a, e.b)) {
    difference = b_.general(Op::kGMin, 8, difference, b_.constant(kMostDifference));
    difference = b_.general(Op::kGMax, 8, difference, b_.constant(-kMostDifference));
  }
  const int widest = std::max(part_bytes(part_lanes(b_.isa(), lanes, 0)), kLeastBytes);
  const VReg all = b_.vector(Op::kVSplatG, widest, difference);
  return each_part(kBoolType.with_lanes(lanes), into, [&](size_t part, int bytes, VReg to) {
    const int first = static_cast<int>(part) * b_.isa().vector_lanes();
    std::vector<uint32_t> own;
    for (int i = 0; i < part_lanes(b_.isa(), lanes, static_cast<int>(part)); ++i)
      own.push_back(static_cast<uint32_t>(distance[static_cast<size_t>(first + i)]));
    const VReg limits = b_.vector_constant(own, std::max(bytes, kLeastBytes));
    return compare_lanes(e.op, kI32Type, bytes, all, limits, to);
  });
}

// ---- Choices

VReg Selector::choose(VReg cond, VReg a, VReg b, VReg into) {
  Inst inst;
  inst.op = Op::kGSelect;
  inst.bytes = 8;
  inst.dst = is_valid(into) ? into : b_.function().add_register(RegClass::kGeneral);
  inst.src = {cond, a, b};
  b_.add(inst);
  return inst.dst;
}

VReg Selector::scalar_mask(ExprId cond) {
  const auto *compared = std::get_if<Compare>(&k_.expr(cond));
  if (compared && is_float(k_.type_of(compared->a).scalar) && !memo_.find(cond)) {
    const VReg a = emit(compared->a).parts[0], b = emit(compared->b).parts[0];
    return compare_lanes(compared->op, k_.type_of(compared->a), 4, a, b, kNone);
  }
  const VReg all = b_.general(Op::kGNeg, 4, general(emit(cond)), kNone);
  return b_.vector(b_.isa().has_masks() ? Op::kKFromG : Op::kVFromG, 4, all);
}

/// Of a scalar condition, without a comparison of floats being made for it.
std::optional<int64_t> Selector::known_condition(ExprId cond) {
  const auto *compared = std::get_if<Compare>(&k_.expr(cond));
  if (compared && is_float(k_.type_of(compared->a).scalar)) return std::nullopt;
  return emit(cond).number;
}

Value Selector::select(const Select &e, const Parts *into) {
  const Type type = k_.type_of(e.a);
  const VReg to = into ? (*into)[0] : kNone;
  if (!type.is_vector() && is_float(type.scalar)) {
    if (const auto number = known_condition(e.cond)) return emit(*number != 0 ? e.a : e.b, into);
    const VReg mask = scalar_mask(e.cond);
    const VReg a = emit(e.a).parts[0], b = emit(e.b).parts[0];
    return {type, {blend(4, mask, a, b, to)}};
  }
  const Value cond = emit(e.cond);
  if (cond.number) return emit(*cond.number != 0 ? e.a : e.b, into);
  if (cond.known == all_lanes(cond.type.lanes)) return emit(e.a, into);
  if (cond.known == uint64_t{0}) return emit(e.b, into);
  if (auto sum = masked_fma(e, cond, into)) return *sum;
  const Value a = emit(e.a), b = emit(e.b);
  if (!type.is_vector()) return {type, {choose(general(cond), general(a), general(b), to)}};
  return select_lanes(widen(cond, type.lanes), widen(a, type.lanes), widen(b, type.lanes), into);
}

/// Where what is added to and what other lanes keep are both the register that is written.
std::optional<Value> Selector::masked_fma(const Select &e, const Value &mask, const Parts *into) {
  const Type type = k_.type_of(e.a);
  const auto *sum = std::get_if<Fma>(&k_.expr(e.a));
  if (!sum || !into || !b_.isa().has_masks() || !type.is_vector() || memo_.find(e.a)) return std::nullopt;
  if (emit(e.b).parts != *into || emit(sum->c).parts != *into) return std::nullopt;
  const Value a = widen(emit(sum->a), type.lanes), b = widen(emit(sum->b), type.lanes);
  if (!unless_crossed(into, {&a, &b})) return std::nullopt;
  const Value active = widen(mask, type.lanes);
  return each_part(type, into, [&](size_t i, int bytes, VReg to) {
    Inst inst;
    inst.op = Op::kFMulAddK;
    inst.bytes = static_cast<uint8_t>(std::max(bytes, kLeastBytes));
    inst.dst = to;
    inst.src = {a.parts[i], b.parts[i], to};
    inst.mask = active.parts[i];
    b_.add(inst);
    return to;
  });
}

Value Selector::select_lanes(const Value &cond, const Value &a, const Value &b, const Parts *into) {
  if (cond.known == all_lanes(cond.type.lanes)) return a;
  if (cond.known == uint64_t{0}) return b;
  if (a.type.scalar == Scalar::kBool) {
    const Value left = logic(BinaryOp::kAnd, cond, a, nullptr);
    return logic(BinaryOp::kOr, left, logic(BinaryOp::kAnd, negate(cond, nullptr), b, nullptr), nullptr);
  }
  if (a.is_apart) {
    Value out{a.type, {}, {}, true};
    for (int i = 0; i < a.type.lanes; ++i) {
      const auto at = static_cast<size_t>(i);
      out.parts.push_back(choose(general(lane(cond, i)), a.parts[at], b.parts[at]));
    }
    return out;
  }
  into = unless_crossed(into, {&a, &b});
  return each_part(a.type, into, [&](size_t i, int bytes, VReg into_part) {
    if (b.bits == 0u) return keep(bytes, cond.parts[i], a.parts[i], into_part);
    return blend(bytes, cond.parts[i], a.parts[i], b.parts[i], into_part);
  });
}

} // namespace sparkle::x86
