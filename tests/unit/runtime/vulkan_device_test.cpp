// One device: its limits, memory and transfers, and who may use it.
#include "runtime/vulkan_device.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "axpy_spirv.h"
#include "tests/unit/runtime/vulkan_fixture.h"
#include "tests/unit/sanitizers.h"

namespace sparkle::test {
namespace {

TEST_F(VulkanDevice, LimitsAreSane) {
  const VulkanLimits &limits = context_->limits();
  EXPECT_FALSE(limits.name.empty());
  EXPECT_GE(limits.api_major * 10 + limits.api_minor, 11u);
  EXPECT_GE(limits.max_workgroup_invocations, 128); // the least that Vulkan allows, here and below
  EXPECT_GE(limits.shared_memory_bytes, 16384);
  EXPECT_GE(limits.max_storage_buffer_range, int64_t{1} << 27);
  EXPECT_GE(limits.max_push_constant_bytes, 128);
  for (int64_t count : limits.max_workgroup_count) EXPECT_GE(count, 65535);
  EXPECT_GE(limits.max_allocation_bytes, int64_t{1} << 30);
  EXPECT_LE(limits.min_storage_offset_alignment, 256);
  EXPECT_GT(limits.subgroup_size, 0);
  EXPECT_LE(limits.subgroup_min, limits.subgroup_size);
  EXPECT_GE(limits.subgroup_max, limits.subgroup_size);
  ASSERT_FALSE(limits.heaps.empty());
  EXPECT_TRUE(std::any_of(limits.heaps.begin(), limits.heaps.end(),
                          [](const VulkanHeap &heap) { return heap.device_local && heap.bytes > 0; }));
  EXPECT_EQ(limits, devices_.devices()[0]);
}

TEST_F(VulkanDevice, TransfersOfEverySize) {
  // Below, at and above the size of staging memory (32 MiB), with offsets.
  for (int64_t bytes : {int64_t{1}, int64_t{4}, int64_t{65537}, (int64_t{32} << 20) + 12345}) {
    VulkanBuffer device = buffer(bytes + 7);
    EXPECT_TRUE(device.device_local());
    std::vector<uint8_t> sent(static_cast<size_t>(bytes)), got(sent.size());
    for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<uint8_t>(i * 31 + i / 255);
    ASSERT_TRUE(context_->upload(device, 7, bytes_of_all(sent)));
    ASSERT_TRUE(context_->download(device, 7, std::as_writable_bytes(std::span(got))));
    EXPECT_EQ(sent, got) << bytes;
  }
}

TEST_F(VulkanDevice, TransfersOutsideAreErrors) {
  VulkanBuffer device = buffer(100);
  std::vector<uint8_t> data(101);
  EXPECT_EQ(context_->upload(device, 0, bytes_of_all(data)).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(context_->upload(device, -1, {}).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(context_->download(device, INT64_MAX, std::as_writable_bytes(std::span(data).first(1))).error().code,
            ErrorCode::kInvalidInput);
  EXPECT_EQ(context_->fill(device, 2, 4, 0).error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(context_->upload(device, 100, {}));
}

TEST_F(VulkanDevice, Fills) {
  VulkanBuffer device = buffer(16);
  ASSERT_TRUE(context_->fill(device, 0, 16, 7));
  ASSERT_TRUE(context_->fill(device, 4, 8, 0xABCD0123));
  EXPECT_EQ(contents<uint32_t>(device), (std::vector<uint32_t>{7, 0xABCD0123, 0xABCD0123, 7}));
}

TEST_F(VulkanDevice, ImpossibleBuffersAreErrors) {
  EXPECT_EQ(context_->create_buffer(0).error().code, ErrorCode::kInvalidInput);
  auto huge = context_->create_buffer(int64_t{1} << 60);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, ErrorCode::kDeviceOutOfMemory);
  EXPECT_NE(huge.error().text.find(std::to_string(int64_t{1} << 60)), std::string::npos);
  EXPECT_TRUE(context_->create_buffer(64)) << "the context lives on";
}

TEST_F(VulkanDevice, BuffersMayOutliveTheContext) {
  VulkanBuffer left = buffer(1024);
  VulkanPipeline also = pipeline(shader(kAxpySpirv, 64), 3, 8);
  const auto messages = context_->validation_messages();
  EXPECT_TRUE(messages.empty());
  context_.reset();
  devices_ = VulkanDevices();
  EXPECT_EQ(left.bytes(), 1024);
}

TEST_F(VulkanDevice, SeveralThreadsTakeTurns) {
  VulkanPipeline axpy = pipeline(shader(kAxpySpirv, 64), 3, 8);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      auto in = context_->create_buffer(256), out = context_->create_buffer(256);
      for (int repeat = 0; repeat < 20 && in && out; ++repeat) {
        std::vector<float> values(64, static_cast<float>(t + repeat)), got(64);
        const VulkanDispatch dispatch{&axpy, {whole(*in), whole(*in), whole(*out)}, push_of(64u, 2.0f), 1};
        const bool done = context_->upload(*in, 0, bytes_of_all(values)) && context_->run(std::span(&dispatch, 1)) &&
                          context_->download(*out, 0, std::as_writable_bytes(std::span(got)));
        if (!done || got != std::vector<float>(64, 3.0f * static_cast<float>(t + repeat))) ++wrong;
      }
      if (!in || !out) ++wrong;
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(VulkanDevice, IsLostInAChildAfterFork) {
  if (is_sanitized("thread")) GTEST_SKIP() << "the thread sanitizer does not follow threads across fork";
  VulkanBuffer device = buffer(64);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    auto made = context_->create_buffer(64);
    const bool lost = !made && made.error().code == ErrorCode::kDeviceLost;
    const bool filled = context_->fill(device, 0, 64, 1).has_value();
    context_.reset();
    device = VulkanBuffer();
    _exit(lost && !filled ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(context_->fill(device, 0, 64, 1)) << "the parent goes on";
}

} // namespace
} // namespace sparkle::test
