#include "runtime/fill.h"

#include <set>

#include <gtest/gtest.h>

namespace sparkle {
namespace {

HostTensor make(Scalar element, std::vector<int64_t> shape) { return *HostTensor::allocate(element, std::move(shape)); }

TEST(Fill, UniformStaysInRangeAndSpreads) {
  HostTensor tensor = make(Scalar::kF32, {100, 100});
  fill_uniform(tensor, 1, -1, 3);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    const double value = tensor.get(i);
    ASSERT_GE(value, -1);
    ASSERT_LE(value, 3); // f32 rounding may reach the end
    sum += value, squares += value * value;
  }
  EXPECT_NEAR(sum / 10000, 1, 0.05); // deviation of the mean: 0.0115
  EXPECT_NEAR(squares / 10000 - 1, 16.0 / 12, 0.08);
}

TEST(Fill, DependsOnSeedAndPositionAlone) {
  HostTensor a = make(Scalar::kF32, {64}), b = make(Scalar::kF32, {8, 8}), c = make(Scalar::kF32, {64});
  fill_uniform(a, 7);
  fill_uniform(b, 7);
  fill_uniform(c, 8);
  int equal = 0, shifted = 0;
  for (int64_t i = 0; i < 64; ++i) {
    EXPECT_EQ(a.get(i), b.get(i));
    equal += a.get(i) == c.get(i);
    if (i > 0) shifted += a.get(i) == c.get(i - 1);
  }
  EXPECT_EQ(equal, 0);
  EXPECT_EQ(shifted, 0);
}

TEST(Fill, IntegersCoverTheirRange) {
  HostTensor tensor = make(Scalar::kI8, {1000});
  fill_integers(tensor, 3, -2, 2);
  std::set<double> seen;
  for (int64_t i = 0; i < 1000; ++i) seen.insert(tensor.get(i));
  EXPECT_EQ(seen, (std::set<double>{-2, -1, 0, 1, 2}));
}

TEST(Fill, PatternsFollowCoordinatesThroughStrides) {
  HostTensor tensor = *HostTensor::allocate(Scalar::kF32, {2, 3}, {8, 2});
  fill_ramp(tensor, 4);
  const float *data = tensor.as<float>();
  EXPECT_EQ(data[0], 0);
  EXPECT_EQ(data[1], 0); // between elements: untouched
  EXPECT_EQ(data[4], 2);
  EXPECT_EQ(data[8], 3);
  EXPECT_EQ(data[10], 0);
  fill_checkerboard(tensor);
  EXPECT_EQ(data[0], 1);
  EXPECT_EQ(data[2], 0);
  EXPECT_EQ(data[8], 0);
  EXPECT_EQ(data[10], 1);
  fill_constant(tensor, 2.5);
  EXPECT_EQ(data[12], 2.5f);
}

} // namespace
} // namespace sparkle
