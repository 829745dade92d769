#include "targets/vulkan/launch_shape.h"

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"

namespace sparkle::vulkan {
namespace {

Kernel parse(const std::string &body) {
  Diagnostics diagnostics;
  Source source("test", "kernel @k stage lowerable {\n buffer @near: f32[10] near local\n" + body + "}\n");
  auto kernel = parse_kernel(source, diagnostics);
  EXPECT_TRUE(kernel) << render_text(diagnostics, source);
  return *kernel;
}

std::string refusal(const std::string &body) {
  Kernel kernel = parse(body);
  Builder builder(kernel);
  auto shape = launch_shape(builder);
  EXPECT_FALSE(shape);
  return shape ? "" : shape.error().text;
}

TEST(LaunchShape, CountsGroupsAndWorkers) {
  Kernel kernel = parse("for.group %m in 0..3 {\n for.group %n in 0..5 {\n alloc @near\n for.team %t in 0..2 {\n"
                        "for.worker %y in 0..4 {\n for.worker %x in 0..8 {\n alloc @near\n }\n }\n }\n }\n }\n");
  Builder builder(kernel);
  auto shape = launch_shape(builder);
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->total_groups, 15);
  EXPECT_EQ(shape->local_size, 64);
  ASSERT_EQ(shape->group_loops.size(), 2u);
  const GroupDigit &m = shape->groups.at(shape->group_loops[0]);
  const GroupDigit &n = shape->groups.at(shape->group_loops[1]);
  EXPECT_EQ(kernel.constant(m.divisor), 5);
  EXPECT_TRUE(m.is_outermost);
  EXPECT_EQ(kernel.constant(n.divisor), 1);
  EXPECT_FALSE(n.is_outermost);
}

TEST(LaunchShape, NearBuffersTakeWholeVectors) {
  Kernel kernel = parse("alloc @near\n");
  Builder builder(kernel);
  EXPECT_EQ(launch_shape(builder)->near_bytes, 48);
}

TEST(LaunchShape, WidestNestGivesTheLocalSize) {
  Kernel kernel = parse("for.worker %a in 0..6 {\n barrier.group\n }\n for.worker %b in 0..4 {\n alloc @near\n }\n");
  Builder builder(kernel);
  auto shape = launch_shape(builder);
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->local_size, 6);
}

TEST(LaunchShape, RefusesBarriersThatSomeWorkersMiss) {
  std::string text =
      refusal("for.worker %a in 0..6 {\n alloc @near\n }\n for.worker %b in 0..4 {\n barrier.group\n }\n");
  EXPECT_NE(text.find("a barrier inside `b` is not reached by all workers"), std::string::npos) << text;
}

TEST(LaunchShape, RefusesSeveralNestsOfGroups) {
  std::string text = refusal("for.group %a in 0..6 {\n alloc @near\n }\n for.group %b in 0..4 {\n alloc @near\n }\n");
  EXPECT_NE(text.find("not one nest"), std::string::npos) << text;
}

} // namespace
} // namespace sparkle::vulkan
