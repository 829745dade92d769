#include "runtime/vulkan_device.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "axpy_spirv.h"
#include "count_groups_spirv.h"
#include "runtime/timer.h"
#include "runtime/vulkan_internal.h"
#include "spin_spirv.h"
#include "team_size_spirv.h"

namespace sparkle {
namespace {

template <size_t N> ShaderCode shader(const uint32_t (&words)[N], uint32_t local_size) {
  ShaderCode code;
  code.words.assign(words, words + N);
  code.local_size = local_size;
  return code;
}

template <class T> std::span<const std::byte> bytes_of_all(const std::vector<T> &values) {
  return std::as_bytes(std::span(values));
}

template <class... T> std::vector<std::byte> push_of(T... values) {
  std::vector<std::byte> push;
  auto add = [&](auto value) {
    const size_t end = push.size();
    push.resize(end + sizeof value);
    std::memcpy(push.data() + end, &value, sizeof value);
  };
  (add(values), ...);
  return push;
}

VulkanBinding whole(const VulkanBuffer &buffer) { return {&buffer, 0, buffer.bytes()}; }

// --- A machine without Vulkan is a normal machine -----------------------------------------------------------------

TEST(VulkanDevices, MissingLoaderIsAReason) {
  VulkanOptions options;
  options.loader = "libvulkan-that-is-not-here.so.1";
  const VulkanDevices devices = VulkanDevices::open(options);
  EXPECT_TRUE(devices.devices().empty());
  ASSERT_EQ(devices.left_out().size(), 1u);
  EXPECT_EQ(devices.left_out()[0].name, "vulkan");
  EXPECT_NE(devices.left_out()[0].reason.find("the Vulkan loader is not installed"), std::string::npos);
  auto context = devices.create_context(0);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().code, ErrorCode::kNoDevice);
  EXPECT_NE(context.error().text.find("not installed"), std::string::npos) << "the error says why";
}

TEST(VulkanDevices, OtherLibrariesAreNoLoader) {
  VulkanOptions options;
  options.loader = "libm.so.6";
  const VulkanDevices devices = VulkanDevices::open(options);
  EXPECT_TRUE(devices.devices().empty());
  ASSERT_EQ(devices.left_out().size(), 1u);
  EXPECT_NE(devices.left_out()[0].reason.find("no vkGetInstanceProcAddr"), std::string::npos);
}

class Environment {
public:
  Environment(const char *name, const char *value) : name_(name) {
    if (const char *old = std::getenv(name)) old_ = old;
    setenv(name, value, 1);
  }
  ~Environment() {
    if (old_)
      setenv(name_, old_->c_str(), 1);
    else
      unsetenv(name_);
  }

private:
  const char *name_;
  std::optional<std::string> old_;
};

TEST(VulkanDevices, MissingDriverIsAReason) {
  if (VulkanDevices::open().devices().empty()) GTEST_SKIP() << "no Vulkan device here";
  const Environment files("VK_DRIVER_FILES", "/nonexistent"), names("VK_ICD_FILENAMES", "/nonexistent");
  const VulkanDevices devices = VulkanDevices::open();
  EXPECT_TRUE(devices.devices().empty());
  ASSERT_EQ(devices.left_out().size(), 1u);
  EXPECT_NE(devices.left_out()[0].reason.find("no Vulkan driver"), std::string::npos) << devices.left_out()[0].reason;
}

TEST(VulkanDevices, EnvironmentAsksForValidation) {
  const Environment on("SPARKLE_VULKAN_VALIDATION", "1");
  EXPECT_TRUE(VulkanOptions::from_environment().validation);
  const Environment off("SPARKLE_VULKAN_VALIDATION", "0");
  EXPECT_FALSE(VulkanOptions::from_environment().validation);
}

TEST(VulkanDevices, LostDevicesStayLost) {
  vulkan::Device device; // never opened: only its book-keeping
  EXPECT_TRUE(device.check(VK_SUCCESS, "vkA"));
  EXPECT_TRUE(device.check_alive());
  auto failed = device.check(VK_ERROR_OUT_OF_DEVICE_MEMORY, "vkB");
  EXPECT_EQ(failed.error().code, ErrorCode::kDeviceOutOfMemory);
  EXPECT_EQ(failed.error().text, "vkB failed: VK_ERROR_OUT_OF_DEVICE_MEMORY");
  EXPECT_TRUE(device.check_alive());
  EXPECT_EQ(device.check(VK_ERROR_DEVICE_LOST, "vkC").error().code, ErrorCode::kDeviceLost);
  EXPECT_EQ(device.check_alive().error().text, "the Vulkan device is lost since: vkC failed: VK_ERROR_DEVICE_LOST");
  EXPECT_EQ(device.check(static_cast<VkResult>(-12345), "vkD").error().text, "vkD failed: VkResult -12345");
}

// --- With a device ------------------------------------------------------------------------------------------------

/// Opens the first device with the validation layer where that is installed; what it says fails the test.
class VulkanDevice : public testing::Test {
protected:
  void SetUp() override {
    VulkanOptions options;
    options.validation = true;
    devices_ = VulkanDevices::open(options);
    validated_ = !devices_.devices().empty();
    if (!validated_) devices_ = VulkanDevices::open();
    if (devices_.devices().empty()) GTEST_SKIP() << "no Vulkan device: " << devices_.left_out()[0].reason;
    auto context = devices_.create_context(0);
    ASSERT_TRUE(context) << context.error().text;
    context_.emplace(std::move(*context));
  }
  void TearDown() override {
    if (!context_) return;
    for (const std::string &message : context_->validation_messages()) ADD_FAILURE() << message;
  }

