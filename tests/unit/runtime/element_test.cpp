#include "runtime/element.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

namespace sparkle {
namespace {

uint16_t bits_of(Scalar element, double value) {
  uint16_t bits = 0;
  store_element(&bits, element, value);
  return bits;
}

TEST(Element, EveryHalfReadsBackAsItself) {
  for (Scalar element : {Scalar::kF16, Scalar::kBF16}) {
    for (uint32_t i = 0; i < 65536; ++i) {
      const auto bits = static_cast<uint16_t>(i);
      const double value = load_element(&bits, element);
      if (std::isnan(value)) continue;
      ASSERT_EQ(bits_of(element, value), bits) << name_of(element) << " " << i;
    }
  }
}

TEST(Element, HalfRoundsToNearestEvenOnce) {
  EXPECT_EQ(bits_of(Scalar::kF16, 1.0), 0x3C00);
  EXPECT_EQ(bits_of(Scalar::kF16, 1.0 + 0x1p-11), 0x3C00);           // tie, even below
  EXPECT_EQ(bits_of(Scalar::kF16, 1.0 + 0x1p-11 + 0x1p-40), 0x3C01); // through f32 this would be a tie
  EXPECT_EQ(bits_of(Scalar::kF16, 1.0 + 3 * 0x1p-11), 0x3C02);       // tie, even above
  EXPECT_EQ(bits_of(Scalar::kF16, 2.0 - 0x1p-12), 0x4000);           // carries into the exponent
  EXPECT_EQ(bits_of(Scalar::kF16, 65504), 0x7BFF);
  EXPECT_EQ(bits_of(Scalar::kF16, 65519.9), 0x7BFF);
  EXPECT_EQ(bits_of(Scalar::kF16, 65520), 0x7C00);
  EXPECT_EQ(bits_of(Scalar::kF16, -1e300), 0xFC00);
  EXPECT_EQ(bits_of(Scalar::kF16, 0x1p-24), 0x0001);
  EXPECT_EQ(bits_of(Scalar::kF16, 0x1p-25), 0x0000);
  EXPECT_EQ(bits_of(Scalar::kF16, 0x1.8p-25), 0x0001);
  EXPECT_EQ(bits_of(Scalar::kF16, -0.0), 0x8000);
  EXPECT_EQ(bits_of(Scalar::kBF16, 1.0 + 0x1p-8), 0x3F80);
  EXPECT_EQ(bits_of(Scalar::kBF16, std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_TRUE(std::isnan([] {
    const uint16_t nan = bits_of(Scalar::kBF16, std::nan(""));
    return load_element(&nan, Scalar::kBF16);
  }()));
}

TEST(Element, IntegersRoundAndSaturate) {
  auto stored = [](Scalar element, double value) {
    int64_t memory = 0;
    store_element(&memory, element, value);
    return load_element(&memory, element);
  };
  EXPECT_EQ(stored(Scalar::kU8, 254.5), 254);
  EXPECT_EQ(stored(Scalar::kU8, 255.5), 255);
  EXPECT_EQ(stored(Scalar::kU8, -3), 0);
  EXPECT_EQ(stored(Scalar::kI8, 1e9), 127);
  EXPECT_EQ(stored(Scalar::kI8, -1e9), -128);
  EXPECT_EQ(stored(Scalar::kI32, 1e30), 2147483647);
  EXPECT_EQ(stored(Scalar::kI32, std::nan("")), 0);
  EXPECT_EQ(stored(Scalar::kIndex, 1e30), 0x1p63);
  EXPECT_EQ(stored(Scalar::kIndex, -1e30), -0x1p63);
  EXPECT_EQ(stored(Scalar::kBool, 0.25), 1);
  EXPECT_EQ(stored(Scalar::kBool, 0), 0);
}

} // namespace
} // namespace sparkle
