// Programs compiled and run on every device of this machine, against the interpreter: equal on whole numbers.
#include "tests/unit/runtime/jit_conv.h"

namespace sparkle {
namespace {

using test::ConvCase;

constexpr test::ConvShape kTiled{2, 14, 28, 8, 64, 3, 3, 1, 1};
constexpr test::ConvShape kRagged{1, 9, 11, 5, 19, 3, 3, 2, 1};
constexpr test::ConvShape kPointwise{1, 6, 7, 16, 24, 1, 1, 1, 0};

void expect_exact(const RunReport &report, const std::string &device, const std::string &target) {
  EXPECT_EQ(report.device_used, device);
  EXPECT_EQ(report.target, target);
  EXPECT_TRUE(report.verified) << report.verify_text;
  EXPECT_TRUE(report.verify_exact) << report.verify_text;
  EXPECT_EQ(report.verify_mode, "full");
  EXPECT_EQ(report.max_abs_error, 0);
  EXPECT_EQ(report.fallback_reason, "");
  EXPECT_GT(report.wall.median, 0);
}

TEST(Reference, InterpretsWhatWasImported) {
  ConvCase conv(kRagged);
  expect_exact(test::run_verified(conv, "reference!"), "reference", "reference");
}

TEST(Cpu, RunsByHandSchedule) {
  ConvCase conv(kTiled);
  const RunReport report = test::run_verified(conv, "cpu!", test::kCpuConvSchedule);
  EXPECT_EQ(report.device_used, "cpu");
  EXPECT_TRUE(report.verified && report.verify_exact) << report.verify_text;
  EXPECT_EQ(report.schedule_source, "user");
}

TEST(Cpu, RunsByAutomaticSchedules) {
  for (const test::ConvShape &shape : {kTiled, kRagged, kPointwise}) {
    ConvCase conv(shape);
    const RunReport report = test::run_verified(conv, "cpu!");
    EXPECT_TRUE(report.verified && report.verify_exact) << report.verify_text;
    EXPECT_EQ(report.schedule_source, "automatic");
  }
}

TEST(Vulkan, RunsByHandAndAutomaticSchedules) {
  if (test::machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  for (const std::string_view schedule : {test::kGpuConvSchedule, std::string_view()}) {
    ConvCase conv(kTiled);
    expect_exact(test::run_verified(conv, "vulkan:0!", schedule), "vulkan:0", "vulkan");
  }
  for (const test::ConvShape &shape : {kRagged, kPointwise}) {
    ConvCase conv(shape);
    expect_exact(test::run_verified(conv, "vulkan:0!"), "vulkan:0", "vulkan");
  }
}

TEST(Cpu, InterpretsLoweredKernelsWhenAsked) {
  ConvCase conv(kRagged);
  const DeviceInfo cpu = test::machine()->cpu();
  CompileOptions options;
  options.target = "reference";
  const auto executable = compile(conv.program, test::machine(), cpu, options);
  ASSERT_TRUE(executable) << executable.error().text;
  EXPECT_FALSE((*executable)->pipeline.times.empty());
  const auto binding = bind_program(*executable, conv.arguments());
  ASSERT_TRUE(binding) << binding.error().text;
  const Result<Verifier> verifier = Verifier::prepare(conv.program, (*binding)->arguments());
  ASSERT_TRUE((*binding)->run());
  const Result<VerifyReport> report = verifier->check();
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_TRUE(report->passed) << report->text();
}

TEST(Binding, SeesNewInputsAfterRefresh) {
  for (const char *device : {"cpu", "vulkan"}) {
    ConvCase conv(kPointwise);
    JitOptions options;
    options.device = device;
    options.machine = test::machine();
    Result<JitKernel> kernel = jit(conv.program, options);
    ASSERT_TRUE(kernel) << kernel.error().text;
    Result<std::unique_ptr<Binding>> binding = kernel->bind(conv.arguments());
    ASSERT_TRUE(binding) << binding.error().text;
    ASSERT_TRUE((*binding)->run());
    fill_integers(conv.src, 77);
    fill_integers(conv.wei, 78);
    ASSERT_TRUE((*binding)->refresh(true));
    ASSERT_TRUE((*binding)->run());
    ASSERT_TRUE((*binding)->fetch());
    const Result<Verifier> verifier = Verifier::prepare(conv.program, (*binding)->arguments());
    const Result<VerifyReport> report = verifier->check();
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_TRUE(report->passed && report->exact) << device << ": " << report->text();
  }
}

TEST(Binding, CountsRepeatsAndUsesTheCallersThreads) {
  ConvCase conv(kPointwise);
  JitOptions options;
  options.device = "cpu!";
  options.machine = test::machine();
  Result<JitKernel> kernel = jit(conv.program, options);
  ASSERT_TRUE(kernel) << kernel.error().text;
  int calls = 0;
  WorkerPool pool;
  pool.workers = 3;
  pool.context = &calls;
  pool.run = [](void *context, int count, WorkerFunction function, void *work) {
    ++*static_cast<int *>(context);
    for (int i = 0; i < count; ++i) function(work, i);
  };
  JitRunOptions run;
  run.run.repeats = 4;
  run.run.warmups = 2;
  run.run.pool = pool;
  const Result<RunReport> report = kernel->run(conv.arguments(), run);
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->repeats, 4);
  EXPECT_EQ(report->threads, 3);
  EXPECT_EQ(report->wall.count, 4);
  if (kernel->executable().artifact.launches.front().groups.size() > 0) {
    EXPECT_GE(calls, 6);
  }
}

TEST(Compile, RefusesWhatIsNoImportedProgram) {
  ConvCase conv(kPointwise);
  conv.program.kernels.front().stage = Stage::kTiled;
  const auto compiled = compile(conv.program, test::machine(), test::machine()->cpu());
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().code, ErrorCode::kInvalidInput);
  const auto empty = compile(Program{}, test::machine(), test::machine()->cpu());
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::kInvalidInput);
}

TEST(Compile, RefusesATargetOfAnotherDevice) {
  ConvCase conv(kPointwise);
  CompileOptions options;
  options.target = "vulkan";
  const auto compiled = compile(conv.program, test::machine(), test::machine()->cpu(), options);
  ASSERT_FALSE(compiled);
  options.target = "nonsense";
  const auto unknown = compile(conv.program, test::machine(), test::machine()->cpu(), options);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidInput);
}

} // namespace
} // namespace sparkle
