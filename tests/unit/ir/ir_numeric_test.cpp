#include "compiler/ir/numeric.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sparkle {
namespace {

TEST(IrNumeric, RoundsToNearestEven) {
  EXPECT_EQ(round_to(Scalar::kF16, 2049.0), 2048.0);
  EXPECT_EQ(round_to(Scalar::kF16, 2051.0), 2052.0);
  EXPECT_EQ(round_to(Scalar::kBF16, 257.0), 256.0);
  EXPECT_EQ(round_to(Scalar::kBF16, 259.0), 260.0);
  EXPECT_EQ(round_to(Scalar::kF32, 16777217.0), 16777216.0);
}

TEST(IrNumeric, RoundsAtTheEndsOfTheRange) {
  EXPECT_EQ(round_to(Scalar::kF16, 65519.0), 65504.0);
  EXPECT_TRUE(std::isinf(round_to(Scalar::kF16, 65520.0)));
  EXPECT_EQ(round_to(Scalar::kF16, std::ldexp(1.0, -24)), std::ldexp(1.0, -24));
  EXPECT_EQ(round_to(Scalar::kF16, std::ldexp(1.0, -25)), 0.0);
  EXPECT_EQ(round_to(Scalar::kF16, std::ldexp(1.5, -25)), std::ldexp(1.0, -24));
  EXPECT_TRUE(std::signbit(round_to(Scalar::kBF16, -0.0)));
}

TEST(IrNumeric, ConvertsWithSaturation) {
  EXPECT_EQ(fold_float_to_int(Scalar::kI32, 3e9), std::numeric_limits<int32_t>::max());
  EXPECT_EQ(fold_float_to_int(Scalar::kU8, -1.0), 0);
  EXPECT_EQ(fold_float_to_int(Scalar::kI32, std::nan("")), 0);
  EXPECT_EQ(fold_float_to_int(Scalar::kIndex, 1e300), std::numeric_limits<int64_t>::max());
}

TEST(IrNumeric, ComparesNanAsIeeeDoes) {
  const double nan = std::nan("");
  EXPECT_FALSE(fold_compare(CompareOp::kLe, nan, nan));
  EXPECT_TRUE(fold_compare(CompareOp::kNe, nan, nan));
  EXPECT_EQ(fold_binary_f32(BinaryOp::kMax, 1.0, nan), 1.0);
  EXPECT_EQ(fold_binary_f32(BinaryOp::kMin, nan, 1.0), std::nullopt); // The first operand is kept: NaN.
}

} // namespace
} // namespace sparkle
