// Element types: what tensors store and what arithmetic computes in (LANGUAGE: types).
#pragma once

#include <optional>
#include <string_view>

#include "dsl/rational.h"

namespace sparkle::dsl {

enum class Elem { kF32, kF16, kBf16, kI32, kI8, kU8, kInt, kBool };

std::string_view name_of(Elem elem);
std::optional<Elem> elem_named(std::string_view name);

constexpr bool is_float(Elem e) { return e == Elem::kF32 || e == Elem::kF16 || e == Elem::kBf16; }
/// Whole numbers as data; `int` (indices and dimensions) is not one of them.
constexpr bool is_data_integer(Elem e) { return e == Elem::kI32 || e == Elem::kI8 || e == Elem::kU8; }
constexpr bool is_data(Elem e) { return is_float(e) || is_data_integer(e); }
/// What arithmetic on `e` computes in: f16 and bf16 widen to f32, i8 and u8 to i32, exactly.
constexpr Elem widened(Elem e) { return is_float(e) ? Elem::kF32 : is_data_integer(e) ? Elem::kI32 : e; }

struct IntegerRange {
  int64_t least, greatest;
};
/// Of i32, i8, u8; 64 bits for `int`.
IntegerRange range_of(Elem integer);
FloatFormat format_of(Elem floating);

} // namespace sparkle::dsl
