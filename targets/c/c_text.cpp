#include "targets/c/c_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace sparkle::c {
namespace {

struct Helper {
  std::string_view name, definition;
};

// Saturation, rounding and signs as compiler/ir/nodes.h has them. 32-bit integers wrap: unsigned arithmetic does.
constexpr Helper kHelpers[] = {
    {"half_to_f32",
     "static inline float half_to_f32(uint16_t h) {\n"
     "  const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, mantissa = h & 1023u;\n"
     "  if (exponent == 0) return (sign ? -1.0f : 1.0f) * ldexpf((float)mantissa, -24);\n"
     "  const uint32_t bits = sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;\n"
     "  float f;\n"
     "  memcpy(&f, &bits, sizeof f);\n"
     "  return f;\n"
     "}\n"},
    {"f32_to_half", "static inline uint16_t f32_to_half(float f) {\n"
                    "  uint32_t bits;\n"
                    "  memcpy(&bits, &f, sizeof bits);\n"
                    "  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);\n"
                    "  if (isnan(f)) return (uint16_t)(sign | 0x7E00u);\n"
                    "  if (fabsf(f) >= 65520.0f) return (uint16_t)(sign | 0x7C00u);\n"
                    "  if (fabsf(f) < 0x1p-14f) return (uint16_t)(sign | (uint16_t)rintf(fabsf(f) * 0x1p24f));\n"
                    "  const uint32_t rounded = (bits & 0x7FFFFFFFu) + 0xFFFu + (bits >> 13 & 1u);\n"
                    "  return (uint16_t)(sign | ((rounded >> 13) - (112u << 10)));\n"
                    "}\n"},
    {"bfloat_to_f32", "static inline float bfloat_to_f32(uint16_t b) {\n"
                      "  const uint32_t bits = (uint32_t)b << 16;\n"
                      "  float f;\n"
                      "  memcpy(&f, &bits, sizeof f);\n"
                      "  return f;\n"
                      "}\n"},
    {"f32_to_bfloat", "static inline uint16_t f32_to_bfloat(float f) {\n"
                      "  uint32_t bits;\n"
                      "  memcpy(&bits, &f, sizeof bits);\n"
                      "  if (isnan(f)) return (uint16_t)(bits >> 16 | 0x40u);\n"
                      "  return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);\n"
                      "}\n"},
    {"f32_of_bits", "static inline float f32_of_bits(uint32_t bits) {\n"
                    "  float f;\n"
                    "  memcpy(&f, &bits, sizeof f);\n"
                    "  return f;\n"
                    "}\n"},
    {"f32_to_i32", "static inline int32_t f32_to_i32(float f) {\n"
                   "  return isnan(f) ? 0 : f >= 0x1p31f ? INT32_MAX : f <= -0x1p31f ? INT32_MIN : (int32_t)f;\n"
                   "}\n"},
    {"f32_to_i64", "static inline int64_t f32_to_i64(float f) {\n"
                   "  return isnan(f) ? 0 : f >= 0x1p63f ? INT64_MAX : f <= -0x1p63f ? INT64_MIN : (int64_t)f;\n"
                   "}\n"},
    {"f32_to_i8",
     "static inline int8_t f32_to_i8(float f) { return isnan(f) ? 0 : f >= 127.0f ? 127 : f <= -128.0f ? -128 : "
     "(int8_t)f; }\n"},
    {"f32_to_u8",
     "static inline uint8_t f32_to_u8(float f) { return !(f > 0.0f) ? 0 : f >= 255.0f ? 255 : (uint8_t)f; }\n"},
    {"saturate_i32",
     "static inline int32_t saturate_i32(int64_t v) { return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : "
     "(int32_t)v; }\n"},
    {"saturate_i8",
     "static inline int8_t saturate_i8(int32_t v) { return v > 127 ? 127 : v < -128 ? -128 : (int8_t)v; }\n"},
    {"saturate_u8",
     "static inline uint8_t saturate_u8(int32_t v) { return v > 255 ? 255 : v < 0 ? 0 : (uint8_t)v; }\n"},
    {"add_i32",
     "static inline int32_t add_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }\n"},
    {"sub_i32",
     "static inline int32_t sub_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }\n"},
    {"mul_i32",
     "static inline int32_t mul_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }\n"},
    {"abs_i32", "static inline int32_t abs_i32(int32_t a) { return a < 0 ? (int32_t)(0u - (uint32_t)a) : a; }\n"},
    {"min_i32", "static inline int32_t min_i32(int32_t a, int32_t b) { return b < a ? b : a; }\n"},
    {"max_i32", "static inline int32_t max_i32(int32_t a, int32_t b) { return a < b ? b : a; }\n"},
    {"min_i64", "static inline int64_t min_i64(int64_t a, int64_t b) { return b < a ? b : a; }\n"},
    {"max_i64", "static inline int64_t max_i64(int64_t a, int64_t b) { return a < b ? b : a; }\n"},
    {"min_f32", "static inline float min_f32(float a, float b) { return b < a ? b : a; }\n"},
    {"max_f32", "static inline float max_f32(float a, float b) { return a < b ? b : a; }\n"},
    // Divisors are positive.
    {"floor_div", "static inline int floor_div(int a, int b) { return a / b - (a % b < 0); }\n"},
    {"floor_mod", "static inline int floor_mod(int a, int b) { return a % b < 0 ? a % b + b : a % b; }\n"},
    {"floor_div_i64", "static inline int64_t floor_div_i64(int64_t a, int64_t b) { return a / b - (a % b < 0); }\n"},
    {"floor_mod_i64",
     "static inline int64_t floor_mod_i64(int64_t a, int64_t b) { return a % b < 0 ? a % b + b : a % b; }\n"},
    {"floor_mod_f32", "static inline float floor_mod_f32(float a, float b) { return a - floorf(a / b) * b; }\n"},
    {"rsqrt_f32", "static inline float rsqrt_f32(float a) { return 1.0f / sqrtf(a); }\n"},
    {"sigmoid_f32", "static inline float sigmoid_f32(float a) { return 1.0f / (1.0f + expf(-a)); }\n"},
};

/// Keywords, what stdint.h and stdbool.h define, and the functions of math.h and string.h.
constexpr std::string_view kReserved[] = {
    "auto",      "break",       "case",     "char",      "const",    "continue", "default", "do",     "double",
    "else",      "enum",        "extern",   "float",     "for",      "goto",     "if",      "inline", "int",
    "long",      "register",    "restrict", "return",    "short",    "signed",   "sizeof",  "static", "struct",
    "switch",    "typedef",     "union",    "unsigned",  "void",     "volatile", "while",   "bool",   "true",
    "false",     "asm",         "main",     "abs",       "acos",     "acosh",    "asin",    "asinh",  "atan",
    "atan2",     "atanh",       "cbrt",     "ceil",      "copysign", "cos",      "cosh",    "drem",   "erf",
    "erfc",      "exp",         "exp2",     "expm1",     "fabs",     "fdim",     "floor",   "fma",    "fmax",
    "fmin",      "fmod",        "frexp",    "gamma",     "hypot",    "ilogb",    "isinf",   "isnan",  "isfinite",
    "isnormal",  "signbit",     "j0",       "j1",        "jn",       "ldexp",    "lgamma",  "llrint", "llround",
    "log",       "log10",       "log1p",    "log2",      "logb",     "lrint",    "lround",  "modf",   "nan",
    "nearbyint", "nextafter",   "pow",      "remainder", "remquo",   "rint",     "round",   "scalb",  "scalbln",
    "scalbn",    "significand", "sin",      "sinh",      "sqrt",     "tan",      "tanh",    "tgamma", "trunc",
    "y0",        "y1",          "yn",       "sqrtf",     "expf",     "logf",     "tanhf",   "erff",   "fabsf",
    "floorf",    "ceilf",       "rintf",    "truncf",    "fmaf",     "ldexpf",   "memcpy",  "memset", "memmove",
    "strlen",    "index",       "rindex",   "INFINITY",  "NAN",      "NULL",     "linux",   "unix"};

} // namespace

