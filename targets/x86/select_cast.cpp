// Conversions: narrowing saturates, floats to integers truncate with NaN to 0, to f16 and bf16 rounds to nearest even.
#include <algorithm>
#include <bit>
#include <limits>

#include "compiler/ir/numeric.h"
#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int kLeastBytes = 16;
constexpr VReg kNone = kNoId<VReg>;
constexpr float kTwoTo31 = 2147483648.0f, kTwoTo63 = 9223372036854775808.0f;

uint32_t bits_of_float(float value) { return std::bit_cast<uint32_t>(value); }
uint32_t bits_of_whole(int64_t value) { return static_cast<uint32_t>(value); }
bool is_byte(Scalar scalar) { return scalar == Scalar::kI8 || scalar == Scalar::kU8; }

} // namespace

Value Selector::cast(const Value &value, Type to, const Parts *into) {
  const Type from = value.type;
  if (from.scalar == to.scalar) return value;
  if (value.number) return cast_number(*value.number, from, to);
  into = unless_crossed(into, {&value});
  if (from.scalar == Scalar::kBool) return cast_bool(value, to, into);
  if (is_float(from.scalar)) return is_float(to.scalar) ? round_to(value, to, into) : float_to_whole(value, to, into);
  return is_float(to.scalar) ? whole_to_float(value, to, into) : cast_whole(value, to, into);
}

/// Nothing saturates where the new type holds all of them.
Value Selector::cast_within(const Value &value, const Interval &range, Type to, const Parts *into) {
  const bool keeps = is_byte(to.scalar) && is_integer(value.type.scalar) && value.type.scalar != Scalar::kIndex &&
                     !value.number && is_within(range, values_of(to.scalar));
  if (!keeps) return cast(value, to, into);
  Value out = value;
  out.type = to;
  return out;
}

Value Selector::cast_number(int64_t number, Type from, Type to) {
  if (!is_float(to.scalar)) return {to, {}, std::clamp(number, least_value(to.scalar), greatest_value(to.scalar))};
  if (const auto folded = fold_int_to_float(to.scalar, number)) return real_constant({to, *folded}, 1);
  return whole_to_float(Value{from, {b_.constant(number)}}, to, nullptr); // Infinite, or rounded more than once.
}

Value Selector::cast_bool(const Value &value, Type to, const Parts *into) {
  if (!to.is_vector()) {
    const Value whole{Type{Scalar::kI32, 1}, value.parts};
    return is_float(to.scalar) ? whole_to_float(whole, to, into) : Value{to, value.parts};
  }
  if (is_apart(to)) {
    Value out{to, {}, {}, true};
    for (int i = 0; i < to.lanes; ++i) out.parts.push_back(general(lane(value, i)));
    return out;
  }
  const uint32_t one = is_float(to.scalar) ? bits_of_float(1.0f) : 1;
  return each_part(to, into, [&](size_t i, int bytes, VReg part) {
    return keep(bytes, value.parts[i], lanes_of(one, bytes), part);
  });
}

// ---- To floats

/// What f32 cannot hold exactly is infinite as f16, and marked for the one rounding to bf16.
Value Selector::whole_to_float(const Value &value, Type to, const Parts *into) {
  const Type real = Type{Scalar::kF32, to.lanes};
  const bool is_last = to.scalar == Scalar::kF32;
  const VReg first = into && is_last ? (*into)[0] : kNone;
  const bool is_byte_or_bool = bytes_of(value.type.scalar) == 1;
  const bool marks = to.scalar == Scalar::kBF16 && !is_byte_or_bool;
  Value wide{real};
  if (value.is_apart) {
    for (int i = 0; i < to.lanes; i += b_.isa().vector_lanes()) {
      Parts lanes;
      for (int j = i; j < std::min<int>(to.lanes, i + b_.isa().vector_lanes()); ++j)
        lanes.push_back(b_.vector(Op::kGToF, 8, value.parts[static_cast<size_t>(j)]));
      wide.parts.push_back(join(lanes, part_bytes(static_cast<int>(lanes.size()))));
    }
  } else if (!to.is_vector() && value.type.scalar == Scalar::kIndex) {
    wide.parts = {b_.vector(Op::kGToF, 8, general(value), kNone, kNone, first)};
  } else {
    const Value lanes = to.is_vector() ? value : Value{real, {b_.vector(Op::kVFromG, 4, general(value))}};
    wide = each_part(real, is_last ? into : nullptr, [&](size_t i, int bytes, VReg part) {
      bytes = std::max(bytes, kLeastBytes);
      const VReg whole = marks ? keep_sticky_bits(bytes, lanes.parts[i]) : lanes.parts[i];
      return b_.vector(Op::kIToF, bytes, whole, kNone, kNone, part);
    });
  }
  return is_last ? wide : round_to(wide, to, into);
}