  VulkanBuffer buffer(int64_t bytes) {
    auto made = context_->create_buffer(bytes);
    EXPECT_TRUE(made) << made.error().text;
    return *made;
  }
  VulkanBuffer buffer_of(const std::vector<float> &values) {
    VulkanBuffer made = buffer(static_cast<int64_t>(values.size() * sizeof(float)));
    auto sent = context_->upload(made, 0, bytes_of_all(values));
    EXPECT_TRUE(sent) << sent.error().text;
    return made;
  }
  template <class T> std::vector<T> contents(const VulkanBuffer &from) {
    std::vector<T> values(static_cast<size_t>(from.bytes()) / sizeof(T));
    auto got = context_->download(from, 0, std::as_writable_bytes(std::span(values)));
    EXPECT_TRUE(got) << got.error().text;
    return values;
  }
  VulkanPipeline pipeline(const ShaderCode &code, int buffers, int64_t push_bytes) {
    auto made = context_->create_pipeline(code, {buffers, push_bytes, 0, "test"});
    EXPECT_TRUE(made) << made.error().text;
    return *made;
  }

  VulkanDevices devices_;
  std::optional<VulkanContext> context_;
  bool validated_ = false;
};

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

TEST_F(VulkanDevice, RunsAListWithBarriers) {
  std::vector<float> a(1000), b(1000);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i), b[i] = 1;
  VulkanBuffer da = buffer_of(a), db = buffer_of(b), middle = buffer(4000), out = buffer(4000);
  VulkanPipeline axpy = pipeline(shader(kAxpySpirv, 64), 3, 8);
  // Each reads what the one before wrote: 2a + b, then 3(2a + b) + b, then that into the first again.
  const std::vector<VulkanDispatch> list = {{&axpy, {whole(da), whole(db), whole(middle)}, push_of(1000u, 2.0f), 16},
                                            {&axpy, {whole(middle), whole(db), whole(out)}, push_of(1000u, 3.0f), 16},
                                            {&axpy, {whole(out), whole(out), whole(middle)}, push_of(1000u, 1.0f), 16}};
  auto times = context_->run(list);
  ASSERT_TRUE(times) << times.error().text;
  const std::vector<float> result = contents<float>(middle);
  for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(result[i], 2 * (3 * (2 * a[i] + 1) + 1)) << i;
}

TEST_F(VulkanDevice, BindsPartsOfBuffers) {
  const int64_t align = std::max<int64_t>(context_->limits().min_storage_offset_alignment, 64);
  VulkanBuffer block = buffer(4 * align);
  ASSERT_TRUE(context_->fill(block, 0, 4 * align, 0));
  ASSERT_TRUE(context_->fill(block, 0, align, 0x3F800000));     // a = 1
  ASSERT_TRUE(context_->fill(block, align, align, 0x40000000)); // b = 2
  VulkanPipeline axpy = pipeline(shader(kAxpySpirv, 64), 3, 8);
  const auto n = static_cast<uint32_t>(align / 4);
  const VulkanDispatch dispatch{&axpy,
                                {{&block, 0, align}, {&block, align, align}, {&block, 2 * align, align}},
                                push_of(n, 10.0f),
                                (n + 63) / 64};
  ASSERT_TRUE(context_->run(std::span(&dispatch, 1)));
  const auto values = contents<float>(block);
  for (size_t i = 0; i < values.size(); ++i) {
    const float expected[] = {1, 2, 12, 0};
    ASSERT_EQ(values[i], expected[i / n]) << i;
  }
}

