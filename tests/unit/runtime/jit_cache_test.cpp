// Kernels kept by what they were compiled from.
#include <atomic>
#include <thread>
#include <vector>

#include "runtime/kernel_cache.h"
#include "tests/unit/runtime/jit_conv.h"

namespace sparkle {
namespace {

constexpr const char *kScale = "kernel scale(a: f32[N]) -> b: f32[N] { b[i] = 3 * a[i]; }";

struct CacheTest : testing::Test {
  Result<JitKernel> get(int64_t extent, const std::string &device = "cpu") {
    request.values = {{"N", extent}};
    options.device = device;
    return jit(Source("scale.spk", kScale), request, options);
  }

  CacheTest() {
    options.machine = test::machine();
    options.cache = cache;
  }

  std::shared_ptr<KernelCache> cache = std::make_shared<KernelCache>(2);
  ImportRequest request;
  JitOptions options;
};

TEST_F(CacheTest, EqualRequestsShareTheCode) {
  const Result<JitKernel> first = get(100);
  Result<JitKernel> again = get(100);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->shared_executable(), again->shared_executable());
  EXPECT_EQ(cache->counts().hits, 1);
  EXPECT_EQ(cache->counts().misses, 1);
  HostTensor a = test::tensor({100}, 1), b = test::tensor({100}, 2);
  JitRunOptions run;
  run.verify = true;
  const Result<RunReport> report = again->run({{"a", &a}, {"b", &b}}, run);
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_TRUE(report->verified && report->verify_exact) << report->verify_text;
}

TEST_F(CacheTest, WhatDiffersIsCompiledForItself) {
  const Result<JitKernel> first = get(100);
  const Result<JitKernel> longer = get(101);
  const Result<JitKernel> interpreted = get(100, "reference");
  options.compile.strict = true;
  const Result<JitKernel> strict = get(100);
  ASSERT_TRUE(first && longer && interpreted && strict);
  EXPECT_EQ(cache->counts().hits, 0);
  EXPECT_EQ(longer->executable().imported.tensors[TensorId{0}].extents.front().value, 101);
  EXPECT_EQ(interpreted->executable().device.kind, DeviceKind::kReference);
}

TEST_F(CacheTest, TheLongestUnusedGoesFirst) {
  const Result<JitKernel> first = get(100), second = get(101);
  ASSERT_TRUE(get(100)); // 101 is the longest unused now
  const Result<JitKernel> third = get(102);
  ASSERT_TRUE(first && second && third);
  EXPECT_EQ(cache->counts().kernels, 2u);
  EXPECT_EQ(get(100)->shared_executable(), first->shared_executable());
  EXPECT_NE(get(101)->shared_executable(), second->shared_executable());
}

TEST_F(CacheTest, WatchedCompilationsTakePlace) {
  int passes = 0;
  options.compile.after_pass = [&](std::string_view, const Program &) { ++passes; };
  ASSERT_TRUE(get(100) && get(100));
  EXPECT_GT(passes, 2 * 10);
  EXPECT_EQ(cache->counts().kernels, 0u);
}

TEST_F(CacheTest, MistakesAreReportedEachTime) {
  const Source source("wrong.spk", "kernel f(a: f32[N]) -> b: f32[N] { b[i] = aa[i]; }");
  request.values = {{"N", 4}};
  for (int i = 0; i < 2; ++i) {
    Diagnostics diagnostics;
    EXPECT_FALSE(jit(source, request, options, &diagnostics));
    EXPECT_EQ(diagnostics.error_count(), 1);
  }
}

TEST_F(CacheTest, ThreadsMayAskAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      ImportRequest own;
      for (int i = 0; i < 6; ++i) {
        own.values = {{"N", 90 + (t + i) % 3}};
        const Result<JitKernel> kernel = jit(Source("scale.spk", kScale), own, options);
        good += kernel && kernel->executable().imported.tensors[TensorId{0}].extents.front().value == own.values["N"];
      }
    });
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(good, 24);
  EXPECT_EQ(cache->counts().kernels, 2u);
}

} // namespace
} // namespace sparkle
