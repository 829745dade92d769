// From source text to verified results on every device.
#include "tests/unit/runtime/jit_conv.h"

namespace sparkle {
namespace {

constexpr const char *kMatmul = R"(kernel matmul(a: f32[M, K], const b: f32[K, N]) -> c: f32[M, N]
{
  c[m, n] = sum[k](a[m, k] * b[k, n]);
}
)";

TEST(JitSource, RunsOnEveryDevice) {
  HostTensor a = test::tensor({13, 20}, 1), b = test::tensor({20, 33}, 2), c = test::tensor({13, 33}, 3);
  for (const DeviceInfo &device : test::machine()->devices()) {
    JitOptions options;
    options.machine = test::machine();
    options.device = device.id + "!";
    ImportRequest request;
    request.values = {{"M", 13}, {"N", 33}, {"K", 20}};
    Result<JitKernel> kernel = jit(Source("matmul.spk", kMatmul), request, options);
    ASSERT_TRUE(kernel) << kernel.error().text;
    JitRunOptions run;
    run.verify = true;
    const Result<RunReport> report = kernel->run({{"a", &a}, {"b", &b}, {"c", &c}}, run);
    ASSERT_TRUE(report) << device.id << ": " << report.error().text;
    EXPECT_TRUE(report->verified && report->verify_exact) << device.id << ": " << report->verify_text;
    EXPECT_EQ(report->flops, 2 * 13 * 33 * 20);
  }
}

TEST(JitSource, RunsAsOftenAsFitsATime) {
  HostTensor a = test::tensor({13, 20}, 1), b = test::tensor({20, 33}, 2), c = test::tensor({13, 33}, 3);
  JitOptions options;
  options.machine = test::machine();
  options.device = "cpu!";
  ImportRequest request;
  request.values = {{"M", 13}, {"N", 33}, {"K", 20}};
  Result<JitKernel> kernel = jit(Source("matmul.spk", kMatmul), request, options);
  ASSERT_TRUE(kernel) << kernel.error().text;
  JitRunOptions run;
  run.measure_peak = true;
  run.run.repeats = 7;
  for (const auto &[seconds, repeats] : {std::pair(1000.0, 7), std::pair(1e-9, 1)}) {
    run.seconds = seconds;
    const Result<RunReport> report = kernel->run({{"a", &a}, {"b", &b}, {"c", &c}}, run);
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->repeats, repeats);
    EXPECT_EQ(report->pairs, 0);
    EXPECT_GT(report->peak_gflops, 0);
  }
}

TEST(JitSource, MistakesCarryTheirPlace) {
  const Source source("wrong.spk", "kernel f(a: f32[N]) -> b: f32[N] { b[i] = aa[i]; }");
  ImportRequest request;
  request.values = {{"N", 4}};
  const Result<JitKernel> kernel = jit(source, request);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, ErrorCode::kInvalidInput);
  EXPECT_NE(kernel.error().text.find("wrong.spk:1:43"), std::string::npos) << kernel.error().text;
  Diagnostics diagnostics;
  EXPECT_FALSE(jit(source, request, {}, &diagnostics));
  EXPECT_EQ(diagnostics.error_count(), 1);
}

} // namespace
} // namespace sparkle
