#include "dsl/elem.h"

#include <array>
#include <limits>

namespace sparkle::dsl {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"f32", "f16", "bf16", "i32", "i8", "u8", "int", "bool"};

} // namespace

std::string_view name_of(Elem elem) { return kNames[static_cast<size_t>(elem)]; }

std::optional<Elem> elem_named(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Elem>(i);
  return std::nullopt;
}

IntegerRange range_of(Elem integer) {
  switch (integer) {
  case Elem::kI32: return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  case Elem::kI8: return {-128, 127};
  case Elem::kU8: return {0, 255};
  default: return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
}

FloatFormat format_of(Elem floating) {
  if (floating == Elem::kF16) return {11, -24, 15};
  if (floating == Elem::kBf16) return {8, -133, 127};
  return {24, -149, 127};
}

} // namespace sparkle::dsl
