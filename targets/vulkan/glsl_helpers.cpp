// The helper functions: operations that GLSL lacks, or leaves open in part.
#include "targets/vulkan/glsl_expressions.h"

namespace sparkle::vulkan {

std::string helper_name(HelperKind kind) {
  switch (kind) {
  case HelperKind::kFloorDiv: return "floor_div";
  case HelperKind::kFloorMod: return "floor_mod";
  case HelperKind::kMin: return "min_of";
  case HelperKind::kMax: return "max_of";
  case HelperKind::kToInt: return "to_int";
  case HelperKind::kHalfToFloat: return "half_to_float";
  case HelperKind::kFloatToHalf: return "float_to_half";
  case HelperKind::kFloatToBfloat: return "float_to_bfloat";
  case HelperKind::kIntToBfloat: return "int_to_bfloat";
  case HelperKind::kSqrt: return "sqrt_of";
  }
  return {};
}

namespace {

std::string division_text(const Helper &helper, const std::string &type) {
  StringBuilder out;
  if (helper.kind == HelperKind::kFloorDiv) {
    out << "// a / b rounded down; b > 0.\n";
    out << type << " floor_div(" << type << " a, " << type << " b) {\n";
    out << "  " << type << " q = a / b;\n";
    out << "  return q * b > a ? q - 1 : q;\n}\n";
  } else {
    out << "// a - b * (a / b rounded down), in 0 .. b - 1; b > 0.\n";
    out << type << " floor_mod(" << type << " a, " << type << " b) {\n";
    out << "  " << type << " r = a - a / b * b;\n";
    out << "  return r < 0 ? r + b : r;\n}\n";
  }
  return out.take();
}

/// The first operand where neither is less. Some drivers make the device's own minimum of `a < b ? b : a`, which drops
/// a NaN: asked for apart, it stays.
std::string extremum_text(const Helper &helper, const std::string &type) {
  bool is_min = helper.kind == HelperKind::kMin, keeps_nan = is_float(helper.type.scalar);
  std::string_view first = is_min ? "b" : "a", second = is_min ? "a" : "b";
  StringBuilder out;
  out << type << (is_min ? " min_of(" : " max_of(") << type << " a, " << type << " b) { return ";
  if (helper.type.is_vector()) {
    if (keeps_nan) out << "mix(";
    out << "mix(a, b, lessThan(" << first << ", " << second << "))";
    if (keeps_nan) out << ", a, isnan(a))";
  } else {
    if (keeps_nan) out << "isnan(a) ? a : ";
    out << first << " < " << second << " ? b : a";
  }
  out << "; }\n";
  return out.take();
}

/// Conversion to int that saturates; NaN becomes 0.
constexpr std::string_view kFloatToInt = R"(// Rounded towards 0, held in the range of int; 0 for NaN.
int to_int(float x) {
  if (!(x > -2147483648.0)) return isnan(x) ? 0 : -2147483647 - 1;
  return x < 2147483648.0 ? int(x) : 2147483647;
}
)";
constexpr std::string_view kWideToInt = "int to_int(int64_t x) { return int(clamp(x, -2147483648L, 2147483647L)); }\n";

// Conversions of f16 and bf16 on bits: how devices round, and whether they flush subnormal numbers, is up to them.
constexpr std::string_view kHalfToFloat = R"(// The value of the f16 with these bits.
float half_to_float(uint h) {
  uint bits = (h & 0x7FFFu) << 13;
  if (bits < 0x800000u) {
    bits = floatBitsToUint(float(h & 0x7FFFu) * 5.9604644775390625e-08);
  } else {
    bits += bits < 0xF800000u ? 0x38000000u : 0x70000000u;
  }
  return uintBitsToFloat((h & 0x8000u) << 16 | bits);
}
)";
constexpr std::string_view kFloatToHalf = R"(// Bits of the nearest f16, ties to even.
uint float_to_half(float x) {
  uint bits = floatBitsToUint(x) & 0x7FFFFFFFu;
  uint sign = floatBitsToUint(x) >> 16 & 0x8000u;
  if (bits > 0x7F800000u) return sign | 0x7E00u;
  if (bits >= 0x477FF000u) return sign | 0x7C00u;
  if (bits < 0x38800000u) return sign | uint(roundEven(uintBitsToFloat(bits) * 16777216.0));
  return sign | ((bits + 0xFFFu + (bits >> 13 & 1u)) >> 13) - 0x1C000u;
}
)";
constexpr std::string_view kFloatToBfloat = R"(// Bits of the nearest bf16, ties to even.
uint float_to_bfloat(float x) {
  uint bits = floatBitsToUint(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return bits >> 16 | 0x40u;
  return (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
}
)";
constexpr std::string_view kIntToBfloat =
    R"(// Bits of the nearest bf16, rounded once: what float has no room for leaves a mark.
uint int_to_bfloat(int x) {
  int marked = x & ~0xFF | ((x & 0xFF) != 0 ? 0x80 : 0);
  return float_to_bfloat(float(abs(x) > 16777216 ? marked : x));
}
)";

/// Devices promise a few ULP for sqrt.
constexpr std::string_view kSqrt =
    R"(// At most 1 ULP off: one step of Newton's method, scaled so that no part of it is subnormal.
float sqrt_of(float x) {
  if (!(x > 0.0 && x < uintBitsToFloat(0x7F800000u))) return x < 0.0 ? uintBitsToFloat(0x7FC00000u) : x;
  bool is_small = x < 1.262177448e-29;
  precise float y = is_small ? x * 18446744073709551616.0 : x;
  precise float root = sqrt(y);
  precise float better = root + fma(-root, root, y) * (0.5 / root);
  return is_small ? better * 2.3283064365386963e-10 : better;
}
)";

std::string_view function_text(const Helper &helper) {
  switch (helper.kind) {
  case HelperKind::kSqrt: return kSqrt;
  case HelperKind::kToInt: return is_float(helper.type.scalar) ? kFloatToInt : kWideToInt;
  case HelperKind::kHalfToFloat: return kHalfToFloat;
  case HelperKind::kFloatToHalf: return kFloatToHalf;
  case HelperKind::kFloatToBfloat: return kFloatToBfloat;
  default: return kIntToBfloat;
  }
}

/// The scalar function in each component.
std::string by_components(const Helper &helper, const std::string &type) {
  bool to_float = helper.kind == HelperKind::kHalfToFloat || helper.kind == HelperKind::kSqrt;
  bool to_int = helper.kind == HelperKind::kToInt;
  std::string result = (to_float ? "vec" : to_int ? "ivec" : "uvec") + std::to_string(helper.type.lanes);
  StringBuilder out;
  out << result << " " << helper_name(helper.kind) << "(" << type << " x) { return " << result << "(";
  for (int lane = 0; lane < helper.type.lanes; ++lane)
    out << (lane ? ", " : "") << helper_name(helper.kind) << "(x" << component(lane) << ")";
  out << "); }\n";
  return out.take();
}

} // namespace

std::string helper_text(const Helper &helper, int index_bits) {
  std::string type = glsl_type(helper.type, index_bits);
  switch (helper.kind) {
  case HelperKind::kFloorDiv:
  case HelperKind::kFloorMod: return division_text(helper, type);
  case HelperKind::kMin:
  case HelperKind::kMax: return extremum_text(helper, type);
  default: break;
  }
  return helper.type.is_vector() ? by_components(helper, type) : std::string(function_text(helper));
}

} // namespace sparkle::vulkan
