// Element functions on every target, against the C library in double precision: within the bound of
// compiler/analysis/element_functions.h for every kind of operand.
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <span>

#include <gtest/gtest.h>

#include "compiler/analysis/element_functions.h"
#include "tests/differential/kernel_case.h"

namespace sparkle::test {
namespace {

constexpr double kLeastNormal = 0x1p-126;
constexpr double kLeast = 0x1p-149;
constexpr double kOverflow = 0x1p128; ///< What an infinity counts as beside a finite number.

struct Place {
  DeviceInfo device;
  std::string target;
  bool keeps_subnormals = true;
};

double exact(UnaryOp op, double x) {
  switch (op) {
  case UnaryOp::kSqrt: return std::sqrt(x);
  case UnaryOp::kRsqrt: return 1 / std::sqrt(x);
  case UnaryOp::kExp: return std::exp(x);
  case UnaryOp::kLog: return std::log(x);
  case UnaryOp::kTanh: return std::tanh(x);
  case UnaryOp::kSigmoid: return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
  case UnaryOp::kErf: return std::erf(x);
  default: return std::numeric_limits<double>::quiet_NaN();
  }
}

double ulp(double value) {
  int exponent = 0;
  std::frexp(value, &exponent);
  return std::fmax(std::ldexp(1.0, exponent - 24), kLeast);
}

/// Distance of `computed` from `expected` in ULP.
double error_in_ulps(float computed, double expected, bool keeps_subnormals) {
  if (std::isnan(expected) || std::isnan(computed)) return std::isnan(expected) && std::isnan(computed) ? 0 : HUGE_VAL;
  if (std::isinf(static_cast<float>(expected)) && std::isinf(computed))
    return std::signbit(expected) == std::signbit(computed) ? 0 : HUGE_VAL;
  if (std::isinf(expected)) return HUGE_VAL;
  const double value = std::isinf(computed) ? std::copysign(kOverflow, computed) : computed;
  const double distance = std::fabs(value - expected);
  if (!keeps_subnormals && std::fabs(expected) < kLeastNormal && distance <= kLeastNormal) return 0;
  return distance / ulp(std::fmin(std::fabs(expected), static_cast<double>(std::numeric_limits<float>::max())));
}

struct Worst {
  double ulps = 0;
  float at = 0, computed = 0;
};

/// A function of all elements of one tensor.
class FunctionRun {
public:
  FunctionRun(UnaryOp op, const std::string &element, int64_t count, const Place &place) : op_(op), place_(place) {
    if (const Status status = prepare(element, count); !status) fail(status.error());
  }

  /// Empty: all went well.
  const std::string &problem() const { return problem_; }
  bool is_unsupported() const { return is_unsupported_; }
  HostTensor &operands() { return tensors_->tensor("x"); }

  void compute() {
    if (const Status status = run(); !status) fail(status.error());
  }

  void measure(Worst &worst) {
    HostTensor &x = operands(), &dst = tensors_->tensor("dst");
    const auto *results = reinterpret_cast<const float *>(dst.data());
    for (int64_t i = 0; i < x.element_count(); ++i) {
      const auto operand = static_cast<float>(x.get(i));
      const double error = error_at(operand, results[i]);
      if (error <= worst.ulps) continue;
      worst = {error, operand, results[i]};
    }
  }

private:
  Status prepare(const std::string &element, int64_t count) {
    const std::string name(name_of(op_));
    const KernelText text{
        "kernel f(x: " + element + "[N]) -> dst: f32[N] { dst[i] = " + name + "(f32(x[i])); }\n", {{"N", count}}, {}};
    SPARKLE_TRY(Program program, import_text(text));
    program_ = std::make_unique<Program>(std::move(program));
    SPARKLE_TRY(TensorSet tensors, TensorSet::make(*program_, 1));
    tensors_.emplace(std::move(tensors));
    CompileOptions options;
    options.target = place_.target;
    SPARKLE_TRY(executable_, compile(*program_, test_machine(), place_.device, options));
    return ok();
  }

  Status run() {
    SPARKLE_TRY(const std::unique_ptr<Binding> binding, bind_program(executable_, tensors_->arguments()));
    if (const auto times = binding->run(); !times) return times.error();
    return binding->fetch();
  }

  void fail(const Error &error) {
    problem_ = error.text;
    is_unsupported_ = error.code == ErrorCode::kUnsupported;
  }

  double error_at(float x, float computed) const {
    const double expected = exact(op_, x);
    if (place_.keeps_subnormals && computed == 0 && expected == 0 && std::signbit(computed) != std::signbit(expected))
      return HUGE_VAL;
    const double error = error_in_ulps(computed, expected, place_.keeps_subnormals);
    if (place_.keeps_subnormals || x == 0 || std::fabs(x) >= kLeastNormal) return error;
    return std::fmin(error, error_in_ulps(computed, exact(op_, std::copysign(0.0, x)), false)); // Taken as 0.
  }

