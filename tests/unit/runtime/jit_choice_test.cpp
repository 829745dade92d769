// Requests for devices, the choice by predicted time, and what happens when a device fails.
#include <algorithm>

#include "tests/unit/runtime/jit_conv.h"

namespace sparkle {
namespace {

using test::ConvCase;

constexpr test::ConvShape kSmall{1, 6, 7, 16, 24, 1, 1, 1, 0};

TEST(DeviceRequest, ReadsEveryForm) {
  for (const char *text :
       {"auto", "cpu", "reference", "vulkan", "vulkan:0", "vulkan:12", "auto!", "cpu!", "vulkan:1!"}) {
    const Result<DeviceRequest> request = parse_device_request(text);
    ASSERT_TRUE(request) << text;
    EXPECT_EQ(request->text, text);
    EXPECT_EQ(request->is_strict, std::string(text).ends_with('!'));
    EXPECT_EQ(request->is_auto, std::string(text).starts_with("auto"));
  }
}

TEST(DeviceRequest, RefusesOtherText) {
  for (const char *text :
       {"", "!", "gpu", "vulkan:", "vulkan:x", "vulkan:-1", "vulkan:99999999999", "cpu!!", "CPU", "cpu "}) {
    const Result<DeviceRequest> request = parse_device_request(text);
    ASSERT_FALSE(request) << text;
    EXPECT_EQ(request.error().code, ErrorCode::kInvalidInput);
  }
}

TEST(Choice, AutoStatesItsPredictionAndLeavesOutSoftwareDrivers) {
  ConvCase conv(kSmall);
  const Result<DeviceChoice> choice = choose_device(conv.program, *test::machine(), *parse_device_request("auto"), {});
  ASSERT_TRUE(choice) << choice.error().text;
  ASSERT_FALSE(choice->candidates.empty());
  EXPECT_GT(choice->candidates.front().predicted_seconds, 0);
  EXPECT_NE(choice->why.find("cpu predicted"), std::string::npos) << choice->why;
  for (const DeviceInfo &device : test::machine()->vulkan()) {
    const bool is_candidate =
        std::ranges::any_of(choice->candidates, [&](const DeviceCandidate &c) { return c.device.id == device.id; });
    EXPECT_EQ(is_candidate, !device.is_software);
  }
  EXPECT_EQ(choice->candidates.back().device.id, "reference");
}

/// One result is too little for two cores: the reduction is shared among groups.
TEST(Choice, AutoPredictsThePlanThatIsRun) {
  ConvCase conv({1, 1, 1, 1 << 16, 1, 1, 1, 1, 0});
  const Result<DeviceChoice> choice = choose_device(conv.program, *test::machine(), *parse_device_request("auto"), {});
  ASSERT_TRUE(choice) << choice.error().text;
  const DeviceCandidate &first = choice->candidates.front();
  if (first.device.kind != DeviceKind::kCpu) GTEST_SKIP() << choice->why;
  EXPECT_TRUE(std::ranges::any_of(first.schedule.kernels, [](const KernelSchedule &k) {
    return k.split_reduction > 1;
  })) << to_text(first.schedule);
  const auto compiled = compile(conv.program, test::machine(), first.device);
  ASSERT_TRUE(compiled) << compiled.error().text;
  EXPECT_EQ(to_text((*compiled)->pipeline.schedule), to_text(first.schedule));
  EXPECT_EQ((*compiled)->artifact.launches.size(), 2u);
  const RunReport report = test::run_verified(conv, "auto");
  EXPECT_DOUBLE_EQ(report.predicted_ms, first.predicted_seconds * 1e3);
}

TEST(Choice, MissingDeviceFallsBackWithTheReason) {
  ConvCase conv(kSmall);
  JitOptions options;
  options.machine = test::machine();
  options.device = "vulkan:99";
  Result<JitKernel> kernel = jit(conv.program, options);
  ASSERT_TRUE(kernel) << kernel.error().text;
  const Result<RunReport> report = kernel->run(conv.arguments());
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->device_requested, "vulkan:99");
  EXPECT_EQ(report->device_used, "cpu");
  EXPECT_NE(report->fallback_reason.find("vulkan:99"), std::string::npos) << report->fallback_reason;
}

TEST(Choice, StrictRequestForAMissingDeviceIsAnError) {
  ConvCase conv(kSmall);
  JitOptions options;
  options.machine = test::machine();
  options.device = "vulkan:99!";
  const Result<JitKernel> kernel = jit(conv.program, options);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, ErrorCode::kNoDevice);
}

TEST(Choice, WithoutALoaderVulkanIsLeftOutWithTheReason) {
  MachineOptions machine;
  machine.vulkan.loader = "libvulkan-that-is-not-there.so";
  const Result<std::shared_ptr<Machine>> opened = Machine::open(machine);
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)->vulkan().empty());
  const std::vector<DeviceLeftOut> left_out = (*opened)->left_out();
  const auto says_why = [](const DeviceLeftOut &out) {
    return out.reason.find("libvulkan-that-is-not-there.so") != std::string::npos;
  };
  EXPECT_TRUE(std::ranges::any_of(left_out, says_why));
}