TEST_F(VulkanDevice, BindingsOutsideTheLimitsAreErrors) {
  VulkanBuffer small = buffer(1024);
  VulkanPipeline count = pipeline(shader(kCountGroupsSpirv, 1), 1, 0);
  auto run_with = [&](VulkanBinding binding) {
    const VulkanDispatch dispatch{&count, {binding}, {}, 1};
    auto times = context_->run(std::span(&dispatch, 1));
    return times ? std::optional<ErrorCode>() : times.error().code;
  };
  EXPECT_EQ(run_with({&small, 0, 1024}), std::nullopt);
  EXPECT_EQ(run_with({&small, 0, 1025}), ErrorCode::kInvalidInput);
  EXPECT_EQ(run_with({&small, 0, 0}), ErrorCode::kInvalidInput);
  EXPECT_EQ(run_with({&small, 1, 16}), ErrorCode::kInvalidInput);
  const int64_t range = context_->limits().max_storage_buffer_range;
  if (range > int64_t{1} << 28) GTEST_SKIP() << "a buffer beyond the range of " << range << " bytes is too large here";
  VulkanBuffer large = buffer(range + 4);
  EXPECT_EQ(run_with({&large, 0, range}), std::nullopt);
  EXPECT_EQ(run_with({&large, 0, range + 4}), ErrorCode::kUnsupported);
}

TEST_F(VulkanDevice, EveryGroupRunsOnceBeyondOneDimension) {
  constexpr int64_t kGroups = 65535 * 2 + 11; // more than x holds on many devices
  VulkanBuffer hits = buffer(4 * (kGroups + 64));
  ASSERT_TRUE(context_->fill(hits, 0, hits.bytes(), 0));
  VulkanPipeline count = pipeline(shader(kCountGroupsSpirv, 1), 1, 0);
  const std::vector<VulkanDispatch> list = {{&count, {whole(hits)}, {}, kGroups}, {&count, {whole(hits)}, {}, 0}};
  auto times = context_->run(list, {2, 1, false, 60});
  ASSERT_TRUE(times) << times.error().text;
  const auto values = contents<uint32_t>(hits);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], i < kGroups ? 3u : 0u) << i;
}

TEST_F(VulkanDevice, TimesRepeatsAndDispatches) {
  if (context_->limits().timestamp_valid_bits == 0) GTEST_SKIP() << "the device has no clock";
  VulkanBuffer out = buffer(64);
  ASSERT_TRUE(context_->fill(out, 0, 64, 1));
  VulkanPipeline spin = pipeline(shader(kSpinSpirv, 1), 1, 4);
  const std::vector<VulkanDispatch> list = {{&spin, {whole(out)}, push_of(20000u), 400},
                                            {&spin, {whole(out)}, push_of(200u), 4}};
  auto times = context_->run(list, {5, 1, true, 60});
  ASSERT_TRUE(times) << times.error().text;
  ASSERT_EQ(times->kernel.size(), 5u);
  ASSERT_EQ(times->each.size(), 5u);
  double sum = 0, first = 1e9, second = 1e9; // the least of each: others may be using the machine
  for (size_t i = 0; i < 5; ++i) {
    ASSERT_EQ(times->each[i].size(), 2u);
    EXPECT_NEAR(times->each[i][0] + times->each[i][1], times->kernel[i], 1e-9);
    sum += times->kernel[i];
    first = std::min(first, times->each[i][0]), second = std::min(second, times->each[i][1]);
  }
  EXPECT_GT(first, 5 * second) << "a hundred times the steps in a hundred times the groups";
  EXPECT_LE(sum, times->wall * 1.05) << "device time is part of host time";
  EXPECT_GT(sum, 5 * 20000 * 1e-10);
  // many short repeats: in batches, each timed
  const VulkanDispatch one{&spin, {whole(out)}, push_of(1u), 1};
  auto many = context_->run(std::span(&one, 1), {3000, 0, false, 60});
  ASSERT_TRUE(many) << many.error().text;
  EXPECT_EQ(many->kernel.size(), 3000u);
}

TEST_F(VulkanDevice, PipelinesAreKept) {
  const ShaderCode code = shader(kAxpySpirv, 64);
  Stopwatch watch;
  VulkanPipeline first = pipeline(code, 3, 8);
  const double compile = watch.seconds();
  double found = compile;
  for (int i = 0; i < 10; ++i) {
    watch.restart();
    pipeline(code, 3, 8);
    found = std::min(found, watch.seconds());
  }
  EXPECT_LT(found, compile / 4) << "found, not compiled again";
}