  UnaryOp op_;
  Place place_;
  std::unique_ptr<Program> program_;
  std::optional<TensorSet> tensors_;
  std::shared_ptr<const Executable> executable_;
  std::string problem_;
  bool is_unsupported_ = false;
};

/// Zeros, subnormal and normal ends, infinities, NaN, where functions overflow, vanish, saturate or change their
/// formula; both signs and both neighbours of each.
std::vector<float> edges() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> all = {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(), 0.0f, -0.0f};
  for (float edge : {0x1p-149f,   0x1p-127f, 0x1p-126f, 0x1.fffffep127f, 1.0f,       0x1.555556p-1f, 0x1.555556p0f,
                     88.72283f,   88.02969f, 87.33654f, 103.27893f,      103.97208f, 104.0f,         89.0f,
                     0.625f,      9.010913f, 9.5f,      0.9277f,         3.832507f,  4.0f,           0x1p-14f,
                     0.34657359f, 2.0f,      0.5f,      1e-4f,           65504.0f,   16777216.0f})
    for (float sign : {1.0f, -1.0f})
      for (float to : {-kInfinity, edge, kInfinity}) all.push_back(sign * std::nextafter(edge, to));
  return all;
}

constexpr uint64_t kSamples = 200'000;

std::vector<float> operands() {
  std::vector<float> all = edges();
  constexpr uint64_t kStride = (uint64_t{1} << 32) / kSamples | 1;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += kStride)
    all.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (uint64_t i = 0; i < kSamples; ++i) // Where the functions change most.
    all.push_back(static_cast<float>(i) * (24.0f / kSamples) - 12.0f);
  return all;
}

void report(UnaryOp op, const Place &place, const Worst &worst) {
  const double bound = element_function(op)->max_ulps;
  std::printf("%-8s %-10s worst %.3f of %.1f ulp, at %a\n", std::string(name_of(op)).c_str(), place.target.c_str(),
              worst.ulps, bound, static_cast<double>(worst.at));
  EXPECT_LE(worst.ulps, bound) << name_of(op) << " of " << worst.at << " is " << worst.computed << ", not "
                               << exact(op, worst.at);
}

void check_samples(const Place &place) {
  const std::vector<float> all = operands();
  for (const ElementFunction &function : element_functions()) {
    FunctionRun run(function.op, "f32", static_cast<int64_t>(all.size()), place);
    ASSERT_EQ(run.problem(), "");
    std::memcpy(run.operands().data(), all.data(), all.size() * sizeof(float));
    run.compute();
    ASSERT_EQ(run.problem(), "");
    Worst worst;
    run.measure(worst);
    report(function.op, place, worst);
  }
}

/// Every value of a type that is widened exactly.
void check_narrow(const Place &place, const std::string &element, int64_t count) {
  for (const ElementFunction &function : element_functions()) {
    FunctionRun run(function.op, element, count, place);
    if (run.is_unsupported()) GTEST_SKIP() << run.problem();
    ASSERT_EQ(run.problem(), "");
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(reinterpret_cast<std::byte *>(run.operands().data()) + i * (count > 256 ? 2 : 1), &i,
                  count > 256 ? 2 : 1);
    run.compute();
    ASSERT_EQ(run.problem(), "");
    Worst worst;
    run.measure(worst);
    report(function.op, place, worst);
  }
}

Place llvm_place() { return {test_machine()->cpu(), "llvm"}; }
Place lowered_place() { return {test_machine()->cpu(), "reference"}; }

TEST(Functions, AreExactEnoughOnLlvm) { check_samples(llvm_place()); }
TEST(Functions, AreExactEnoughOnX86) {
  if (const std::string missing = missing_target("x86"); !missing.empty()) GTEST_SKIP() << missing;
  check_samples({test_machine()->cpu(), "x86"});
}
TEST(Functions, AreExactEnoughAsExpanded) { check_samples(lowered_place()); }
TEST(Functions, AreExactEnoughOnVulkan) {
  if (test_machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  check_samples({test_machine()->vulkan().front(), "vulkan", false});
}

TEST(Functions, TakeEveryF16) { check_narrow(llvm_place(), "f16", 65536); }
TEST(Functions, TakeEveryBf16) { check_narrow(llvm_place(), "bf16", 65536); }
TEST(Functions, TakeEveryU8) { check_narrow(llvm_place(), "u8", 256); }
TEST(Functions, TakeEveryNarrowOnX86) {
  if (const std::string missing = missing_target("x86"); !missing.empty()) GTEST_SKIP() << missing;
  const Place x86{test_machine()->cpu(), "x86"};
  check_narrow(x86, "f16", 65536);
  check_narrow(x86, "bf16", 65536);
  check_narrow(x86, "u8", 256);
}
TEST(Functions, TakeEveryF16OnVulkan) {
  if (test_machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  check_narrow({test_machine()->vulkan().front(), "vulkan", false}, "f16", 65536);
}

/// All 2^32 operands: minutes a function.
class EveryOperand : public testing::TestWithParam<ElementFunction> {};

TEST_P(EveryOperand, IsWithinTheBound) {
  constexpr int64_t kChunk = int64_t{1} << 24;
  FunctionRun run(GetParam().op, "f32", kChunk, llvm_place());
  ASSERT_EQ(run.problem(), "");
  Worst worst;
  auto *bits = reinterpret_cast<uint32_t *>(run.operands().data());
  for (uint64_t begin = 0; begin < uint64_t{1} << 32; begin += kChunk) {
    for (int64_t i = 0; i < kChunk; ++i) bits[i] = static_cast<uint32_t>(begin + static_cast<uint64_t>(i));
    run.compute();
    ASSERT_EQ(run.problem(), "");
    run.measure(worst);
  }
  report(GetParam().op, llvm_place(), worst);
}

INSTANTIATE_TEST_SUITE_P(All, EveryOperand, testing::ValuesIn(element_functions().begin(), element_functions().end()),
                         [](const auto &info) { return std::string(name_of(info.param.op)); });

} // namespace
} // namespace sparkle::test
