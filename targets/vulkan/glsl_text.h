// Pieces of GLSL text: type names, literals, operator precedence, and names that are legal and unique.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "compiler/ir/type.h"

namespace sparkle::vulkan {

/// How tightly an expression holds together; GLSL 4.50, section 5.1, loosest first.
enum class Precedence : uint8_t {
  kConditional,
  kLogicalOr,
  kLogicalAnd,
  kBitAnd,
  kEquality,
  kRelational,
  kShift,
  kAdditive,
  kMultiplicative,
  kUnary,
  kPrimary,
};

/// An expression as text.
struct Text {
  std::string text;
  Precedence precedence = Precedence::kPrimary;

  /// The text, in parentheses when it is looser than `needed`.
  std::string at_least(Precedence needed) const { return precedence < needed ? "(" + text + ")" : text; }
};

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
class Names {
public:
  /// `wanted` where it is legal and free; else as close to it as can be.
  std::string fresh(std::string_view wanted);

  /// Leaving a scope of GLSL: names given since `mark` are free again.
  size_t mark() const { return order_.size(); }
  void release(size_t mark);

private:
  std::unordered_set<std::string> taken_;
  std::vector<std::string> order_;
  bool take(const std::string &name);
};

} // namespace sparkle::vulkan