std::string_view c_type(Scalar scalar, bool wide_index) {
  switch (scalar) {
  case Scalar::kBool: return "bool";
  case Scalar::kIndex: return wide_index ? "int64_t" : "int";
  case Scalar::kI32: return "int32_t";
  case Scalar::kF32: return "float";
  case Scalar::kF16:
  case Scalar::kBF16: return "uint16_t";
  case Scalar::kI8: return "int8_t";
  case Scalar::kU8: return "uint8_t";
  }
  return "";
}

Text float_literal(double value) {
  if (std::isnan(value)) return {"NAN", Precedence::kPrimary};
  const Precedence precedence = std::signbit(value) ? Precedence::kUnary : Precedence::kPrimary;
  if (std::isinf(value)) return {value < 0 ? "-INFINITY" : "INFINITY", precedence};
  char digits[64];
  const char *end = std::to_chars(digits, digits + sizeof digits, static_cast<float>(value)).ptr;
  std::string text(digits, static_cast<size_t>(end - digits));
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return {text + "f", precedence};
}

Text int_literal(int64_t value) {
  if (value == INT32_MIN) return {"INT32_MIN", Precedence::kPrimary};
  if (value == INT64_MIN) return {"INT64_MIN", Precedence::kPrimary};
  const bool is_wide = value > INT32_MAX || value < INT32_MIN;
  return {std::to_string(value) + (is_wide ? "LL" : ""), value < 0 ? Precedence::kUnary : Precedence::kPrimary};
}

Text Helpers::call(std::string_view name, const std::vector<Text> &arguments) {
  const auto *helper = std::ranges::find(kHelpers, name, &Helper::name);
  if (helper != std::end(kHelpers)) used_.insert(std::string(name));
  std::string text(name);
  text += '(';
  for (size_t i = 0; i < arguments.size(); ++i) text += (i > 0 ? ", " : "") + arguments[i].text;
  return {text + ")", Precedence::kPrimary};
}

std::string Helpers::definitions() const {
  std::string text;
  for (const Helper &helper : kHelpers)
    if (used_.contains(helper.name)) text += helper.definition;
  return text;
}

std::string Names::fresh(std::string_view wanted) {
  std::string base;
  for (const char c : wanted) base += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (base.empty() || std::isdigit(static_cast<unsigned char>(base.front())) != 0) base = "v" + base;
  const auto is_reserved = [](std::string_view name) {
    return std::ranges::find(kReserved, name) != std::end(kReserved) ||
           std::ranges::find(kHelpers, name, &Helper::name) != std::end(kHelpers);
  };
  std::string name = base;
  for (int i = 2; is_reserved(name) || !take(name); ++i) name = base + "_" + std::to_string(i);
  return name;
}

} // namespace sparkle::c
