// Verification finds wrong results, accepts rounding, and says how it looked.
#include <algorithm>

#include "runtime/sample_points.h"
#include "runtime/tolerance.h"
#include "tests/unit/runtime/jit_conv.h"

namespace sparkle {
namespace {

using test::ConvCase;

constexpr test::ConvShape kShape{1, 10, 9, 8, 16, 3, 3, 1, 1};

struct VerifyTest : testing::Test {
  ConvCase conv{kShape};
  VerifyOptions options;

  /// Results of the interpreter, changed by `spoil`, then compared.
  template <class F> VerifyReport compare(F &&spoil) {
    JitOptions jit_options;
    jit_options.device = "reference!";
    jit_options.machine = test::machine();
    Result<JitKernel> kernel = jit(conv.program, jit_options);
    const std::unique_ptr<Binding> binding = std::move(*kernel->bind(conv.arguments()));
    const Result<Verifier> verifier = Verifier::prepare(conv.program, binding->arguments(), options);
    EXPECT_TRUE(binding->run());
    spoil(conv.dst);
    const Result<VerifyReport> report = verifier->check();
    EXPECT_TRUE(report) << report.error().text;
    return report ? *report : VerifyReport{};
  }
};

TEST_F(VerifyTest, WholeNumbersMustBeEqual) {
  for (const VerifyMode mode : {VerifyMode::kFull, VerifyMode::kSampled}) {
    options.mode = mode;
    const VerifyReport right = compare([](HostTensor &) {});
    EXPECT_TRUE(right.passed && right.exact) << right.text();
    EXPECT_EQ(right.mode, mode);
    const VerifyReport wrong =
        compare([](HostTensor &dst) { dst.set(dst.element_count() - 1, dst.get(dst.element_count() - 1) + 0.001); });
    EXPECT_FALSE(wrong.passed);
    EXPECT_EQ(wrong.wrong, 1);
    EXPECT_EQ(wrong.worst_tensor, "dst");
    EXPECT_EQ(wrong.worst_point, (std::vector<int64_t>{0, 9, 8, 15}));
    EXPECT_NEAR(wrong.max_abs_error, 0.001, 1e-4);
  }
}

TEST_F(VerifyTest, RealNumbersMayRoundButNoMore) {
  fill_uniform(conv.src, 5);
  fill_uniform(conv.wei, 6);
  for (const VerifyMode mode : {VerifyMode::kFull, VerifyMode::kSampled}) {
    options.mode = mode;
    const auto largest = [](const HostTensor &dst) {
      int64_t best = 0;
      for (int64_t i = 0; i < dst.element_count(); ++i) best = dst.get(i) > dst.get(best) ? i : best;
      return best;
    };
    const VerifyReport right =
        compare([&](HostTensor &dst) { dst.set(largest(dst), dst.get(largest(dst)) * (1 + 1e-6)); });
    EXPECT_TRUE(right.passed) << right.text();
    EXPECT_FALSE(right.exact);
    const VerifyReport wrong = compare([](HostTensor &dst) { dst.set(0, dst.get(0) + 0.01); });
    EXPECT_FALSE(wrong.passed) << wrong.text();
  }
}

TEST_F(VerifyTest, NotANumberIsWrong) {
  const VerifyReport report = compare([](HostTensor &dst) { dst.set(3, std::numeric_limits<double>::quiet_NaN()); });
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.wrong, 1);
}

TEST_F(VerifyTest, LargeProgramsAreSampled) {
  options.full_flops = conv.program.flops - 1;
  EXPECT_EQ(compare([](HostTensor &) {}).mode, VerifyMode::kSampled);
  options.full_flops = conv.program.flops;
  EXPECT_EQ(compare([](HostTensor &) {}).mode, VerifyMode::kFull);
}

TEST(SamplePoints, HoldCornersAndTailsOnce) {
  const std::vector<int64_t> shape{3, 1, 200};
  const std::vector<std::vector<int64_t>> points = sample_points(shape, 100, 7);
  EXPECT_EQ(points, sample_points(shape, 100, 7));
  EXPECT_TRUE(std::ranges::adjacent_find(points) == points.end());
  for (const std::vector<int64_t> &corner : {std::vector<int64_t>{0, 0, 0}, {2, 0, 0}, {0, 0, 199}, {2, 0, 199}})
    EXPECT_TRUE(std::ranges::binary_search(points, corner));
  EXPECT_TRUE(
      std::ranges::all_of(points, [&](const auto &p) { return p[0] < 3 && p[1] == 0 && p[2] >= 0 && p[2] < 200; }));
  EXPECT_GT(std::ranges::count_if(points, [](const auto &p) { return p[2] >= 184; }), 10);
  EXPECT_TRUE(sample_points({4, 0}, 10, 1).empty());
  EXPECT_EQ(sample_points({}, 10, 1).size(), 1u);
}

TEST(Tolerance, GrowsWithTheReductionAndKnowsWholeNumbers) {
  const Tolerance small = tolerance_of(test::conv_program({1, 4, 4, 4, 4, 1, 1, 1, 0}), {});
  const Tolerance large = tolerance_of(test::conv_program({1, 4, 4, 400, 4, 1, 1, 1, 0}), {});
  EXPECT_TRUE(small.keeps_whole_numbers);
  EXPECT_GT(large.relative, 20 * small.relative);
  EXPECT_LT(large.relative, 1e-4);
  EXPECT_EQ(allowed_error(large, Scalar::kF32, 1000, true), 0);
  EXPECT_GT(allowed_error(large, Scalar::kF32, 1000, false), 0);
  EXPECT_GT(allowed_error(large, Scalar::kF32, 1e9, true), 0); // sums that large are not exact in f32
  EXPECT_EQ(allowed_error(large, Scalar::kI8, 1e9, false), 0);
}

} // namespace
} // namespace sparkle
