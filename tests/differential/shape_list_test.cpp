#include "runtime/shape_list.h"

#include <map>

#include <gtest/gtest.h>

#include "runtime/file_io.h"
#include "tests/differential/shape_files.h"

namespace sparkle {
namespace {

ConvolutionShape one(std::string_view text) {
  const Result<std::vector<ConvolutionShape>> shapes = parse_shape_list(text);
  EXPECT_TRUE(shapes) << shapes.error().text;
  EXPECT_EQ(shapes->size(), 1u);
  return shapes->front();
}

std::string error(std::string_view text) {
  const Result<std::vector<ConvolutionShape>> shapes = parse_shape_list(text);
  EXPECT_FALSE(shapes) << text;
  return shapes ? "" : shapes.error().text;
}

TEST(ShapeList, ReadsFieldsInAnyOrderWithSeparators) {
  const ConvolutionShape s = one("g4mb8ic20oc12_ih8iw9_oh4ow3_kh3kw2sh2sw3ph1pw0dh1_n\"net:layer*3\"\n");
  EXPECT_EQ(s.groups, 4);
  EXPECT_EQ(s.batch, 8);
  EXPECT_EQ(s.ic, 20);
  EXPECT_EQ(s.oc, 12);
  EXPECT_EQ(s.rank, 2);
  EXPECT_EQ(s.h(), (SpatialShape{8, 4, 3, 2, 1, 2}));
  EXPECT_EQ(s.w(), (SpatialShape{9, 3, 2, 3, 0, 1}));
  EXPECT_EQ(s.name, "net:layer");
  EXPECT_EQ(s.repeats, 3);
}

TEST(ShapeList, CopiesMissingAxes) {
  const ConvolutionShape square = one("ic3oc17_ih8oh4kh3ph1sh2_n\"a\"");
  EXPECT_EQ(square.w(), square.h());
  EXPECT_EQ(square.w(), (SpatialShape{8, 4, 3, 2, 1, 1}));
  EXPECT_EQ(square.d(), SpatialShape{});
  EXPECT_EQ(square.batch, 2);
  const ConvolutionShape cube = one("ic3oc17_id8od4kd3pd1sd2");
  EXPECT_EQ(cube.rank, 3);
  EXPECT_EQ(cube.h(), cube.d());
  EXPECT_EQ(cube.w(), cube.d());
  const ConvolutionShape row = one("ic3oc17_iw8ow4kw3pw1sw2");
  EXPECT_EQ(row.rank, 1);
  EXPECT_EQ(row.h(), SpatialShape{});
  EXPECT_EQ(row.w(), (SpatialShape{8, 4, 3, 2, 1, 1}));
}

TEST(ShapeList, DerivesOrTakesTheOutput) {
  EXPECT_EQ(one("ic1oc1ih8kh3ph3sh2").h().out, 6);
  EXPECT_EQ(one("ic1oc1ih8oh5kh3ph3sh2").h().out, 5);
  EXPECT_EQ(one("ic1oc1ih9kh3dh1").h().out, 5);
}

TEST(ShapeList, SkipsCommentsAndCountsLines) {
  const auto shapes = parse_shape_list("# a\n\n  \t\nic1oc1ih2kh1\r\n#b\nic2oc2ih2kh1", 7);
  ASSERT_TRUE(shapes) << shapes.error().text;
  ASSERT_EQ(shapes->size(), 2u);
  EXPECT_EQ((*shapes)[0].line, 4);
  EXPECT_EQ((*shapes)[1].line, 6);
  EXPECT_EQ((*shapes)[1].batch, 7);
}

TEST(ShapeList, NamesTheLineAndTheMistake) {
  EXPECT_EQ(error("ic1oc1ih2kh1\nic1oc1ix2"), "line 2: `ix2` is no field of a shape");
  EXPECT_EQ(error("ic1oc1ih"), "line 1: `ih` has no number");
  EXPECT_EQ(error("ic1ic2"), "line 1: `ic` is given twice");
  EXPECT_EQ(error("ic99999999999999999999"), "line 1: the value of `ic` is out of range");
  EXPECT_EQ(error("ic1oc1"), "line 1: there is no input extent: `ih`, `iw` or `id`");
  EXPECT_EQ(error("ic1oc1ih5"), "line 1: `ih` and `kh` belong together");
  EXPECT_EQ(error("ih5kh1"), "line 1: `g`, `mb`, `ic` and `oc` must be positive");
  EXPECT_EQ(error("g2ic3oc2ih5kh1"), "line 1: 2 groups do not divide the channels");
  EXPECT_EQ(error("ic1oc1ih2kh3"), "line 1: there is no output along h");
  EXPECT_EQ(error("ic1oc1ih2kh1sh0"),
            "line 1: extent, kernel and stride along h must be positive, the dilation at least 0");
  EXPECT_EQ(error("ic1oc1ih2kh1n\"a"), "line 1: the name has no closing quote");
}

TEST(ShapeList, WritesLinesThatReadBack) {
  for (const std::string_view text : {"g4mb8ic20oc12_ih8iw9_oh4ow3_kh3kw2sh2sw3ph1pw0dh1_n\"net:layer*3\"",
                                      "ic3oc17_id8od4kd3pd1sd2", "ic3oc17_iw8ow4kw3pw1sw2_n\"x\""}) {
    const ConvolutionShape shape = one(text), again = one(to_text(shape));
    EXPECT_EQ(to_text(again), to_text(shape));
    EXPECT_EQ(again.spatial, shape.spatial);
    EXPECT_EQ(again.rank, shape.rank);
    EXPECT_EQ(again.repeats, shape.repeats);
  }
}

TEST(ShapeList, CountsNominalOperations) {
  EXPECT_EQ(nominal_flops(one("mb1ic3oc64_ih224oh112kh7sh2ph3")), 2 * 112 * 112 * 64 * 7 * 7 * 3);
  EXPECT_EQ(nominal_flops(one("g8mb2ic16oc8_ih4kh1")), 2 * 2 * 4 * 4 * 8 * 2);
  EXPECT_EQ(nominal_flops(one("mb2000000000ic2000000000oc2000000000_ih4kh1")), 0);
}

TEST(Resnet50, HasItsLayersAndOperations) {
  int64_t layers = 0, flops = 0;
  for (ConvolutionShape shape : test::own_shapes("resnet50.txt")) {
    shape.batch = 1;
    layers += shape.repeats;
    flops += shape.repeats * nominal_flops(shape);
  }
  // 49 convolutions on the way and 4 projections; 4.09 G multiply-adds less the classifier's 2.05 M.
  EXPECT_EQ(layers, 53);
  EXPECT_EQ(flops, 8'174'272'512);
}

/// What a shape computes, without its name.
std::string problem_of(ConvolutionShape shape) {
  shape.name.clear();
  shape.repeats = 1;
  return to_text(shape);
}

TEST(Resnet50, AgreesWithTheExternalList) {
  const std::optional<std::vector<ConvolutionShape>> external = test::external_shapes("resnet_50_v1_5.txt");
  if (!external) GTEST_SKIP() << "no external list resnet_50_v1_5.txt in " << test::external_shape_folder();
  std::map<std::string, int64_t> own, theirs;
  for (const ConvolutionShape &shape : test::own_shapes("resnet50.txt")) own[problem_of(shape)] += shape.repeats;
  for (const ConvolutionShape &shape : *external) theirs[problem_of(shape)] += shape.repeats;
  EXPECT_EQ(own, theirs);
}

} // namespace
} // namespace sparkle