/// f32 holds 24 bits: rounding a greater number there and then to bf16 would round twice. So its low byte, far below
/// the last bit of a bf16, becomes one bit that says whether any was set.
VReg Selector::keep_sticky_bits(int bytes, VReg a) {
  const VReg low = b_.vector(Op::kIAnd, bytes, a, lanes_of(0xFF, bytes));
  const VReg any = b_.vector_immediate(Op::kIShiftLeft, bytes, 7, b_.vector(Op::kUMin, bytes, low, lanes_of(1, bytes)));
  const VReg marked = b_.vector(Op::kIOr, bytes, b_.vector(Op::kIXor, bytes, a, low), any);
  const VReg magnitude = b_.vector(Op::kIAbs, bytes, a);
  const VReg is_great = compare_lanes(CompareOp::kLt, kI32Type, bytes, lanes_of(1 << 24, bytes), magnitude, kNone);
  return blend(bytes, is_great, marked, a, kNone);
}

/// Of floats carried as f32.
Value Selector::round_to(const Value &value, Type to, const Parts *into) {
  Value out = value;
  out.type = to;
  if (to.scalar == Scalar::kF32) return out;
  out = each_part(to, into, [&](size_t i, int bytes, VReg part) {
    bytes = std::max(bytes, kLeastBytes);
    return to.scalar == Scalar::kF16 ? round_to_half(bytes, value.parts[i], part)
                                     : round_to_bfloat(bytes, value.parts[i], part);
  });
  return out;
}

/// A store takes the f16 themselves.
VReg Selector::round_to_half(int bytes, VReg a, VReg into) {
  const VReg half = b_.vector(Op::kFToH, bytes, a);
  const VReg out = b_.vector(Op::kHToF, bytes, half, kNone, kNone, into);
  if (!is_valid(into)) halves_[out] = half;
  return out;
}

/// Half a unit (less one for even) and cutting; cutting alone could leave an infinity of what is no number.
VReg Selector::round_to_bfloat(int bytes, VReg a, VReg into) {
  const VReg upper = b_.vector_immediate(Op::kIShiftRight, bytes, 16, a);
  const VReg is_odd = b_.vector(Op::kIAnd, bytes, upper, lanes_of(1, bytes));
  const VReg half = b_.vector(Op::kIAdd, bytes, is_odd, lanes_of(0x7FFF, bytes));
  const VReg rounded = b_.vector(Op::kIAdd, bytes, a, half);
  const VReg quiet = b_.vector(Op::kIOr, bytes, a, lanes_of(0x400000, bytes));
  const VReg is_number = compare_lanes(CompareOp::kEq, kF32Type, bytes, a, a, kNone);
  const VReg chosen = blend(bytes, is_number, rounded, quiet, kNone);
  return b_.vector(Op::kIAnd, bytes, chosen, lanes_of(0xFFFF0000, bytes), kNone, into);
}

// ---- To integers

Value Selector::float_to_whole(const Value &value, Type to, const Parts *into) {
  if (to.scalar == Scalar::kBool) {
    const Value zero = real_constant({kF32Type, 0.0}, value.type.lanes);
    if (!to.is_vector()) return {to, {compare_scalars(CompareOp::kNe, kF32Type, value, zero)}};
    return each_part(to, into, [&](size_t i, int bytes, VReg part) {
      return compare_lanes(CompareOp::kNe, kF32Type, bytes, value.parts[i], zero.parts[i], part);
    });
  }
  if (!to.is_vector() && to.scalar == Scalar::kIndex) return {to, {saturate_to_index(value.parts[0])}};
  if (is_apart(to)) {
    Value out{to, {}, {}, true};
    for (int i = 0; i < to.lanes; ++i) out.parts.push_back(saturate_to_index(lane(value, i).parts[0]));
    return out;
  }
  const bool narrows = is_byte(to.scalar);
  const auto convert = [&](size_t i, int bytes, VReg part) {
    return narrows ? saturate_to_byte(bytes, value.parts[i], to.scalar, part) : saturate(bytes, value.parts[i], part);
  };
  if (to.is_vector()) return each_part(to, into, convert);
  return {to, {b_.vector(Op::kVToG, 4, convert(0, 4, kNone), kNone, kNone, into ? (*into)[0] : kNone)}};
}

