#include "runtime/timer.h"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

namespace sparkle {
namespace {

TEST(Timer, SummaryOfKnownSamples) {
  TimeSummary s = summarize({5, 1, 4, 2, 3});
  EXPECT_EQ(s.count, 5);
  EXPECT_EQ(s.min, 1);
  EXPECT_EQ(s.median, 3);
  EXPECT_EQ(s.max, 5);
  EXPECT_DOUBLE_EQ(s.p5, 1.2);
  EXPECT_DOUBLE_EQ(s.p95, 4.8);
  EXPECT_DOUBLE_EQ(s.spread, 3.6 / 3);
}

TEST(Timer, SummaryOfFewSamples) {
  EXPECT_EQ(summarize({}).count, 0);
  TimeSummary one = summarize({2});
  EXPECT_EQ(one.median, 2);
  EXPECT_EQ(one.p95, 2);
  EXPECT_EQ(one.spread, 0);
  EXPECT_EQ(summarize({1, 2}).median, 1.5);
  EXPECT_EQ(summarize({0, 0}).spread, 0);
}

TEST(Timer, StopwatchSeesWallTime) {
  Stopwatch watch;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_GE(watch.seconds(), 0.020);
  double after_restart = 1;
  for (int i = 0; i < 100; ++i) { // the least: others may be using the machine
    watch.restart();
    after_restart = std::min(after_restart, watch.seconds());
  }
  EXPECT_LT(after_restart, 0.020);
}

} // namespace
} // namespace sparkle
