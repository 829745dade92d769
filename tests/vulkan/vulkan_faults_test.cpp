// Any call into Vulkan may fail: the result is right, by another device and with the reason, or an error of a kind.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/vulkan/fault_run.h"

namespace sparkle::test {
namespace {

constexpr int kUnknown = -13, kOutOfGpuMemory = -2, kLost = -4, kTimeout = 2;

class VulkanFaults : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_NE(faults(), nullptr) << SPARKLE_FAULTS_PATH;
    // Warms up as well: the first run compiles and reads what later ones find in caches.
    const FaultyRun run = run_with({}, "vulkan");
    if (run.report && run.report->device_used == "cpu") GTEST_SKIP() << run.report->fallback_reason;
    expect_trustworthy(run);
    ASSERT_TRUE(run.report) << run.report.error().text;
    calls_ = run.faults.calls;
    ASSERT_GT(calls_.size(), 50u);
  }
  int64_t first(const std::string &name) const {
    return std::ranges::find(calls_, name, &FaultCall::name) - calls_.begin() + 1;
  }
  std::vector<FaultCall> calls_;
};

TEST_F(VulkanFaults, AllFunctionsOfARunAreInjected) {
  std::set<std::string> names;
  for (const FaultCall &call : calls_) names.insert(call.name);
  for (const char *name : {"vkCreateInstance",
                           "vkEnumeratePhysicalDevices",
                           "vkEnumerateDeviceExtensionProperties",
                           "vkCreateDevice",
                           "vkCreateCommandPool",
                           "vkAllocateCommandBuffers",
                           "vkCreateFence",
                           "vkCreateBuffer",
                           "vkAllocateMemory",
                           "vkBindBufferMemory",
                           "vkMapMemory",
                           "vkCreateDescriptorSetLayout",
                           "vkCreatePipelineLayout",
                           "vkCreateShaderModule",
                           "vkCreateComputePipelines",
                           "vkCreateDescriptorPool",
                           "vkResetDescriptorPool",
                           "vkAllocateDescriptorSets",
                           "vkCreateQueryPool",
                           "vkGetQueryPoolResults",
                           "vkResetCommandPool",
                           "vkBeginCommandBuffer",
                           "vkEndCommandBuffer",
                           "vkResetFences",
                           "vkQueueSubmit",
                           "vkWaitForFences"})
    EXPECT_TRUE(names.contains(name)) << name;
}

/// The first and the last call of every function, each with one result: those that later code would stumble over.
TEST_F(VulkanFaults, FirstAndLastCallOfEachFunction) {
  std::map<std::string, std::pair<int64_t, int64_t>> ends;
  for (size_t i = 0; i < calls_.size(); ++i) {
    const auto number = static_cast<int64_t>(i) + 1;
    ends.try_emplace(calls_[i].name, number, number).first->second.second = number;
  }
  for (const auto &[name, numbers] : ends)
    for (const int64_t number : std::set<int64_t>{numbers.first, numbers.second}) {
      const FaultyRun run = run_with({number, kUnknown}, "vulkan");
      expect_trustworthy(run);
      EXPECT_TRUE(run.report) << run.what << ": " << run.report.error().text;
      EXPECT_EQ(run.faults.failed, 1) << run.what;
    }
}

TEST_F(VulkanFaults, StrictRequestsFailByKind) {
  const auto code_of = [&](const FaultPlan &plan) {
    const FaultyRun run = run_with(plan, "vulkan!");
    expect_trustworthy(run);
    EXPECT_FALSE(run.report) << run.what;
    return run.report ? ErrorCode::kInternal : run.report.error().code;
  };
  EXPECT_EQ(code_of({first("vkCreateInstance"), -9}), ErrorCode::kNoDevice);
  EXPECT_EQ(code_of({first("vkCreateDevice"), -3}), ErrorCode::kDevice);
  EXPECT_EQ(code_of({first("vkAllocateMemory"), kOutOfGpuMemory}), ErrorCode::kDeviceOutOfMemory);
  EXPECT_EQ(code_of({first("vkCreateComputePipelines"), -1}), ErrorCode::kOutOfMemory);
  EXPECT_EQ(code_of({first("vkWaitForFences"), kTimeout}), ErrorCode::kTimeout);
  EXPECT_EQ(code_of({first("vkQueueSubmit"), kLost, FaultReach::kForever}), ErrorCode::kDeviceLost);
}

TEST_F(VulkanFaults, AutomaticChoiceSaysWhatIsLeftOut) {
  expect_trustworthy(run_with({.is_discrete = true}, "auto"));
  const int64_t first_of_device = first("vkEnumerateDeviceExtensionProperties");
  for (const int64_t number : {first("vkCreateInstance"), first("vkEnumeratePhysicalDevices"), first_of_device}) {
    const FaultyRun run = run_with({number, kUnknown, FaultReach::kForever, true}, "auto");
    expect_trustworthy(run);
    ASSERT_TRUE(run.report) << run.report.error().text;
    EXPECT_EQ(run.report->device_used, "cpu");
    ASSERT_FALSE(run.report->left_out.empty()) << run.what;
    EXPECT_NE(run.report->left_out[0].reason.find("VK_ERROR_UNKNOWN"), std::string::npos) << run.what;
  }
}

TEST_F(VulkanFaults, LayersHaveNothingToSay) {
  const FaultyRun healthy = run_with({}, "vulkan", true);
  if (healthy.report && healthy.report->device_used == "cpu") GTEST_SKIP() << healthy.report->fallback_reason;
  expect_trustworthy(healthy);
  std::set<std::string> seen;
  for (size_t i = 0; i < healthy.faults.calls.size(); ++i) {
    if (!seen.insert(healthy.faults.calls[i].name).second) continue;
    expect_trustworthy(run_with({static_cast<int64_t>(i) + 1, kUnknown}, "vulkan", true));
  }
}

/// Nightly: every call, every result, on its own and from there on.
TEST_F(VulkanFaults, EveryCallWithEveryResult) {
  for (size_t i = 0; i < calls_.size(); ++i)
    for (const int result : calls_[i].results)
      for (const FaultReach reach : {FaultReach::kOnce, FaultReach::kForever}) {
        // Work that never ends is left behind on purpose: VulkanLost.WorkThatNeverEndsIsNotAwaitedForEver.
        if (result == kTimeout && reach == FaultReach::kForever) continue;
        const FaultyRun run = run_with({static_cast<int64_t>(i) + 1, result, reach}, "vulkan");
        expect_trustworthy(run);
        EXPECT_TRUE(run.report) << run.what << ": " << run.report.error().text;
        if (HasFailure()) FAIL() << "the first of them: " << run.what;
      }
}

} // namespace
} // namespace sparkle::test
