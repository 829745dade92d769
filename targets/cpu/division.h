// Divisions of f32 by constants, without the division: one takes as long as 24 multiply-adds on Cascade Lake.
//
//   x / 8.0  ->  x * 0.125
//   x / 9.0  ->  q = x * (1/9); rest = x - q*9, fused; rest is not 0 and a number ? q + rest * (1/9), fused : q
//
// Where nothing is left q is exact, zeros keep their sign and infinities stay: the rest of an infinity is no number.
#pragma once

#include <optional>

namespace sparkle::cpu {

struct ConstantDivision {
  float reciprocal = 1;    ///< Rounded to nearest.
  bool is_product = false; ///< The product with it is the quotient.
};

/// Nothing where the division must stay. Powers of two (of either sign) have exact reciprocals. Whole constants from 3
/// to 256 give the correctly rounded quotient, but for even ones with a result in the denormal range, which may lie
/// halfway between two numbers there: they stay where `strict`.
std::optional<ConstantDivision> constant_division(float divisor, bool strict);

} // namespace sparkle::cpu
