// Every 2-D shape of a list, with the automatic schedule, on every target: equal to the interpreter of the imported
// program, exactly, on whole numbers.
#include <cstdio>

#include <gtest/gtest.h>

#include "tests/differential/conv_text.h"
#include "tests/differential/shape_files.h"

namespace sparkle::test {
namespace {

struct Place {
  DeviceInfo device;
  std::string target; ///< Empty: the device's own.
};

/// Empty: equal.
std::string compare(const Program &program, const TensorSet &expected, const Place &run, uint64_t seed) {
  Result<TensorSet> computed = TensorSet::make(program, seed);
  if (!computed) return computed.error().text;
  CompileOptions options;
  options.target = run.target;
  if (Status status = run_on_device(program, test_machine(), run.device, options, *computed); !status)
    return std::string(name_of(status.error().code)) + ": " + status.error().text;
  return computed->difference_from(expected);
}

void check_shape(const ConvolutionShape &shape, ImageLayout layout, const Place &run) {
  const KernelText text = conv_text(shape, layout);
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

void check_list(const std::string &list, const std::vector<ConvolutionShape> &shapes, const Place &run) {
  int checked = 0;
  for (const ConvolutionShape &shape : shapes) {
    if (shape.rank != 2) continue;
    for (ImageLayout layout : {ImageLayout::kChannelsLast, ImageLayout::kChannelsFirst}) {
      check_shape(shape, layout, run);
      ++checked;
    }
  }
  EXPECT_GT(checked, 0);
  std::printf("%s on %s: %d kernels checked\n", list.c_str(), run.device.name.c_str(), checked);
}

void check_own(const Place &run) { check_list("basic_2d.txt", own_shapes("basic_2d.txt"), run); }

void check_external(const Place &run) {
  const auto shapes = external_shapes("basic.txt");
  if (!shapes) GTEST_SKIP() << "no external list basic.txt in " << external_shape_folder();
  check_list("external basic.txt", *shapes, run);
}

TEST(Llvm, EqualsTheReferenceOnOwnShapes) { check_own({test_machine()->cpu(), "llvm"}); }
TEST(Llvm, EqualsTheReferenceOnExternalShapes) { check_external({test_machine()->cpu(), "llvm"}); }

/// What the passes left, interpreted: tells a wrong pass from a wrong target.
TEST(Lowered, EqualsTheReferenceOnOwnShapes) { check_own({test_machine()->cpu(), "reference"}); }

class Vulkan : public testing::Test {
protected:
  void SetUp() override {
    if (test_machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  }
  Place run() const { return {test_machine()->vulkan().front(), "vulkan"}; }
};

TEST_F(Vulkan, EqualsTheReferenceOnOwnShapes) { check_own(run()); }
TEST_F(Vulkan, EqualsTheReferenceOnExternalShapes) { check_external(run()); }

} // namespace
} // namespace sparkle::test