TEST_F(VulkanDevice, CodeTheDeviceCannotRunIsRefused) {
  const ShaderCode code = shader(kAxpySpirv, 64);
  auto refusal = [&](ShaderCode changed, VulkanPipelineShape shape) {
    auto made = context_->create_pipeline(changed, shape);
    return made ? "" : std::string(name_of(made.error().code)) + ": " + made.error().text;
  };
  VulkanPipelineShape shape{3, 8, 0, "test"};
  shape.near_bytes = context_->limits().shared_memory_bytes + 4;
  EXPECT_NE(refusal(code, shape).find("UNSUPPORTED: the Vulkan device cannot run `test`: bytes of shared memory"),
            std::string::npos);
  shape = {3, context_->limits().max_push_constant_bytes, 0, "test"};
  EXPECT_NE(refusal(code, shape).find("push constants"), std::string::npos);
  ShaderCode changed = code;
  changed.local_size = 1u << 20;
  EXPECT_NE(refusal(changed, {3, 8, 0, "test"}).find("workers"), std::string::npos);
  changed = code;
  changed.required_team = 3;
  EXPECT_NE(refusal(changed, {3, 8, 0, "test"}).find("subgroups of 3"), std::string::npos);
  changed = code;
  changed.words[0] = 0;
  EXPECT_NE(refusal(changed, {3, 8, 0, "test"}).find("INVALID_INPUT"), std::string::npos);
}

TEST_F(VulkanDevice, RequiredTeamsAreGiven) {
  const VulkanLimits &limits = context_->limits();
  for (int size = limits.subgroup_min; size <= limits.subgroup_max; size *= 2) {
    ShaderCode code = shader(kTeamSizeSpirv, 128);
    code.required_team = static_cast<uint32_t>(size);
    VulkanBuffer out = buffer(4);
    VulkanPipeline team = pipeline(code, 1, 0);
    const VulkanDispatch dispatch{&team, {whole(out)}, {}, 1};
    ASSERT_TRUE(context_->run(std::span(&dispatch, 1)));
    EXPECT_EQ(contents<uint32_t>(out)[0], static_cast<uint32_t>(size));
  }
}

TEST_F(VulkanDevice, BoundedWaitsEndTheContext) {
  VulkanBuffer out = buffer(64);
  ASSERT_TRUE(context_->fill(out, 0, 64, 1));
  VulkanPipeline spin = pipeline(shader(kSpinSpirv, 1), 1, 4);
  const VulkanDispatch dispatch{&spin, {whole(out)}, push_of(20000u), 2000};
  Stopwatch watch;
  auto times = context_->run(std::span(&dispatch, 1), {1, 0, false, 1e-6});
  ASSERT_FALSE(times);
  EXPECT_EQ(times.error().code, ErrorCode::kTimeout) << times.error().text;
  EXPECT_LT(watch.seconds(), 2);
  EXPECT_NE(context_->death().find("did not finish"), std::string::npos);
  EXPECT_EQ(context_->create_buffer(64).error().code, ErrorCode::kDeviceLost);
  EXPECT_EQ(context_->fill(out, 0, 64, 1).error().code, ErrorCode::kDeviceLost);
  EXPECT_EQ(context_->run(std::span(&dispatch, 1)).error().code, ErrorCode::kDeviceLost);
  auto another = devices_.create_context(0);
  ASSERT_TRUE(another);
  EXPECT_TRUE(another->create_buffer(64)) << "a new context works";
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

#if !defined(__SANITIZE_THREAD__) // the thread sanitizer does not follow threads across fork
TEST_F(VulkanDevice, IsLostInAChildAfterFork) {
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
#endif

TEST(VulkanValidation, MistakesAreCollected) {
  VulkanOptions options;
  options.validation = true;
  const VulkanDevices devices = VulkanDevices::open(options);
  if (devices.devices().empty()) GTEST_SKIP() << devices.left_out()[0].reason;
  auto context = devices.create_context(0);
  ASSERT_TRUE(context) << context.error().text;
  EXPECT_TRUE(context->validation_messages().empty());
  // The shader's push constants are longer than the shape says.
  static_cast<void>(context->create_pipeline(shader(kAxpySpirv, 64), {3, 0, 0, "mistake"}));
  EXPECT_FALSE(context->validation_messages().empty());
}

} // namespace
} // namespace sparkle
