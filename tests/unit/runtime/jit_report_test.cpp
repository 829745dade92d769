// Reports: peaks, rates, JSON, and exceptions that end at the facade.
#include "runtime/peaks.h"
#include "tests/unit/runtime/jit_conv.h"

namespace sparkle {
namespace {

using test::ConvCase;

TEST(Report, RatesFollowFromTimesAndPeak) {
  RunReport report;
  report.flops = 2'000'000'000;
  report.flops_executed = 1'000'000'000;
  add_times(report, {{0.2, 0.2, 0.2}, {0.1, 0.1, 0.1}}, 15);
  EXPECT_DOUBLE_EQ(report.gflops, 20);
  EXPECT_NEAR(report.percent_of_peak, 133.3, 0.1);
  EXPECT_FALSE(report.suspect); // by executed operations it is 10 of 15
  add_times(report, {{0.2}, {0.05}}, 15);
  EXPECT_TRUE(report.suspect);
  add_times(report, {{0.2}, {}}, 0);
  EXPECT_DOUBLE_EQ(report.gflops, 10);
}

TEST(Report, JsonHoldsWhatWasAskedAndUsed) {
  ConvCase conv({1, 6, 7, 16, 24, 1, 1, 1, 0});
  RunReport report = test::run_verified(conv, "cpu!");
  report.device_name = "bad \xFF name";
  const std::string json = to_json(report, -1);
  for (const char *part :
       {"\"device_requested\":\"cpu!\"", "\"device_used\":\"cpu\"", "\"verified\":true", "\"mode\":\"full\"",
        "\"phases_ms\":{\"place\":", "\"lower\":", "\"threads\":2", "\"suspect\":false"})
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_NE(to_text(report).find("asked for cpu!"), std::string::npos);
  const int64_t compulsory = 4 * (1 * 6 * 7 * 16 + 16 * 24 + 24 + 1 * 6 * 7 * 24);
  EXPECT_GE(report.bytes_moved, compulsory); // packed weights may be padded
  EXPECT_EQ(test::run_verified(conv, "reference!").bytes_moved, compulsory);
}

TEST(Peaks, AreMeasuredOnEveryDevice) {
  const std::shared_ptr<Machine> machine = test::machine();
  for (const DeviceInfo &device : machine->devices()) {
    const Result<double> peak = measure_peak(*machine, device, machine->pool());
    ASSERT_TRUE(peak) << device.id << ": " << peak.error().text;
    if (device.kind == DeviceKind::kReference) {
      EXPECT_EQ(*peak, 0);
    } else {
      EXPECT_GT(*peak, 0.05) << device.id;
    }
    if (device.kind == DeviceKind::kVulkan) {
      EXPECT_EQ(machine->known_peak(device.id), *peak);
    }
  }
}

TEST(Jit, FailedChecksAreInternalErrors) {
  ConvCase conv({1, 4, 4, 4, 4, 1, 1, 1, 0});
  JitOptions options;
  options.device = "cpu!";
  options.machine = test::machine();
  options.compile.after_pass = [](std::string_view, const Program &) { SPARKLE_CHECK(false, "on purpose"); };
  const Result<JitKernel> kernel = jit(conv.program, options);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, ErrorCode::kInternal);
  EXPECT_NE(kernel.error().text.find("on purpose"), std::string::npos);
}

TEST(Jit, LackOfMemoryIsAnError) {
  ConvCase conv({1, 4, 4, 4, 4, 1, 1, 1, 0});
  JitOptions options;
  options.device = "cpu!";
  options.machine = test::machine();
  options.compile.after_pass = [](std::string_view, const Program &) { throw std::bad_alloc(); };
  const Result<JitKernel> kernel = jit(conv.program, options);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, ErrorCode::kOutOfMemory);
}

} // namespace
} // namespace sparkle
