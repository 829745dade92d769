// A lost device: dead afterwards, opened anew once, then left alone.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/vulkan/fault_run.h"

namespace sparkle::test {
namespace {

constexpr int kLost = -4, kTimeout = 2;

class VulkanLost : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_NE(faults(), nullptr) << SPARKLE_FAULTS_PATH;
    const FaultyRun run = run_with({}, "vulkan");
    if (run.report && run.report->device_used == "cpu") GTEST_SKIP() << run.report->fallback_reason;
    calls_ = run.faults.calls;
  }
  int64_t last(const std::string &name) const {
    for (size_t i = calls_.size(); i-- > 0;)
      if (calls_[i].name == name) return static_cast<int64_t>(i) + 1;
    ADD_FAILURE() << name << " is not called";
    return 0;
  }
  static int64_t count(const FaultyRun &run, const std::string &name) {
    return std::ranges::count(run.faults.calls, name, &FaultCall::name);
  }
  std::vector<FaultCall> calls_;
};

TEST_F(VulkanLost, IsOpenedAnewOnce) {
  for (const char *call : {"vkQueueSubmit", "vkWaitForFences", "vkGetQueryPoolResults"}) {
    const FaultyRun run = run_with({last(call), kLost, FaultReach::kUntilNewDevice}, "vulkan");
    expect_trustworthy(run);
    ASSERT_TRUE(run.report) << run.report.error().text;
    EXPECT_EQ(run.report->device_used, "vulkan:0");
    EXPECT_NE(run.report->fallback_reason.find("VK_ERROR_DEVICE_LOST, opened anew"), std::string::npos)
        << run.report->fallback_reason;
    EXPECT_EQ(count(run, "vkCreateDevice"), 2);
  }
}

TEST_F(VulkanLost, ThenTheCpuComputes) {
  const FaultyRun run = run_with({last("vkQueueSubmit"), kLost, FaultReach::kForever}, "vulkan");
  expect_trustworthy(run);
  ASSERT_TRUE(run.report) << run.report.error().text;
  EXPECT_EQ(run.report->device_used, "cpu");
  EXPECT_EQ(count(run, "vkCreateDevice"), 2) << "one more, not more";
  EXPECT_NE(run.report->fallback_reason.find("opened anew; vulkan:0: "), std::string::npos)
      << run.report->fallback_reason;
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool kFindsLeaks = true;
#else
constexpr bool kFindsLeaks = false;
#endif

TEST_F(VulkanLost, WorkThatNeverEndsIsNotAwaitedForEver) {
  if (kFindsLeaks) GTEST_SKIP() << "what is left behind on purpose would be reported";
  const FaultyRun run = run_with({last("vkWaitForFences"), kTimeout, FaultReach::kForever}, "vulkan");
  // Neither freed nor finished: its objects stay, for the device may still write.
  EXPECT_GT(run.faults.alive, 0);
  ASSERT_TRUE(run.report) << run.report.error().text;
  EXPECT_TRUE(run.is_right);
  EXPECT_EQ(run.report->device_used, "cpu");
  EXPECT_NE(run.report->fallback_reason.find("did not finish within"), std::string::npos)
      << run.report->fallback_reason;
  EXPECT_LT(run.faults.longest_wait, 3600);
}

TEST_F(VulkanLost, TheMachineGivesUpAfterTwoDeaths) {
  faults()->plan({});
  auto machine = Machine::open(behind_faults());
  ASSERT_TRUE(machine);
  for (int round = 0; round < 2; ++round) {
    auto context = (*machine)->vulkan_context(0);
    ASSERT_TRUE(context) << context.error().text;
    auto buffer = (*context)->create_buffer(64);
    ASSERT_TRUE(buffer);
    faults()->plan({1, kLost, FaultReach::kForever});
    EXPECT_FALSE((*context)->fill(*buffer, 0, 64, 1)) << "the first call fails";
    EXPECT_FALSE((*context)->death().empty());
    EXPECT_EQ((*context)->create_buffer(64).error().code, ErrorCode::kDeviceLost) << "dead for good";
    faults()->plan({});
  }
  const auto third = (*machine)->vulkan_context(0);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kDeviceLost);
  EXPECT_NE(third.error().text.find("lost again"), std::string::npos) << third.error().text;
}

} // namespace
} // namespace sparkle::test
