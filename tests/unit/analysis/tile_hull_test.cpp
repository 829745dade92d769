#include "compiler/analysis/tile_hull.h"

#include <gtest/gtest.h>

namespace sparkle {
namespace {

/// y = 8 t + (0..7), for 10 tiles t.
class Hulls : public testing::Test {
protected:
  Hulls() { hulls.set(y, {{8}, {0, 7}}); }
  ExprId n(int64_t value) { return b.index(value); }
  TileHull of(ExprId id) { return hulls.of(kernel, id); }
  static TileHull moving(int64_t step, int64_t lo, int64_t hi) { return {{step}, {lo, hi}}; }
  static TileHull fixed(int64_t lo, int64_t hi) { return {{0}, {lo, hi}}; }

  Kernel kernel;
  Builder b{kernel};
  TileHulls hulls{{10}};
  VarId y = b.loop_var("y");
  ExprId at = b.var(y);
};

TEST_F(Hulls, MoveWithLinearIndices) {
  EXPECT_EQ(of(b.sub(b.mul(at, n(2)), n(3))), moving(16, -3, 11));
  EXPECT_EQ(of(b.sub(n(79), at)), moving(-8, 72, 79));
  EXPECT_EQ(of(b.div(at, n(2))), moving(4, 0, 3));
  EXPECT_EQ(of(b.mod(at, n(4))), fixed(0, 3));
  EXPECT_EQ(of(b.div(at, n(3))), fixed(0, 26)) << "a third of a tile is no whole step";
}

TEST_F(Hulls, StayInStepBetweenLimits) {
  ExprId above = b.sub(at, n(2));
  EXPECT_EQ(of(b.min(b.max(above, n(0)), n(79))), moving(8, -2, 5));
  EXPECT_EQ(of(b.max(b.sub(at, n(100)), n(0))), moving(8, -72, 0)) << "the first tiles are all at the limit";
  EXPECT_EQ(of(b.min(at, n(20))), moving(8, -52, 7)) << "the last tiles are all at the limit";
  EXPECT_EQ(hulls.clamped(moving(8, -2, 9), {0, 79}), moving(8, -2, 9));
  EXPECT_EQ(hulls.clamped(moving(8, -100, -90), {0, 79}), moving(8, -72, 0));
}

TEST_F(Hulls, HoldTheElementsThatAxesReach) {
  VarId i = kernel.add_var({"i", kIndexType, VarKind::kAxis, {}, 0});
  ExprId sum = b.reduce(ReduceOp::kSum, {{i, n(0), n(5)}}, b.cast({Scalar::kI32, 1}, b.add(at, b.var(i))));
  hulls.add_axes(kernel, sum);
  EXPECT_EQ(of(b.sub(b.add(at, b.var(i)), n(2))), moving(8, -2, 9));
}

TEST_F(Hulls, JoinOnlyWhatMovesAlike) {
  EXPECT_EQ(join(moving(8, 0, 7), moving(8, -2, 3)), moving(8, -2, 7));
  EXPECT_FALSE(join(moving(8, 0, 7), moving(-8, 0, 7)));
}

/// The definition of a hull, by brute force: each value of each tile lies in it.
TEST_F(Hulls, HoldEveryValue) {
  std::vector<std::function<int64_t(int64_t)>> values = {
      [](int64_t v) { return std::min<int64_t>(std::max<int64_t>(v * 3 - 7, -2), 50); },
      [](int64_t v) { return std::max<int64_t>(30 - v, v - 30); },
      [](int64_t v) { return std::min<int64_t>(v, 79 - v) / 4; },
  };
  auto clamp = [&](ExprId e, int64_t lo, int64_t hi) { return b.min(b.max(e, n(lo)), n(hi)); };
  std::vector<ExprId> exprs = {clamp(b.sub(b.mul(at, n(3)), n(7)), -2, 50), b.max(b.sub(n(30), at), b.sub(at, n(30))),
                               b.div(b.min(at, b.sub(n(79), at)), n(4))};
  for (size_t i = 0; i < exprs.size(); ++i) {
    TileHull hull = of(exprs[i]);
    for (int64_t v = 0; v < 80; ++v) {
      Interval tile = add(hull.offset, Interval::point(hull.steps[0] * (v / 8)));
      EXPECT_TRUE(tile.contains(values[i](v))) << "expression " << i << " at " << v;
    }
  }
}

} // namespace
} // namespace sparkle
