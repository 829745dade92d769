#include "compiler/analysis/lane_steps.h"

#include <gtest/gtest.h>

#include "compiler/ir/builder.h"

namespace sparkle {
namespace {

using Lanes = std::vector<int64_t>;

class LaneSteps : public testing::Test {
protected:
  ExprId var() { return b.var(kernel.add_var({"x", kIndexType, VarKind::kLoop, {}, 0})); }
  ExprId n(int64_t value) { return b.index(value); }
  ExprId raw(BinaryOp op, ExprId a, ExprId c) { return kernel.intern(Binary{op, a, c}); }
  ExprId splat(ExprId a) { return kernel.intern(Broadcast{a, 4}); }
  ExprId ramp(ExprId base, int64_t stride) { return kernel.intern(Ramp{base, stride, 4}); }

  Kernel kernel;
  Builder b{kernel};
};

TEST_F(LaneSteps, of_scalars_ramps_and_broadcasts) {
  const ExprId x = var();
  EXPECT_EQ(lane_steps(kernel, x), Lanes{0});
  EXPECT_EQ(lane_steps(kernel, splat(x)), (Lanes{0, 0, 0, 0}));
  EXPECT_EQ(lane_steps(kernel, ramp(x, -2)), (Lanes{0, -2, -4, -6}));
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kSub, splat(x), ramp(x, 3))), (Lanes{0, -3, -6, -9}));
}

TEST_F(LaneSteps, of_quotients_and_remainders_of_constants) {
  const ExprId x = var(), count = ramp(n(0), 1), two = splat(n(2));
  const ExprId half = raw(BinaryOp::kDiv, count, two), odd = raw(BinaryOp::kMod, count, two);
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kAdd, splat(x), half)), (Lanes{0, 0, 1, 1}));
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kAdd, raw(BinaryOp::kMul, half, two), odd)), (Lanes{0, 1, 2, 3}));
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kDiv, ramp(n(-1), 1), two)), (Lanes{0, 1, 1, 2}));
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kMin, count, two)), (Lanes{0, 1, 2, 2}));
}

TEST_F(LaneSteps, are_unknown_where_they_depend_on_variables) {
  const ExprId x = var(), y = var();
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kDiv, ramp(x, 1), splat(n(2)))), std::nullopt);
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kMul, ramp(x, 1), splat(y))), std::nullopt);
  EXPECT_EQ(lane_steps(kernel, raw(BinaryOp::kDiv, splat(x), splat(y))), (Lanes{0, 0, 0, 0}));
  EXPECT_EQ(lane_steps(kernel, ramp(x, std::numeric_limits<int64_t>::max())), std::nullopt);
}

TEST(CommonStep, is_that_of_all_neighbours) {
  EXPECT_EQ(common_step({0}), 0);
  EXPECT_EQ(common_step({0, -2, -4}), -2);
  EXPECT_EQ(common_step({0, 0, 1, 1}), std::nullopt);
}

} // namespace
} // namespace sparkle
