#include "compiler/analysis/interval.h"

#include <gtest/gtest.h>

namespace sparkle {
namespace {

class Bounds : public testing::Test {
protected:
  VarId add_var(const std::string &name, VarKind kind = VarKind::kLoop) {
    return kernel.add_var({name, kIndexType, kind, {}, 0});
  }
  ExprId loop(const std::string &name, ExprId begin, ExprId end) {
    VarId var = add_var(name);
    ranges.push_loop(kernel, var, begin, end);
    return b.var(var);
  }
  ExprId loop(const std::string &name, int64_t extent) { return loop(name, n(0), n(extent)); }
  ExprId n(int64_t value) { return b.index(value); }
  Interval of(ExprId id) { return bounds(kernel, id, ranges); }
  std::optional<bool> proven(ExprId cond) { return prove(kernel, cond, ranges); }
  ExprId raw(BinaryOp op, ExprId a, ExprId c) { return kernel.intern(Binary{op, a, c}); }

  Kernel kernel;
  Builder b{kernel};
  Ranges ranges;
};

TEST_F(Bounds, of_arithmetic) {
  ExprId x = loop("x", 10), y = loop("y", n(-3), n(4));
  EXPECT_EQ(of(b.add(b.mul(x, n(4)), y)), (Interval{-3, 39}));
  EXPECT_EQ(of(b.sub(x, b.mul(y, n(2)))), (Interval{-6, 15}));
  EXPECT_EQ(of(b.mul(x, y)), (Interval{-27, 27}));
  EXPECT_EQ(of(b.div(y, n(2))), (Interval{-2, 1}));
  EXPECT_EQ(of(b.mod(y, n(8))), (Interval{0, 7}));
  EXPECT_EQ(of(b.mod(b.add(x, n(20)), n(32))), (Interval{20, 29}));
  EXPECT_EQ(of(b.min(x, y)), (Interval{-3, 3}));
  EXPECT_EQ(of(b.max(x, y)), (Interval{0, 9}));
  EXPECT_EQ(of(b.select(b.less(x, y), n(5), y)), (Interval{-3, 5}));
}

TEST_F(Bounds, cancel_through_linear_form) {
  ExprId x = b.var(add_var("x", VarKind::kValue));
  EXPECT_EQ(of(b.sub(b.add(x, n(3)), x)), Interval::point(3));
  EXPECT_EQ(of(x), Interval{});
  EXPECT_EQ(of(b.sub(x, b.mul(raw(BinaryOp::kDiv, x, n(4)), n(4)))), (Interval{0, 3}));
}

TEST_F(Bounds, one_end_is_that_of_both) {
  const ExprId outer = loop("outer", 9),
               x = loop("x", b.mul(outer, n(4)), b.min(b.add(b.mul(outer, n(4)), n(4)), n(33)));
  for (const ExprId expr : {b.sub(x, b.mul(outer, n(4))), b.max(x, outer), b.sub(n(7), x), b.div(x, n(4))}) {
    const LinearForm form = to_linear(kernel, expr);
    EXPECT_EQ(lower_bound(kernel, form, ranges), of(expr).lo);
    EXPECT_EQ(upper_bound(kernel, form, ranges), of(expr).hi);
  }
}

TEST_F(Bounds, fixed_values) {
  const auto fixed = [&](ExprId id) { return fixed_value(kernel, to_linear(kernel, id), ranges); };
  const ExprId outer = loop("outer", 9), x = loop("x", 5), once = loop("once", n(3), n(4));
  EXPECT_EQ(fixed(n(7)), 7);
  EXPECT_EQ(fixed(b.add(once, n(1))), 4);
  EXPECT_EQ(fixed(b.add(x, outer)), std::nullopt);
  EXPECT_EQ(fixed(b.ramp(once, 2, 4)), std::nullopt);
  const VarId y = add_var("y", VarKind::kValue);
  ranges.push_value(kernel, y, b.add(x, n(2)));
  EXPECT_EQ(fixed(b.sub(b.var(y), x)), 2);
  EXPECT_EQ(fixed(b.sub(x, b.var(y))), -2);
  EXPECT_EQ(fixed(b.var(y)), std::nullopt);
}

TEST_F(Bounds, use_symbolic_loop_ends) {
  VarId symbol = add_var("N", VarKind::kSymbol);
  ExprId size = b.var(symbol);
  ExprId tile = loop("tile", n(0), b.div(b.add(size, n(7)), n(8)));
  ExprId first = b.mul(tile, n(8));
  ExprId i = loop("i", first, b.min(b.add(first, n(8)), size));
  EXPECT_EQ(of(b.sub(i, first)), (Interval{0, 7}));
  EXPECT_EQ(proven(b.less(i, size)), true);
  EXPECT_EQ(proven(b.less_equal(n(0), i)), true);
  EXPECT_EQ(proven(b.less(first, size)), true);
  EXPECT_EQ(proven(b.less(b.add(i, n(1)), size)), std::nullopt);
}

TEST_F(Bounds, of_clamped_reduction_loops) {
  ExprId oh = loop("oh", 56);
  ExprId kh = loop("kh", b.max(b.sub(n(1), oh), n(0)), b.min(b.sub(n(57), oh), n(3)));
  EXPECT_EQ(of(b.sub(b.add(oh, kh), n(1))), (Interval{0, 55}));
}

TEST_F(Bounds, of_vectors_hold_for_all_lanes) {
  ExprId x = loop("x", 4);
  ExprId lanes = b.ramp(b.mul(x, n(8)), 1, 8);
  EXPECT_EQ(of(lanes), (Interval{0, 31}));
  EXPECT_EQ(proven(b.less(lanes, b.broadcast(n(32), 8))), true);
  EXPECT_EQ(proven(b.less(lanes, b.broadcast(n(31), 8))), std::nullopt);
}

TEST_F(Bounds, overflow_is_unbounded) {
  ExprId x = loop("x", n(0), n(INT64_MAX));
  Interval sum = of(b.add(b.mul(x, n(2)), n(1)));
  EXPECT_EQ(sum.lo, 1);
  EXPECT_EQ(sum.hi, std::nullopt);
}

TEST_F(Bounds, equality_by_divisibility) {
  ExprId x = loop("x", 100), y = loop("y", 100);
  EXPECT_EQ(proven(b.compare(CompareOp::kEq, b.mul(x, n(4)), b.add(b.mul(y, n(2)), n(1)))), false);
  EXPECT_EQ(proven(b.compare(CompareOp::kNe, b.mul(x, n(4)), b.add(b.mul(y, n(2)), n(1)))), true);
  EXPECT_EQ(proven(b.compare(CompareOp::kEq, x, y)), std::nullopt);
}

TEST_F(Bounds, logic) {
  ExprId x = loop("x", 10);
  ExprId yes = kernel.intern(Compare{CompareOp::kLt, x, n(10)});
  ExprId no = kernel.intern(Compare{CompareOp::kLt, x, n(0)});
  ExprId open = b.less(x, n(5));
  EXPECT_EQ(proven(b.both(yes, open)), std::nullopt);
  EXPECT_EQ(proven(b.both(open, no)), false);
  EXPECT_EQ(proven(b.binary(BinaryOp::kOr, open, yes)), true);
  EXPECT_EQ(proven(b.unary(UnaryOp::kNot, no)), true);
}

TEST_F(Bounds, conditions_refine_until_their_scope_ends) {
  ExprId x = loop("x", 100), y = loop("y", 100);
  {
    RangesScope scope(ranges);
    ranges.push_condition(kernel, b.both(b.less(b.add(x, n(3)), n(10)), b.less_equal(y, x)));
    EXPECT_EQ(of(x), (Interval{0, 6}));
    EXPECT_EQ(of(y), (Interval{0, 6}));
    EXPECT_EQ(proven(b.less(b.sub(y, x), n(1))), true);
  }
  EXPECT_EQ(of(x), (Interval{0, 99}));
  EXPECT_EQ(of(y), (Interval{0, 99}));
}

TEST_F(Bounds, of_a_value_are_those_of_what_it_is) {
  ExprId x = loop("x", 10);
  VarId p = add_var("p", VarKind::kValue);
  ranges.push_value(kernel, p, b.add(b.mul(x, n(3)), n(1)));
  EXPECT_EQ(of(b.var(p)), (Interval{1, 28}));
  EXPECT_EQ(of(b.sub(b.var(p), b.mul(x, n(3)))), Interval::point(1));
}

} // namespace
} // namespace sparkle
