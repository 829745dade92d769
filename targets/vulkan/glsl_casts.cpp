// Conversions and comparisons: what storage types are as values. i8 and u8 are `int`; f16 and bf16 are their bits in
// `uint`, so that copies of them cost nothing and change nothing.
#include "compiler/ir/numeric.h"
#include "targets/vulkan/glsl_expressions.h"

namespace sparkle::vulkan {
namespace {

bool is_small_float(Scalar scalar) { return scalar == Scalar::kF16 || scalar == Scalar::kBF16; }
bool is_byte(Scalar scalar) { return scalar == Scalar::kI8 || scalar == Scalar::kU8; }

} // namespace

Text ExpressionWriter::helper(HelperKind kind, Type from, const Text &argument) {
  c_.helpers.insert({kind, from});
  c_.helpers.insert({kind, from.with_lanes(1)});
  if (kind == HelperKind::kIntToBfloat) c_.helpers.insert({HelperKind::kFloatToBfloat, kF32Type});
  return {helper_name(kind) + "(" + argument.text + ")"};
}

Text ExpressionWriter::to_float(const Text &value, Type from) {
  if (from.scalar == Scalar::kF16) return helper(HelperKind::kHalfToFloat, from, value);
  return {"uintBitsToFloat(" + value.at_least(Precedence::kShift) + " << 16)"};
}

/// Whole numbers that float cannot hold are infinite as f16: rounding them twice does no harm there.
Text ExpressionWriter::to_small_float(const Text &value, Type from, Type to) {
  bool is_brain = to.scalar == Scalar::kBF16;
  if (is_brain && (from.scalar == Scalar::kI32 || from.scalar == Scalar::kIndex))
    return helper(HelperKind::kIntToBfloat, Type{Scalar::kI32, from.lanes}, value);
  Type wide{Scalar::kF32, from.lanes};
  Text real = from == wide ? value : Text{c_.type_name(wide) + "(" + value.text + ")"};
  return helper(is_brain ? HelperKind::kFloatToBfloat : HelperKind::kFloatToHalf, wide, real);
}

Text ExpressionWriter::to_byte(const Text &value, Type from, Type to) {
  if (from.scalar == Scalar::kBool) return {c_.type_name(to) + "(" + value.text + ")"};
  bool is_wide = from.scalar == Scalar::kIndex && k_.index_bits == 64;
  Text whole = is_wide || is_float(from.scalar) ? helper(HelperKind::kToInt, from, value) : value;
  std::string least = std::to_string(least_value(to.scalar)), greatest = std::to_string(greatest_value(to.scalar));
  if (from.scalar == Scalar::kU8) return {"min(" + whole.text + ", " + greatest + ")"};
  if (from.scalar == Scalar::kI8) return {"max(" + whole.text + ", " + least + ")"};
  return {"clamp(" + whole.text + ", " + least + ", " + greatest + ")"};
}

Text ExpressionWriter::write_cast(const Cast &e) {
  Type from = k_.type_of(e.a), to = e.type;
  Text value = write(e.a);
  if (from == to) return value;
  if (is_small_float(from.scalar)) {
    value = to_float(value, from);
    from.scalar = Scalar::kF32;
  }
  if (is_small_float(to.scalar)) return to_small_float(value, from, to);
  if (is_byte(to.scalar)) return to_byte(value, from, to);
  std::string type = c_.type_name(to);
  if (c_.type_name(from) == type) return value;
  bool to_int = to.scalar == Scalar::kI32 || (to.scalar == Scalar::kIndex && k_.index_bits == 32);
  bool saturates = to_int && (from.scalar == Scalar::kF32 || from.scalar == Scalar::kIndex);
  if (saturates) return helper(HelperKind::kToInt, from, value);
  return {type + "(" + value.text + ")"};
}

Text ExpressionWriter::comparable(ExprId id) {
  Type type = k_.type_of(id);
  return is_small_float(type.scalar) ? to_float(write(id), type) : write(id);
}

Text ExpressionWriter::write_compare(const Compare &e) {
  Text a = comparable(e.a), b = comparable(e.b);
  bool is_vector = k_.type_of(e.a).is_vector();
  auto compare = [&](std::string_view function, std::string_view op, Precedence precedence) -> Text {
    if (is_vector) return {std::string(function) + "(" + a.text + ", " + b.text + ")"};
    return infix(a, op, b, precedence);
  };
  switch (e.op) {
  case CompareOp::kEq: return compare("equal", "==", Precedence::kEquality);
  case CompareOp::kNe: return compare("notEqual", "!=", Precedence::kEquality);
  case CompareOp::kLt: return compare("lessThan", "<", Precedence::kRelational);
  case CompareOp::kLe: return compare("lessThanEqual", "<=", Precedence::kRelational);
  }
  check_failed("operation", __FILE__, __LINE__, "unknown comparison");
}

} // namespace sparkle::vulkan
