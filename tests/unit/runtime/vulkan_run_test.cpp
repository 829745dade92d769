// Pipelines and lists of dispatches on one device.
#include <algorithm>
#include <cstdint>

#include "axpy_spirv.h"
#include "count_groups_spirv.h"
#include "runtime/timer.h"
#include "spin_spirv.h"
#include "team_size_spirv.h"
#include "tests/unit/runtime/vulkan_fixture.h"

namespace sparkle::test {
namespace {

class VulkanRun : public VulkanDevice {};

TEST_F(VulkanRun, RunsAListWithBarriers) {
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

TEST_F(VulkanRun, BindsPartsOfBuffers) {
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

TEST_F(VulkanRun, BindingsOutsideTheLimitsAreErrors) {
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

TEST_F(VulkanRun, EveryGroupRunsOnceBeyondOneDimension) {
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

TEST_F(VulkanRun, TimesRepeatsAndDispatches) {
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

TEST_F(VulkanRun, PipelinesAreKept) {
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

TEST_F(VulkanRun, CodeTheDeviceCannotRunIsRefused) {
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

TEST_F(VulkanRun, RequiredTeamsAreGiven) {
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

TEST_F(VulkanRun, BoundedWaitsEndTheContext) {
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

} // namespace
} // namespace sparkle::test
