// The same suite for each target: a kernel, its schedules, the interpreter's results and, for single operations, what
// the language's definition gives in double precision.
#include <cmath>

#include <gtest/gtest.h>

#include "tests/conformance/conformance_case.h"

namespace sparkle::test {
namespace {

constexpr uint64_t kSeed = 5;

struct Conformance {
  std::string target;
  ConformanceCase one;
};
void PrintTo(const Conformance &what, std::ostream *out) { *out << what.target << " " << what.one.name; }

bool close(double computed, double expected, double tolerance) {
  if (computed == expected || (std::isnan(computed) && std::isnan(expected))) return true;
  return std::fabs(computed - expected) <= tolerance * std::fabs(expected);
}

Result<TensorSet> inputs_of(const ConformanceCase &one, const Program &program) {
  Result<TensorSet> inputs = TensorSet::make(program, kSeed, one.kernel.values);
  if (inputs && one.fill) one.fill(*inputs);
  return inputs;
}

void expect_formula(const ConformanceCase &one, TensorSet &set) {
  if (!one.formula) return;
  HostTensor &a = set.tensor("a"), &b = set.tensor("b"), &dst = set.tensor("dst");
  for (int64_t i = 0; i < dst.element_count(); ++i) {
    const double expected = one.formula(a.get(i), b.get(i));
    ASSERT_TRUE(close(dst.get(i), expected, one.tolerance))
        << "of " << a.get(i) << " and " << b.get(i) << " came " << dst.get(i) << ", not " << expected;
  }
}

/// Equal, or within the case's tolerance of the interpreter's.
void expect_results(const ConformanceCase &one, const Program &program, TensorSet &computed, TensorSet &expected) {
  EXPECT_TRUE(one.tolerance > 0 || computed.difference_from(expected).empty()) << computed.difference_from(expected);
  for (const Tensor &tensor : program.tensors) {
    if (!is_result(tensor.role)) continue;
    const HostTensor &mine = computed.tensor(tensor.name), &other = expected.tensor(tensor.name);
    for (int64_t i = 0; i < mine.element_count(); ++i)
      ASSERT_TRUE(close(mine.get(i), other.get(i), one.tolerance)) << tensor.name << " " << i << ": " << mine.get(i);
  }
}

class Conforms : public testing::TestWithParam<Conformance> {
protected:
  /// What the device's validation layer said.
  static std::vector<std::string> complaints(const DeviceInfo &device) {
    if (device.kind != DeviceKind::kVulkan) return {};
    const auto context = test_machine()->vulkan_context(device.index);
    return context ? (*context)->validation_messages() : std::vector<std::string>{context.error().text};
  }

  std::optional<DeviceInfo> device() const {
    if (GetParam().target != "vulkan") return test_machine()->cpu();
    if (test_machine()->vulkan().empty()) return std::nullopt;
    return test_machine()->vulkan().front();
  }

  static Result<CompileOptions> options_of(const std::string &target, const std::string &text) {
    CompileOptions options;
    options.verify_ir = Verification::kAfterEachPass;
    options.target = target;
    if (text.empty()) return options;
    Diagnostics diagnostics;
    // Statements end with their line.
    std::string lines;
    for (const char c : text) lines += c == '{' ? "{\n" : c == '}' ? "\n}" : std::string(1, c);
    for (const char *word : {" split ", " partition ", " store ", " stage "})
      for (size_t at = lines.find(word); at != lines.npos; at = lines.find(word, at + 1)) lines[at] = '\n';
    const Source source("schedule", lines);
    Result<Schedule> schedule = parse_schedule(source, diagnostics);
    if (!schedule) return Error{schedule.error().code, render_text(diagnostics, source)};
    options.schedule = std::move(*schedule);
    return options;
  }
};

TEST_P(Conforms, ToTheInterpreter) {
  const auto &[target, one] = GetParam();
  const std::optional<DeviceInfo> on = device();
  if (!on) GTEST_SKIP() << "[SKIP] no Vulkan device";
  const Result<Program> program = import_text(one.kernel);
  ASSERT_TRUE(program) << program.error().text;
  Result<TensorSet> expected = inputs_of(one, *program);
  ASSERT_TRUE(expected) << expected.error().text;
  const Status interpreted = run_reference(*program, *expected);
  ASSERT_TRUE(interpreted) << interpreted.error().text;
  expect_formula(one, *expected);
  for (const std::string &text : one.schedules.empty() ? std::vector<std::string>{""} : one.schedules) {
    SCOPED_TRACE("schedule: " + text);
    const Result<CompileOptions> options = options_of(target, text);
    ASSERT_TRUE(options) << options.error().text;
    Result<TensorSet> computed = inputs_of(one, *program);
    ASSERT_TRUE(computed) << computed.error().text;
    const Status ran = run_on_device(*program, test_machine(), *on, *options, *computed);
    if (!ran && ran.error().code == ErrorCode::kUnsupported && text != one.schedules.front())
      continue; // Too many lanes.
    if (!ran && ran.error().code == ErrorCode::kUnsupported) GTEST_SKIP() << "[SKIP] " << ran.error().text;
    ASSERT_TRUE(ran) << ran.error().text;
    expect_formula(one, *computed);
    expect_results(one, *program, *computed, *expected);
  }
  EXPECT_EQ(complaints(*on), std::vector<std::string>{});
}

std::vector<Conformance> suite(const std::string &target) {
  std::vector<Conformance> suite;
  for (ConformanceCase &one : pointwise_cases()) suite.push_back({target, std::move(one)});
  for (ConformanceCase &one : kernel_cases()) suite.push_back({target, std::move(one)});
  for (ConformanceCase &one : storage_cases()) suite.push_back({target, std::move(one)});
  return suite;
}

std::string name_of_case(const testing::TestParamInfo<Conformance> &info) { return info.param.one.name; }

INSTANTIATE_TEST_SUITE_P(Lowered, Conforms, testing::ValuesIn(suite("reference")), name_of_case);
INSTANTIATE_TEST_SUITE_P(Llvm, Conforms, testing::ValuesIn(suite("llvm")), name_of_case);
INSTANTIATE_TEST_SUITE_P(X86, Conforms, testing::ValuesIn(suite("x86")), name_of_case);
INSTANTIATE_TEST_SUITE_P(Vulkan, Conforms, testing::ValuesIn(suite("vulkan")), name_of_case);

} // namespace
} // namespace sparkle::test
