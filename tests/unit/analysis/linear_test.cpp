#include "compiler/analysis/linear.h"

#include <gtest/gtest.h>

#include "compiler/ir/printer.h"

namespace sparkle {
namespace {

class Linear : public testing::Test {
protected:
  ExprId v(const std::string &name) { return b.var(var(name)); }
  VarId var(const std::string &name) {
    if (!vars.contains(name)) vars[name] = kernel.add_var({name, kIndexType, VarKind::kLoop, {}, 0});
    return vars[name];
  }
  ExprId n(int64_t value) { return b.index(value); }
  std::string normal(ExprId id) { return print_expr(kernel, from_linear(b, to_linear(kernel, id))); }

  Kernel kernel;
  Builder b{kernel};
  std::map<std::string, VarId> vars;
};

TEST_F(Linear, collects_terms_and_cancels) {
  ExprId x = v("x"), y = v("y");
  EXPECT_EQ(normal(b.sub(b.mul(b.add(x, y), n(4)), b.mul(y, n(4)))), "%x * 4");
  EXPECT_TRUE(to_linear(kernel, b.sub(b.add(x, y), b.add(y, x))).is_constant());
  EXPECT_EQ(normal(b.add(b.sub(n(3), x), b.mul(y, n(2)))), "%y * 2 - %x + 3");
}

TEST_F(Linear, keeps_opaque_parts_as_atoms) {
  ExprId x = v("x"), y = v("y");
  ExprId quotient = b.div(x, n(3));
  LinearForm form = to_linear(kernel, b.add(b.mul(quotient, n(5)), b.mul(x, y)));
  EXPECT_EQ(form.coefficient(quotient), 5);
  EXPECT_EQ(form.coefficient(b.mul(x, y)), 1);
  EXPECT_EQ(form.terms.size(), 2u);
}

TEST_F(Linear, ramps_and_broadcasts_have_a_lane_stride) {
  ExprId x = v("x");
  ExprId sum = b.add(b.mul(b.ramp(x, 2, 8), b.broadcast(n(3), 8)), b.broadcast(x, 8));
  LinearForm form = to_linear(kernel, sum);
  EXPECT_EQ(form.lane_stride, 6);
  EXPECT_EQ(form.lanes, 8);
  EXPECT_EQ(form.coefficient(x), 4);
  EXPECT_EQ(normal(sum), "ramp(%x * 4, 6, 8)");
  EXPECT_EQ(normal(b.sub(b.ramp(x, 1, 4), b.ramp(n(0), 1, 4))), "broadcast(%x, 4)");
}

TEST_F(Linear, overflow_makes_an_atom) {
  ExprId huge = kernel.intern(Binary{BinaryOp::kMul, v("x"), n(INT64_MAX)});
  ExprId twice = kernel.intern(Binary{BinaryOp::kAdd, huge, huge});
  EXPECT_EQ(to_linear(kernel, twice).coefficient(twice), 1);
}

TEST_F(Linear, coefficient_of_a_variable) {
  ExprId x = v("x"), y = v("y");
  ExprId sum = b.add(b.mul(x, n(7)), b.mod(y, n(4)));
  EXPECT_EQ(coefficient_of(kernel, sum, var("x")), 7);
  EXPECT_EQ(coefficient_of(kernel, sum, var("y")), std::nullopt);
  EXPECT_EQ(coefficient_of(kernel, sum, var("z")), 0);
}

TEST_F(Linear, divisibility) {
  ExprId x = v("x"), y = v("y");
  EXPECT_TRUE(is_multiple_of(kernel, b.add(b.mul(x, n(12)), n(8)), 4));
  EXPECT_FALSE(is_multiple_of(kernel, b.add(b.mul(x, n(12)), n(6)), 4));
  EXPECT_TRUE(is_multiple_of(kernel, b.mul(b.mul(x, y), n(16)), 16));
  EXPECT_TRUE(is_multiple_of(kernel, b.min(b.mul(x, n(8)), n(64)), 8));
  EXPECT_TRUE(is_multiple_of(kernel, b.mod(b.mul(x, n(6)), n(9)), 3));
  EXPECT_FALSE(is_multiple_of(kernel, b.div(b.mul(x, n(6)), n(4)), 3));
  EXPECT_FALSE(is_multiple_of(kernel, b.ramp(b.mul(x, n(8)), 1, 8), 8));
}

TEST_F(Linear, order_follows_names_not_ids) {
  ExprId z = v("z"), a = v("a");
  EXPECT_EQ(normal(b.add(z, a)), "%a + %z");
  EXPECT_EQ(compare_exprs(kernel, a, z), std::strong_ordering::less);
  EXPECT_EQ(compare_exprs(kernel, b.div(a, n(2)), b.div(a, n(3))), std::strong_ordering::less);
}

} // namespace
} // namespace sparkle
