// Lanes that read neither neighbours nor one element: repeated, reversed, interleaved, at constant distances. Tensors
// lie between guard pages, so that a vector read beyond the last lane's element crashes.
#include <gtest/gtest.h>

#include "tests/differential/kernel_case.h"

namespace sparkle::test {
namespace {

struct Kernels {
  const char *name;
  const char *text; ///< Over W elements.
};

const Kernels kKernels[] = {
    {"repeated", "kernel k(src: f32[W/2 + 1]) -> dst: f32[W] { dst[x] = src[x/2] * 3; }"},
    {"repeated_by_three", "kernel k(src: f32[W/3 + 1]) -> dst: f32[W] { dst[x] = src[x/3] * 3; }"},
    {"reversed", "kernel k(src: i32[W]) -> dst: i32[W] { dst[x] = src[W - 1 - x] + 1; }"},
    {"every_third", "kernel k(src: f32[3*W]) -> dst: f32[W] { dst[x] = src[3*x] + src[3*x + 2]; }"},
    {"backwards_in_steps", "kernel k(src: f32[2*W]) -> dst: f32[W] { dst[x] = src[2*W - 1 - 2*x]; }"},
    {"cyclic", "kernel k(src: f32[4], a: f32[W]) -> dst: f32[W] { dst[x] = src[x%4] * a[x]; }"},
    {"swapped_pairs", "kernel k(src: f32[W + 1]) -> dst: f32[W] { dst[x] = src[x/2*2 + (1 - x%2)]; }"},
    {"bytes_repeated", "kernel k(src: u8[W/4 + 1]) -> dst: u8[W] { dst[x] = src[x/4]; }"},
    {"filters_of_a_channel",
     "kernel k(src: f32[3, W], w: f32[W, 4]) -> dst: f32[3, 4*W] { dst[y, x] = src[y, x/4] * w[x/4, x%4]; }"},
    {"at_the_edge", "kernel k(src: f32[W/2 + 1] outside 0) -> dst: f32[W] { dst[x] = src[x/2 - 3] + src[x/2 + 4]; }"},
};

class LaneOrder : public testing::TestWithParam<Kernels> {};

void PrintTo(const Kernels &kernel, std::ostream *out) { *out << kernel.name; }

void check(const Kernels &kernels, const std::string &target, const std::string &isa) {
  for (const int64_t width : {1, 15, 16, 48, 67}) {
    const KernelText kernel{kernels.text, {{"W", width}}, {}};
    const Result<Program> program = import_text(kernel);
    ASSERT_TRUE(program) << program.error().text;
    Result<TensorSet> expected = TensorSet::make(*program, 3);
    ASSERT_TRUE(expected) << expected.error().text;
    Result<TensorSet> computed = expected->copy();
    ASSERT_TRUE(computed);
    ASSERT_TRUE(run_reference(*program, *expected));
    CompileOptions options;
    options.target = target;
    options.isa = isa;
    const Status status = run_on_device(*program, test_machine(), test_machine()->cpu(), options, *computed);
    ASSERT_TRUE(status) << status.error().text;
    EXPECT_EQ(computed->difference_from(*expected), "") << "W = " << width;
  }
}

TEST_P(LaneOrder, EqualsTheInterpreter) { check(GetParam(), "llvm", ""); }
TEST_P(LaneOrder, EqualsTheInterpreterOnX86) {
  if (const std::string missing = missing_target("x86"); !missing.empty()) GTEST_SKIP() << missing;
  check(GetParam(), "x86", "");
  check(GetParam(), "x86", "avx2");
}

INSTANTIATE_TEST_SUITE_P(Kernels, LaneOrder, testing::ValuesIn(kKernels),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace sparkle::test
