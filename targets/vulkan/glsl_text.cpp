#include "targets/vulkan/glsl_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include "compiler/support/check.h"
#include "compiler/support/string_builder.h"

namespace sparkle::vulkan {
namespace {

/// Sorted. Keywords and reserved words of GLSL 4.50 (section 3.6), the built-in functions that the emitter calls, and
/// the names that it gives to things of its own. Words that start with a type's name and a digit are left to
/// is_type_like.
constexpr std::string_view kReservedWords[] = {"abs",
                                               "active",
                                               "all",
                                               "any",
                                               "asm",
                                               "atomic_uint",
                                               "attribute",
                                               "barrier",
                                               "bool",
                                               "break",
                                               "buffer",
                                               "case",
                                               "cast",
                                               "ceil",
                                               "centroid",
                                               "clamp",
                                               "class",
                                               "coherent",
                                               "common",
                                               "const",
                                               "continue",
                                               "default",
                                               "discard",
                                               "do",
                                               "double",
                                               "else",
                                               "enum",
                                               "equal",
                                               "exp",
                                               "extern",
                                               "external",
                                               "false",
                                               "filter",
                                               "fixed",
                                               "flat",
                                               "float",
                                               "floatBitsToUint",
                                               "float_to_bfloat",
                                               "float_to_half",
                                               "floor",
                                               "floor_div",
                                               "floor_mod",
                                               "fma",
                                               "for",
                                               "goto",
                                               "group",
                                               "half",
                                               "half_to_float",
                                               "highp",
                                               "if",
                                               "in",
                                               "inline",
                                               "inout",
                                               "input",
                                               "int",
                                               "int64_t",
                                               "int_to_bfloat",
                                               "interface",
                                               "invariant",
                                               "inversesqrt",
                                               "isnan",
                                               "launch",
                                               "layout",
                                               "lessThan",
                                               "lessThanEqual",
                                               "log",
                                               "long",
                                               "lowp",
                                               "main",
                                               "max",
                                               "max_of",
                                               "mediump",
                                               "memoryBarrierBuffer",
                                               "min",
                                               "min_of",
                                               "mix",
                                               "namespace",
                                               "noinline",
                                               "noperspective",
                                               "not",
                                               "notEqual",
                                               "out",
                                               "output",
                                               "partition",
                                               "patch",
                                               "precise",
                                               "precision",
                                               "public",
                                               "readonly",
                                               "resource",
                                               "restrict",
                                               "return",
                                               "roundEven",
                                               "sample",
                                               "shared",
                                               "short",
                                               "sizeof",
                                               "smooth",
                                               "sqrt",
                                               "static",
                                               "struct",
                                               "subroutine",
                                               "superp",
                                               "switch",
                                               "tanh",
                                               "template",
                                               "this",
                                               "to_int",
                                               "true",
                                               "trunc",
                                               "typedef",
                                               "uint",
                                               "uint64_t",
                                               "uintBitsToFloat",
                                               "uniform",
                                               "union",
                                               "unsigned",
                                               "using",
                                               "varying",
                                               "void",
                                               "volatile",
                                               "while",
                                               "worker",
                                               "writeonly"};
static_assert(std::is_sorted(std::begin(kReservedWords), std::end(kReservedWords)));

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return text.starts_with(p); });
}

/// `vec4`, `ivec2`, `mat3x3`, `sampler2D`, `float16_t`...: far fewer than a list, and no name worth keeping is lost.
bool is_type_like(std::string_view name) {
  return starts_with_any(name, {"gl_",     "vec",     "ivec",    "uvec",     "bvec",     "dvec",   "mat2",   "mat3",
                                "mat4",    "dmat",    "sampler", "isampler", "usampler", "image",  "iimage", "uimage",
                                "texture", "subpass", "int8",    "int16",    "int32",    "uint8",  "uint16", "uint32",
                                "float16", "float32", "float64", "i64vec",   "u64vec",   "f16vec", "hvec",   "fvec",
                                "i8vec",   "u8vec",   "i16vec",  "u16vec"});
}

bool is_reserved(std::string_view name) {
  return std::binary_search(std::begin(kReservedWords), std::end(kReservedWords), name) || is_type_like(name);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Letters, digits and single underscores; starts with a letter (a double underscore is reserved).
std::string legal(std::string_view wanted) {
  std::string out;
  for (char c : wanted) {
    if (!is_letter(c) && !is_digit(c)) c = '_';
    if (c == '_' && (out.empty() || out.back() == '_')) continue;
    out += c;
  }
  if (out.empty() || is_digit(out[0])) out = out.empty() ? "v" : "v" + out;
  return out;
}

} // namespace

