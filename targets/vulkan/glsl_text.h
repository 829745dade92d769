// Pieces of GLSL text: type names, literals, and names that are legal and unique.
#pragma once

#include <string>
#include <string_view>

#include "compiler/ir/type.h"
#include "compiler/support/source_text.h"

namespace sparkle::vulkan {

/// `float`, `ivec4`, `int64_t`, `i64vec2`...: what holds values of the type. i8 and u8 are held by `int`, f16 and bf16
/// by `uint`, as their bits.
std::string glsl_type(Type type, int index_bits);
/// `int8_t`, `u8vec4`, `uint16_t`...: what holds i8, u8, f16 and bf16 in their own size.
std::string memory_type(Type type);

/// A literal that reads back as the same bits; infinities and NaN by their bits.
Text float_literal(float value);
/// The bits of an f16 or bf16 as a literal of `uint`.
Text small_float_literal(Scalar scalar, double value);
/// A literal of `int`, or, where it needs more bits, of `int64_t`.
Text int_literal(int64_t value);

/// `.x`, `.y`, `.z` or `.w`.
std::string_view component(int lane);

/// Hands out identifiers: legal in GLSL, no keyword, no built-in, none that is visible already.
class Names : public VisibleNames {
public:
  /// `wanted` where it is legal and free; else as close to it as can be.
  std::string fresh(std::string_view wanted);
};

} // namespace sparkle::vulkan
