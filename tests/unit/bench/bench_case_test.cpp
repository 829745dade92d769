#include "tools/bench/bench_case.h"

#include <gtest/gtest.h>

#include "tools/bench/bench_list.h"

namespace sparkle::bench {
namespace {

ConvolutionShape shape_of(const std::string &line) {
  const auto shapes = parse_shape_list(line, 2);
  EXPECT_TRUE(shapes && shapes->size() == 1) << line;
  return shapes->front();
}

TEST(BenchCase, CountsElementsAsTheProgramDoes) {
  for (const char *line :
       {"ic4oc6_iw9kw3", "ic4oc6_ih9kh3sh2ph1", "ic4oc6_id5kd3", "g2ic4oc6_ih9kh3", "g4ic4oc8_ih9kh3"})
    for (const ImageLayout layout : {ImageLayout::kChannelsLast, ImageLayout::kChannelsFirst}) {
      const BenchCase one = {shape_of(line), Op::kConv, layout};
      const auto program = import_case(one);
      ASSERT_TRUE(program) << line << program.error().text;
      const auto tensors = Tensors::make(*program);
      ASSERT_TRUE(tensors) << line;
      for (const char *name : {"src", "wei", "bias", "dst"})
        EXPECT_EQ(tensors->find(name)->element_count(), element_count(one, name)) << line << ' ' << name;
      EXPECT_GE(program->flops, operations(one)) << line;
    }
}

TEST(BenchCase, PoolingHasNoWeights) {
  const BenchCase one = {shape_of("ic4oc4_ih9kh3sh2"), Op::kMaxPool, ImageLayout::kChannelsLast};
  EXPECT_EQ(element_count(one, "dst"), 2 * 4 * 4 * 4);
  EXPECT_EQ(element_count(one, "wei"), 0);
  EXPECT_EQ(element_count(one, "bias"), 0);
  EXPECT_EQ(operations(one), 2 * 4 * 4 * 4 * 9);
}

TEST(BenchCase, Summaries) {
  const auto text = [](const std::string &line) { return summary({shape_of(line), Op::kConv}); };
  EXPECT_EQ(text("mb1ic3oc64_ih224kh7sh2ph3"), "224x224x3>64 k7x7 s2");
  EXPECT_EQ(text("g8mb1ic8oc8_ih9kh3dh1"), "9x9x8 k3x3 d2");
  EXPECT_EQ(text("mb4ic3oc64_iw16kw5"), "16x3>64 k5 n4");
}

TEST(BenchCase, Names) {
  EXPECT_EQ(*op_named("avgpool"), Op::kAvgPool);
  EXPECT_EQ(*layout_named("nchw"), ImageLayout::kChannelsFirst);
  EXPECT_FALSE(op_named("pool"));
  EXPECT_FALSE(layout_named(""));
}

} // namespace
} // namespace sparkle::bench
