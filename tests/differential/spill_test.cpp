// Registers suffice: with the schedule of the cost model no innermost loop of a listed layer keeps anything in the
// frame. Code is made, never run, so machines without those instructions check it too.
#include <algorithm>
#include <cctype>

#include <gtest/gtest.h>

#include "compiler/import/import.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/target/target.h"
#include "targets/x86/allocate.h"
#include "targets/x86/optimize.h"
#include "targets/x86/select.h"
#include "tests/differential/shape_files.h"
#include "tests/unit/machines.h"
#include "tools/bench/bench_case.h"

namespace sparkle {
namespace {

struct Described {
  const char *fixture;
  x86::Isa isa;
};

constexpr bench::ImageLayout kLast = bench::ImageLayout::kChannelsLast;
constexpr Described kMachines[] = {
    {"avx2", {x86::Family::kAvx2, false}},
    {"cascadelake", {x86::Family::kAvx512, true}},
    {"spr", {x86::Family::kAvx512, true}},
};

Result<int> hot_spills(const Kernel &kernel, const Launch &launch, const x86::Isa &isa) {
  SPARKLE_TRY(x86::Selected selected, x86::select(kernel, launch, isa));
  x86::optimize(selected.function);
  SPARKLE_TRY(const x86::Allocation allocation, x86::allocate(selected.function));
  return allocation.spills_in_hot_loops;
}

/// Of all kernels that run at each call.
Result<int> hot_spills(const bench::BenchCase &layer, const Described &described, const TargetInfo &info) {
  const bench::CaseText text = bench::kernel_text(layer);
  ImportRequest request;
  request.values = text.values;
  Diagnostics diagnostics;
  SPARKLE_TRY(const Program imported, import_source(Source("layer.spk", text.text), request, diagnostics));
  PipelineOptions options;
  options.verify = Verification::kNever;
  SPARKLE_TRY(const Program program, run_pipeline(imported, options, info));
  SPARKLE_TRY(const Artifact artifact, plan_artifact(program, "x86"));
  int spills = 0;
  for (size_t i = 0; i < program.kernels.size(); ++i) {
    SPARKLE_TRY(const int more, hot_spills(program.kernels[i], artifact.launches[i], described.isa));
    spills += more;
  }
  return spills;
}

void expect_none(const std::vector<ConvolutionShape> &shapes, bench::Op op, bench::ImageLayout layout) {
  for (const Described &described : kMachines) {
    const TargetInfo info = test::machine(described.fixture);
    for (ConvolutionShape shape : shapes) {
      shape.batch = 1;
      const Result<int> spills = hot_spills({shape, op, layout, "f32"}, described, info);
      ASSERT_TRUE(spills) << shape.name << ": " << spills.error().text;
      EXPECT_EQ(*spills, 0) << described.fixture << ' ' << name_of(op) << ' ' << name_of(layout) << ' '
                            << to_text(shape);
    }
  }
}

std::optional<std::vector<ConvolutionShape>> shapes_of(const std::string &list) {
  const std::string external = "external/";
  return list.starts_with(external) ? test::external_shapes(list.substr(external.size())) : test::own_shapes(list);
}

std::string name_of_list(const testing::TestParamInfo<const char *> &info) {
  std::string name(info.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class ChannelsLast : public testing::TestWithParam<const char *> {};
class ChannelsFirst : public testing::TestWithParam<const char *> {};

TEST_P(ChannelsLast, KeepsAllInRegisters) {
  const auto shapes = shapes_of(GetParam());
  if (!shapes) GTEST_SKIP() << "no list " << GetParam() << " in " << test::external_shape_folder();
  if (GetParam() != std::string("pooling.txt")) return expect_none(*shapes, bench::Op::kConv, kLast);
  expect_none(*shapes, bench::Op::kMaxPool, kLast);
  expect_none(*shapes, bench::Op::kAvgPool, kLast);
}

/// Dense ones: windows along the lanes of depthwise ones are shuffled, which costs more than keeping them in the frame.
TEST_P(ChannelsFirst, KeepsAllInRegisters) {
  auto shapes = shapes_of(GetParam());
  if (!shapes) GTEST_SKIP() << "no list " << GetParam() << " in " << test::external_shape_folder();
  std::erase_if(*shapes, [](const ConvolutionShape &shape) { return shape.groups > 1; });
  ASSERT_FALSE(shapes->empty());
  expect_none(*shapes, bench::Op::kConv, bench::ImageLayout::kChannelsFirst);
}

INSTANTIATE_TEST_SUITE_P(Lists, ChannelsLast,
                         testing::Values("basic_1d.txt", "basic_2d.txt", "basic_3d.txt", "depthwise.txt",
                                         "mobilenet_dw.txt", "pooling.txt", "resnet50.txt", "external/basic.txt",
                                         "external/mobilenet.txt", "external/mobilenet_dw.txt",
                                         "external/resnet_50_v1_5.txt", "external/vgg_19.txt"),
                         name_of_list);
INSTANTIATE_TEST_SUITE_P(Lists, ChannelsFirst,
                         testing::Values("basic_2d.txt", "basic_3d.txt", "resnet50.txt", "external/basic.txt",
                                         "external/mobilenet.txt", "external/resnet_50_v1_5.txt",
                                         "external/vgg_19.txt"),
                         name_of_list);

} // namespace
} // namespace sparkle