TEST(Choice, WhatTheDeviceRefusesRunsOnTheNextOrIsAnError) {
  if (test::machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  ConvCase conv({1, 14, 14, 8, 64, 3, 3, 1, 1});
  // Sixteen lanes are more than a shader has.
  const RunReport report = test::run_verified(conv, "vulkan:0", test::kCpuConvSchedule);
  EXPECT_EQ(report.device_used, "cpu");
  EXPECT_NE(report.fallback_reason.find("vulkan:0: "), std::string::npos) << report.fallback_reason;
  EXPECT_TRUE(report.verified) << report.verify_text;
  JitOptions options;
  options.machine = test::machine();
  options.device = "vulkan:0!";
  options.compile.schedule = test::schedule_of(test::kCpuConvSchedule);
  const Result<JitKernel> strict = jit(conv.program, options);
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code, ErrorCode::kUnsupported) << strict.error().text;
}

/// Some drivers end loops after so many rounds, and go on with wrong numbers.
TEST(Choice, LoopsThatTheDriverWouldEndRunElsewhere) {
  if (test::machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  const int64_t most = test::machine()->vulkan().front().info.max_loop_rounds;
  if (most == 0) GTEST_SKIP() << "a driver that ends no loops";
  ConvCase too_long({1, 1, 1, most + 1, 1, 1, 1, 1, 0});
  const RunReport elsewhere = test::run_verified(too_long, "vulkan:0", "kernel dst {\n}\n");
  EXPECT_EQ(elsewhere.device_used, "cpu");
  EXPECT_NE(elsewhere.fallback_reason.find(" rounds"), std::string::npos) << elsewhere.fallback_reason;
  EXPECT_TRUE(elsewhere.verified) << elsewhere.verify_text;
  // For another machine, too: it is this device that runs them.
  CompileOptions other;
  other.schedule = test::schedule_of("kernel dst {\n}\n");
  other.target_info = test::machine()->vulkan().front().info;
  other.target_info->max_loop_rounds = 0;
  const auto planned = compile(too_long.program, test::machine(), test::machine()->vulkan().front(), other);
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().code, ErrorCode::kUnsupported);
  // Unrolled loops are code, and nearly as many rounds as there may be are right.
  ConvCase within({1, 1, 1, (most - 2) * 4, 1, 1, 1, 1, 0});
  const RunReport there = test::run_verified(within, "vulkan:0", "kernel dst {\n  split ic: serial, unrolled 4\n}\n");
  EXPECT_EQ(there.device_used, "vulkan:0") << there.fallback_reason;
  EXPECT_TRUE(there.verified) << there.verify_text;
}

/// Devices reach so many bytes of one buffer: 128 MiB is the least that Vulkan allows, and what llvmpipe does.
TEST(Choice, TensorsBeyondTheReachOfABufferRunElsewhere) {
  if (test::machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  const int64_t most = test::machine()->vulkan().front().info.max_buffer_bytes;
  if (most == 0) GTEST_SKIP() << "a device without such a limit";
  const Source source("copy.spk", "kernel copy(a: u8[N]) -> dst: u8[N] { dst[n] = a[n]; }");
  JitOptions options;
  options.machine = test::machine();
  ImportRequest request;
  request.values = {{"N", most + 1}};
  options.device = "vulkan:0";
  const Result<JitKernel> elsewhere = jit(source, request, options);
  ASSERT_TRUE(elsewhere) << elsewhere.error().text;
  EXPECT_EQ(elsewhere->executable().device.id, "cpu");
  EXPECT_NE(elsewhere->fallback_reason().find(std::to_string(most)), std::string::npos) << elsewhere->fallback_reason();
  options.device = "vulkan:0!";
  EXPECT_EQ(jit(source, request, options).error().code, ErrorCode::kUnsupported);
  request.values = {{"N", most}};
  EXPECT_TRUE(jit(source, request, options));
}

TEST(Choice, MistakesOfTheCallerDoNotFallBack) {
  EXPECT_FALSE(may_fall_back({ErrorCode::kInvalidInput, ""}, {}));
  EXPECT_FALSE(may_fall_back({ErrorCode::kInternal, ""}, {}));
  EXPECT_TRUE(may_fall_back({ErrorCode::kDeviceLost, ""}, {}));
  EXPECT_FALSE(may_fall_back({ErrorCode::kOutOfMemory, ""}, {}, DeviceKind::kCpu));
  EXPECT_TRUE(may_fall_back({ErrorCode::kOutOfMemory, ""}, {}, DeviceKind::kVulkan)) << "as drivers say it";
  EXPECT_TRUE(may_fall_back({ErrorCode::kBadSchedule, ""}, {}));
  CompileOptions by_hand;
  by_hand.schedule.kernels.push_back({});
  EXPECT_FALSE(may_fall_back({ErrorCode::kBadSchedule, ""}, by_hand));
}

} // namespace
} // namespace sparkle
