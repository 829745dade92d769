#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "dsl/elem.h"

namespace sparkle::dsl {
namespace {

Rational of(std::string_view text) { return *Rational::parse(text); }

TEST(Rational, StaysExact) {
  const Rational sixteenth = *Rational::div(Rational(1), Rational(16));
  EXPECT_EQ(Rational::mul(sixteenth, Rational(16))->to_int64(), 1);
  EXPECT_EQ(Rational::compare(*Rational::add(of("0.1"), of("0.2")), of("0.3")), 0);
  EXPECT_EQ(Rational::sub(of("1e3"), of("1000"))->to_int64(), 0);
  EXPECT_EQ(sixteenth.negated().text(), "-1/16");
  EXPECT_FALSE(sixteenth.is_whole());
}

TEST(Rational, KnowsTheEndsOf64Bits) {
  EXPECT_EQ(of("9223372036854775807").to_int64(), INT64_MAX);
  EXPECT_EQ(of("9223372036854775808").to_int64(), std::nullopt);
  EXPECT_EQ(of("9223372036854775808").negated().to_int64(), INT64_MIN);
}

TEST(Rational, RefusesWhatIsPastTheLimits) {
  EXPECT_FALSE(Rational::parse("1e401"));
  EXPECT_FALSE(Rational::parse("1e99999999999999999999"));
  EXPECT_FALSE(Rational::parse(std::string(101, '9')));
  Rational big = of("1e400");
  std::optional<Rational> power = big;
  for (int i = 0; i < 8 && power; ++i) power = Rational::mul(*power, *power);
  EXPECT_FALSE(power);
}

TEST(Rational, RoundsOnceToNearestEven) {
  // Half way between two f32 by way of f64 would go the wrong way: 1 + 2^-24 + 2^-60 is above the middle.
  const Rational tiny = *Rational::div(Rational(1), Rational(int64_t{1} << 60));
  const Rational half = *Rational::div(Rational(1), Rational(int64_t{1} << 24));
  const Rational above = *Rational::add(*Rational::add(Rational(1), half), tiny);
  EXPECT_EQ(above.round_to(format_of(Elem::kF32)), std::nextafterf(1.0f, 2.0f));
  EXPECT_EQ(Rational::add(Rational(1), half)->round_to(format_of(Elem::kF32)), 1.0);
  EXPECT_EQ(of("65519").round_to(format_of(Elem::kF16)), 65504.0);
  EXPECT_EQ(of("65520").round_to(format_of(Elem::kF16)), HUGE_VAL);
  EXPECT_EQ(of("1e-45").round_to(format_of(Elem::kF32)), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(of("1e-46").round_to(format_of(Elem::kF32)), 0.0);
  EXPECT_EQ(of("257").round_to(format_of(Elem::kBf16)), 256.0);
}

TEST(Rational, RoundsLikeTheCLibrary) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%d.%llue%d", static_cast<int>(random() % 1000),
                  static_cast<unsigned long long>(random()), static_cast<int>(random() % 90) - 45);
    const Rational value = of(digits);
    EXPECT_EQ(static_cast<float>(value.round_to(format_of(Elem::kF32))), std::strtof(digits, nullptr)) << digits;
    EXPECT_EQ(value.round_to({53, -1074, 1023}), std::strtod(digits, nullptr)) << digits;
  }
}

} // namespace
} // namespace sparkle::dsl
