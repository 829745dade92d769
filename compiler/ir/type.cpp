#include "compiler/ir/type.h"

#include <array>
#include <utility>

namespace sparkle {
namespace {

constexpr std::array<std::pair<Scalar, std::string_view>, 8> kScalarNames = {{{Scalar::kBool, "bool"},
                                                                              {Scalar::kIndex, "index"},
                                                                              {Scalar::kI32, "i32"},
                                                                              {Scalar::kF32, "f32"},
                                                                              {Scalar::kF16, "f16"},
                                                                              {Scalar::kBF16, "bf16"},
                                                                              {Scalar::kI8, "i8"},
                                                                              {Scalar::kU8, "u8"}}};

} // namespace

int64_t bytes_of(Scalar s) {
  switch (s) {
  case Scalar::kBool:
  case Scalar::kI8:
  case Scalar::kU8: return 1;
  case Scalar::kF16:
  case Scalar::kBF16: return 2;
  case Scalar::kI32:
  case Scalar::kF32: return 4;
  case Scalar::kIndex: return 8;
  }
  return 0;
}

std::string_view name_of(Scalar s) {
  for (const auto &[scalar, name] : kScalarNames)
    if (scalar == s) return name;
  return "?";
}

bool parse_scalar(std::string_view text, Scalar &out) {
  for (const auto &[scalar, name] : kScalarNames) {
    if (name != text) continue;
    out = scalar;
    return true;
  }
  return false;
}

std::string to_string(Type type) {
  std::string text(name_of(type.scalar));
  if (type.lanes > 1) text += "x" + std::to_string(type.lanes);
  return text;
}

} // namespace sparkle
