#include "targets/cpu/division.h"

#include <cmath>

namespace sparkle::cpu {
namespace {

constexpr float kGreatestDivisor = 256;

} // namespace

std::optional<ConstantDivision> constant_division(float divisor, bool strict) {
  if (!std::isnormal(divisor)) return std::nullopt;
  int exponent = 0;
  const float reciprocal = 1.0f / divisor;
  if (std::fabs(std::frexp(divisor, &exponent)) == 0.5f) {
    if (!std::isnormal(reciprocal)) return std::nullopt;
    return ConstantDivision{reciprocal, true};
  }
  if (!(divisor > 2 && divisor <= kGreatestDivisor) || divisor != std::trunc(divisor)) return std::nullopt;
  const bool is_even = static_cast<int>(divisor) % 2 == 0;
  if (strict && is_even) return std::nullopt;
  return ConstantDivision{reciprocal, false};
}

} // namespace sparkle::cpu
