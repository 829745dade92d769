// Every shape of a list, in one, two or three dimensions of space, with the automatic schedule, on every target: equal
// to the interpreter of the imported program, exactly, on whole numbers.
#include <cstdio>

#include <gtest/gtest.h>

#include "tests/differential/conv_text.h"
#include "tests/differential/shape_files.h"

namespace sparkle::test {
namespace {

constexpr size_t kManyShapes = 50;

struct Place {
  DeviceInfo device;
  std::string target; ///< Empty: the device's own.
  std::string isa = {};
};

/// Empty: equal.
std::string compare(const Program &program, const TensorSet &expected, const Place &run, uint64_t seed) {
  Result<TensorSet> computed = TensorSet::make(program, seed);
  if (!computed) return computed.error().text;
  CompileOptions options;
  options.verify_ir = Verification::kAfterEachPass;
  options.target = run.target;
  options.isa = run.isa;
  if (Status status = run_on_device(program, test_machine(), run.device, options, *computed); !status)
    return std::string(name_of(status.error().code)) + ": " + status.error().text;
  return computed->difference_from(expected);
}

void check_shape(const ConvolutionShape &shape, ImageLayout layout, const Place &run) {
  const KernelText text = conv_kernel(shape, layout);
  const Result<Program> program = import_text(text);
  ASSERT_TRUE(program) << to_string(text) << program.error().text;
  const auto seed = static_cast<uint64_t>(shape.line);
  Result<TensorSet> expected = TensorSet::make(*program, seed);
  ASSERT_TRUE(expected) << expected.error().text;
  const Status status = run_reference(*program, *expected);
  ASSERT_TRUE(status) << to_string(text) << status.error().text;
  const std::string difference = compare(*program, *expected, run, seed);
  EXPECT_EQ(difference, "") << to_text(shape) << "\n" << to_string(text);
}

/// Those of `rank`, in both layouts of an image. Shaders take long to compile on some machines: where there are many
/// shapes, or three dimensions, the layouts take turns.
void check_list(const std::string &list, const std::vector<ConvolutionShape> &shapes, int rank, const Place &run) {
  const bool take_turns = run.target == "vulkan" && (shapes.size() > kManyShapes || rank == 3);
  int checked = 0;
  for (const ConvolutionShape &shape : shapes) {
    if (shape.rank != rank) continue;
    for (ImageLayout layout : {ImageLayout::kChannelsLast, ImageLayout::kChannelsFirst}) {
      if (take_turns && (shape.line % 2 == 0) != (layout == ImageLayout::kChannelsLast)) continue;
      check_shape(shape, layout, run);
      ++checked;
    }
  }
  EXPECT_GT(checked, 0);
  std::printf("%s on %s: %d kernels checked\n", list.c_str(), run.device.name.c_str(), checked);
}

void check_own(int rank, const Place &run) {
  const std::string list = "basic_" + std::to_string(rank) + "d.txt";
  check_list(list, own_shapes(list), rank, run);
}

void check_external(int rank, const Place &run) {
  const auto shapes = external_shapes("basic.txt");
  if (!shapes) GTEST_SKIP() << "no external list basic.txt in " << external_shape_folder();
  check_list("external basic.txt", *shapes, rank, run);
}

class Lists : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Rank, Lists, testing::Values(1, 2, 3));

Place llvm() { return {test_machine()->cpu(), "llvm"}; }
TEST_P(Lists, OwnOnLlvm) { check_own(GetParam(), llvm()); }
TEST_P(Lists, ExternalOnLlvm) { check_external(GetParam(), llvm()); }

class X86Lists : public Lists {
protected:
  void SetUp() override {
    if (const std::string missing = missing_target("x86"); !missing.empty()) GTEST_SKIP() << missing;
  }
  Place run(const std::string &isa) const { return {test_machine()->cpu(), "x86", isa}; }
};
INSTANTIATE_TEST_SUITE_P(Rank, X86Lists, testing::Values(1, 2, 3));

TEST_P(X86Lists, Own) { check_own(GetParam(), run("")); }
TEST_P(X86Lists, OwnOnAvx2) { check_own(GetParam(), run("avx2")); }
TEST_P(X86Lists, External) { check_external(GetParam(), run("")); }

/// What the passes left, interpreted: tells a wrong pass from a wrong target.
Place lowered() { return {test_machine()->cpu(), "reference"}; }
TEST_P(Lists, OwnAsLowered) { check_own(GetParam(), lowered()); }
TEST_P(Lists, ExternalAsLowered) { check_external(GetParam(), lowered()); }

class VulkanLists : public Lists {
protected:
  void SetUp() override {
    if (test_machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  }
  Place run() const { return {test_machine()->vulkan().front(), "vulkan"}; }
};
INSTANTIATE_TEST_SUITE_P(Rank, VulkanLists, testing::Values(1, 2, 3));

TEST_P(VulkanLists, Own) { check_own(GetParam(), run()); }
TEST_P(VulkanLists, External) { check_external(GetParam(), run()); }

} // namespace
} // namespace sparkle::test
