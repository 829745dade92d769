// Types of IR values: a scalar kind and a number of lanes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sparkle {

/// kIndex is the type of index arithmetic; a kernel's `index_bits` (32 or 64) says how wide targets compute it.
/// f16, bf16, i8 and u8 are storage types: they are loaded, stored and converted, arithmetic happens in f32 or i32.
enum class Scalar : uint8_t { kBool, kIndex, kI32, kF32, kF16, kBF16, kI8, kU8 };

struct Type {
  Scalar scalar = Scalar::kIndex;
  uint16_t lanes = 1;
  bool operator==(const Type &) const = default;
  bool is_vector() const { return lanes > 1; }
  Type with_lanes(int n) const { return {scalar, static_cast<uint16_t>(n)}; }
};

inline constexpr Type kIndexType{Scalar::kIndex, 1};
inline constexpr Type kBoolType{Scalar::kBool, 1};
inline constexpr Type kF32Type{Scalar::kF32, 1};
inline constexpr Type kI32Type{Scalar::kI32, 1};

constexpr bool is_float(Scalar s) { return s == Scalar::kF32 || s == Scalar::kF16 || s == Scalar::kBF16; }
constexpr bool is_integer(Scalar s) { return !is_float(s) && s != Scalar::kBool; }

/// Bytes of one element in memory. bool: 1; index: 8.
int64_t bytes_of(Scalar s);
/// `f32`, `index`, `bool`...; parse_scalar reads it back.
std::string_view name_of(Scalar s);
bool parse_scalar(std::string_view text, Scalar &out);
/// `f32`, or `f32x16` with 16 lanes.
std::string to_string(Type type);

} // namespace sparkle