std::string glsl_type(Type type, int index_bits) {
  bool wide = type.scalar == Scalar::kIndex && index_bits == 64;
  std::string_view scalar;
  std::string_view prefix;
  switch (type.scalar) {
  case Scalar::kBool: scalar = "bool", prefix = "b"; break;
  case Scalar::kIndex: scalar = wide ? "int64_t" : "int", prefix = wide ? "i64" : "i"; break;
  case Scalar::kI32:
  case Scalar::kI8:
  case Scalar::kU8: scalar = "int", prefix = "i"; break;
  case Scalar::kF16:
  case Scalar::kBF16: scalar = "uint", prefix = "u"; break;
  case Scalar::kF32: scalar = "float", prefix = ""; break;
  }
  if (!type.is_vector()) return std::string(scalar);
  return std::string(prefix) + "vec" + std::to_string(type.lanes);
}

std::string memory_type(Type type) {
  bool is_byte = bytes_of(type.scalar) == 1;
  std::string sign = type.scalar == Scalar::kI8 ? "" : "u";
  std::string bits = is_byte ? "8" : "16";
  if (!type.is_vector()) return sign + "int" + bits + "_t";
  return (sign.empty() ? "i" : sign) + bits + "vec" + std::to_string(type.lanes);
}

namespace {

/// Of a value that f16 holds exactly.
uint32_t half_bits(double value) {
  uint32_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (std::isnan(value)) return 0x7E00;
  if (std::isinf(value)) return sign | 0x7C00;
  if (magnitude < 0x1p-14) return sign | static_cast<uint32_t>(magnitude * 0x1p24);
  int exponent = std::ilogb(magnitude);
  return sign + (static_cast<uint32_t>(exponent + 14) << 10) +
         static_cast<uint32_t>(std::ldexp(magnitude, 10 - exponent));
}

} // namespace

Text small_float_literal(Scalar scalar, double value) {
  bool is_half = scalar == Scalar::kF16;
  uint32_t bits = is_half ? half_bits(value) : std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16;
  if (!is_half && std::isnan(value)) bits = 0x7FC0;
  char digits[8];
  auto end = std::to_chars(digits, digits + sizeof digits, bits, 16).ptr;
  return {"0x" + std::string(digits, end) + "u"};
}

Text float_literal(float value) {
  if (!std::isfinite(value)) {
    char digits[16];
    auto end = std::to_chars(digits, digits + sizeof digits, std::bit_cast<uint32_t>(value), 16).ptr;
    return {"uintBitsToFloat(0x" + std::string(digits, end) + "u)", Precedence::kPrimary};
  }
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, std::fabs(value)).ptr;
  std::string text(digits, end);
  // GLSL compilers read a double and round it to float; enough digits for the double leave no room for a second
  // rounding.
  double reread = 0;
  std::from_chars(text.data(), text.data() + text.size(), reread);
  if (static_cast<float>(reread) != std::fabs(value)) {
    end = std::to_chars(digits, digits + sizeof digits, std::fabs(static_cast<double>(value))).ptr;
    text.assign(digits, end);
  }
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  if (std::signbit(value)) return {"-" + text, Precedence::kUnary};
  return {text, Precedence::kPrimary};
}

Text int_literal(int64_t value) {
  StringBuilder out;
  if (value == std::numeric_limits<int32_t>::min()) return {"-2147483647 - 1", Precedence::kAdditive};
  if (value == std::numeric_limits<int64_t>::min()) return {"-9223372036854775807L - 1L", Precedence::kAdditive};
  out << value;
  if (value != static_cast<int32_t>(value)) out << 'L';
  return {out.take(), value < 0 ? Precedence::kUnary : Precedence::kPrimary};
}

std::string_view component(int lane) {
  static constexpr std::string_view kNames[] = {".x", ".y", ".z", ".w"};
  SPARKLE_CHECK(lane >= 0 && lane < 4, "a vector of GLSL has at most 4 components");
  return kNames[lane];
}

std::string Names::fresh(std::string_view wanted) {
  std::string name = legal(wanted);
  if (is_reserved(name)) name += name.back() == '_' ? "v" : "_v";
  if (take(name)) return name;
  if (name.back() == '_') name.pop_back();
  for (int i = 2;; ++i) {
    std::string numbered = name + "_" + std::to_string(i);
    if (!is_reserved(numbered) && take(numbered)) return numbered;
  }
}

} // namespace sparkle::vulkan
