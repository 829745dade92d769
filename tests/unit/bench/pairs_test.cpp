#include "tools/bench/pairs.h"

#include <gtest/gtest.h>

namespace sparkle::bench {
namespace {

/// Runs that take `seconds` each, by their own account.
Runs taking(double seconds) {
  return [seconds](int64_t times) -> Result<Elapsed> {
    return Elapsed{seconds * static_cast<double>(times), 2 * seconds * static_cast<double>(times)};
  };
}

/// A probe that says these, one after the other, and the last one from then on.
std::function<double()> saying(std::vector<double> values) {
  return [values, next = size_t{0}]() mutable { return values[std::min(next++, values.size() - 1)]; };
}

TEST(Pairs, RatioIsTheOthersTimeOverOurs) {
  PairOptions options;
  options.pairs = 5;
  options.probe = saying({100});
  const auto timing = time_pairs(taking(0.001), taking(0.002), options);
  ASSERT_TRUE(timing);
  EXPECT_DOUBLE_EQ(timing->ours, 0.001);
  EXPECT_DOUBLE_EQ(timing->ours_wall, 0.002);
  EXPECT_DOUBLE_EQ(timing->theirs, 0.002);
  EXPECT_DOUBLE_EQ(timing->ratio, 2);
  EXPECT_DOUBLE_EQ(timing->ratio_low, 2);
  EXPECT_DOUBLE_EQ(timing->ratio_high, 2);
  EXPECT_DOUBLE_EQ(timing->peak, 100);
  EXPECT_DOUBLE_EQ(timing->peak_time, 0.1);
  EXPECT_EQ(timing->dropped, 0);
}

TEST(Pairs, DisturbedOnesAreDropped) {
  PairOptions options;
  options.pairs = 3;
  options.probe = saying({100, 60, 100, 99, 80, 81});
  const auto timing = time_pairs(taking(0.001), taking(0.002), options);
  ASSERT_TRUE(timing);
  EXPECT_EQ(timing->dropped, 1);
  EXPECT_FALSE(timing->disturbed);
  EXPECT_DOUBLE_EQ(timing->peak, (99.5 + 80.5) / 2);
}

TEST(Pairs, AllCountWhereHardlyAnyIsLeft) {
  PairOptions options;
  options.pairs = 4;
  options.probe = saying({100, 60, 60, 100, 100, 60, 100, 100});
  const auto timing = time_pairs(taking(0.001), taking(0.002), options);
  ASSERT_TRUE(timing);
  EXPECT_EQ(timing->dropped, 3);
  EXPECT_TRUE(timing->disturbed);
  EXPECT_DOUBLE_EQ(timing->peak, 80);
}

TEST(Pairs, WithoutAnotherThereIsNoRatio) {
  PairOptions options;
  options.pairs = 2;
  options.probe = saying({100});
  const auto timing = time_pairs(taking(0.001), {}, options);
  ASSERT_TRUE(timing);
  EXPECT_DOUBLE_EQ(timing->ours, 0.001);
  EXPECT_EQ(timing->ratio, 0);
}

TEST(Pairs, AFailureEndsThem) {
  PairOptions options;
  options.probe = saying({100});
  const Runs failing = [](int64_t) -> Result<Elapsed> { return Error{ErrorCode::kTimeout, "silent"}; };
  const auto timing = time_pairs(taking(0.001), failing, options);
  ASSERT_FALSE(timing);
  EXPECT_EQ(timing.error().text, "silent");
}

TEST(Pairs, IntervalHoldsTheMedianAndIsTheSameAgain) {
  std::vector<double> values;
  for (int i = 0; i < 31; ++i) values.push_back(1 + 0.01 * i);
  const auto [low, high] = interval_of_median(values);
  EXPECT_LT(low, 1.15);
  EXPECT_GT(high, 1.15);
  EXPECT_GT(low, 1.05);
  EXPECT_LT(high, 1.25);
  EXPECT_EQ(interval_of_median(values), std::make_pair(low, high));
}

TEST(Pairs, GeometricMeanWeighs) {
  EXPECT_DOUBLE_EQ(geometric_mean({}), 0);
  EXPECT_NEAR(geometric_mean({{2, 1}, {0.5, 1}}), 1, 1e-12);
  EXPECT_NEAR(geometric_mean({{16, 1}, {1, 3}}), 2, 1e-12);
}

TEST(Pairs, Quantiles) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_DOUBLE_EQ(quantile({1, 2}, 0.5), 1.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 2, 3}, 1), 4);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 2, 3}, 0), 1);
}

} // namespace
} // namespace sparkle::bench