VReg Selector::saturate(int bytes, VReg a, VReg into) {
  const VReg two_to_31 = lanes_of(bits_of_float(kTwoTo31), bytes);
  const VReg is_great = compare_lanes(CompareOp::kLe, kF32Type, bytes, two_to_31, a, kNone);
  const VReg is_number = compare_lanes(CompareOp::kEq, kF32Type, bytes, a, a, kNone);
  const int wide = std::max(bytes, kLeastBytes);
  VReg whole = b_.vector(Op::kFToI, wide, a);
  if (b_.isa().has_masks())
    whole = blend(wide, is_great, lanes_of(bits_of_whole(greatest_value(Scalar::kI32)), wide), whole, kNone);
  else // 0x80000000 where it does not fit.
    whole = b_.vector(Op::kIXor, wide, whole, is_great);
  return keep(wide, is_number, whole, into);
}

/// Limited as floats, which hold the limits of bytes exactly; a NaN is no greater than the least value.
VReg Selector::saturate_to_byte(int bytes, VReg a, Scalar to, VReg into) {
  const auto limit = [&](int64_t number) { return lanes_of(bits_of_float(static_cast<float>(number)), bytes); };
  VReg limited = b_.vector(Op::kFMax, bytes, a, limit(least_value(to)));
  limited = b_.vector(Op::kFMin, bytes, limited, limit(greatest_value(to)));
  const int wide = std::max(bytes, kLeastBytes);
  if (to == Scalar::kU8) return b_.vector(Op::kFToI, wide, limited, kNone, kNone, into);
  const VReg is_number = compare_lanes(CompareOp::kEq, kF32Type, bytes, a, a, kNone);
  return keep(wide, is_number, b_.vector(Op::kFToI, wide, limited), into);
}

VReg Selector::saturate_to_index(VReg a) {
  const Value value{kF32Type, {a}}, limit = real_constant({kF32Type, kTwoTo63}, 1);
  VReg whole = b_.vector(Op::kFToG, 8, a);
  const VReg is_great = compare_scalars(CompareOp::kLe, kF32Type, limit, value);
  whole = choose(is_great, b_.constant(std::numeric_limits<int64_t>::max()), whole);
  return choose(compare_scalars(CompareOp::kEq, kF32Type, value, value), whole, b_.constant(0));
}

/// Clamps to what the new type holds, where it holds less.
Value Selector::cast_whole(const Value &value, Type to, const Parts *into) {
  const Scalar from = value.type.scalar;
  if (!to.is_vector()) return {to, {clamp_scalar(value, to.scalar)}};
  if (is_apart(to)) {
    Value out{to, {}, {}, true};
    for (int i = 0; i < to.lanes; ++i) out.parts.push_back(general(cast(lane(value, i), kIndexType)));
    return out;
  }
  Value lanes = value;
  lanes.type = to;
  if (value.is_apart) {
    lanes = Value{to};
    for (int i = 0; i < to.lanes; i += b_.isa().vector_lanes()) {
      Parts own;
      for (int j = i; j < std::min<int>(to.lanes, i + b_.isa().vector_lanes()); ++j)
        own.push_back(clamp_scalar(lane(value, j), to.scalar));
      lanes.parts.push_back(join(own, part_bytes(static_cast<int>(own.size()))));
    }
    return lanes;
  }
  if (!is_byte(to.scalar)) return lanes;
  const bool raises =
      least_value(from)<least_value(to.scalar), lowers = greatest_value(from)> greatest_value(to.scalar);
  return each_part(to, into, [&](size_t i, int bytes, VReg part) {
    bytes = std::max(bytes, kLeastBytes);
    VReg own = value.parts[i];
    if (raises)
      own = b_.vector(Op::kIMax, bytes, own, lanes_of(bits_of_whole(least_value(to.scalar)), bytes), kNone,
                      lowers ? kNone : part);
    if (lowers)
      own = b_.vector(Op::kIMin, bytes, own, lanes_of(bits_of_whole(greatest_value(to.scalar)), bytes), kNone, part);
    return own;
  });
}

VReg Selector::clamp_scalar(const Value &value, Scalar to) {
  const Scalar from = value.type.scalar;
  VReg out = general(value);
  if (to == Scalar::kIndex) return b_.general(Op::kGSignExtend, 8, out, kNone);
  const bool is_wide = from == Scalar::kIndex;
  if (is_wide && to == Scalar::kI32 && k_.index_bits == 32) return out;
  const int bytes = is_wide ? 8 : 4;
  if (least_value(from) < least_value(to)) out = b_.general(Op::kGMax, bytes, out, b_.constant(least_value(to)));
  if (greatest_value(from) > greatest_value(to))
    out = b_.general(Op::kGMin, bytes, out, b_.constant(greatest_value(to)));
  return out;
}

} // namespace sparkle::x86
