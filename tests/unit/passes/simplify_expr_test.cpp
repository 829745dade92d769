#include "compiler/passes/simplify_expr.h"

#include <random>

#include <gtest/gtest.h>

#include "compiler/ir/printer.h"
#include "tests/unit/passes/expr_eval.h"

namespace sparkle {
namespace {

/// A kernel with variables of known ranges, and the check that every rewrite keeps every value.
class SimplifyExpr : public testing::Test {
protected:
  VarId add(const std::string &name, int64_t lo, int64_t hi) {
    VarId var = kernel.add_var({name, kIndexType, VarKind::kLoop, {}, 0});
    ranges.push(var, {lo, hi});
    limits.push_back({var, lo, hi});
    return var;
  }
  ExprId v(const std::string &name, int64_t lo, int64_t hi) { return b.var(add(name, lo, hi)); }
  ExprId n(int64_t value) { return b.index(value); }
  /// a / c and a % c without the folding of Builder, so that the rules themselves are tested.
  ExprId raw(BinaryOp op, ExprId a, ExprId c) { return kernel.intern(Binary{op, a, c}); }
  ExprId div(ExprId a, int64_t c) { return raw(BinaryOp::kDiv, a, n(c)); }
  ExprId mod(ExprId a, int64_t c) { return raw(BinaryOp::kMod, a, n(c)); }
  ExprId mul(ExprId a, int64_t c) { return b.mul(a, n(c)); }

  Env random_point() {
    Env env;
    for (const Limit &limit : limits) {
      std::uniform_int_distribution<int64_t> value(limit.lo, limit.hi);
      // Ends are where rules go wrong.
      int64_t which = std::uniform_int_distribution<int64_t>(0, 5)(rng);
      env[limit.var] = which == 0 ? limit.lo : which == 1 ? limit.hi : value(rng);
    }
    return env;
  }

  ExprId check(ExprId before) {
    ExprId after = simplify_expr(b, before, ranges);
    EXPECT_EQ(kernel.type_of(before), kernel.type_of(after));
    for (int i = 0; i < 300; ++i) {
      Env env = random_point();
      if (eval_lanes(kernel, before, env) == eval_lanes(kernel, after, env)) continue;
      ADD_FAILURE() << print_expr(kernel, before) << " became " << print_expr(kernel, after);
      break;
    }
    EXPECT_EQ(print_expr(kernel, simplify_expr(b, after, ranges)), print_expr(kernel, after)) << "not idempotent";
    return after;
  }

  std::string text(ExprId before) { return print_expr(kernel, check(before)); }

  ExprId random_index(const std::vector<ExprId> &vars, int depth) {
    auto pick = [&](int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(rng); };
    if (depth == 0)
      return pick(0, 3) ? vars[static_cast<size_t>(pick(0, static_cast<int64_t>(vars.size()) - 1))] : n(pick(-9, 9));
    ExprId a = random_index(vars, depth - 1);
    static constexpr int64_t kDivisors[] = {1, 2, 3, 4, 6, 8, 12, 16};
    switch (pick(0, 8)) {
    case 0:
    case 1: return b.add(a, random_index(vars, depth - 1));
    case 2: return b.sub(a, random_index(vars, depth - 1));
    case 3: return mul(a, pick(-8, 16));
    case 4: return div(a, kDivisors[pick(0, 7)]);
    case 5: return mod(a, kDivisors[pick(0, 7)]);
    case 6: return b.min(a, random_index(vars, depth - 1));
    case 7: return b.max(a, random_index(vars, depth - 1));
    default: return b.select(random_bool(vars, depth - 1), a, random_index(vars, depth - 1));
    }
  }

  ExprId random_bool(const std::vector<ExprId> &vars, int depth) {
    auto pick = [&](int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(rng); };
    if (depth > 0 && pick(0, 2) == 0) {
      BinaryOp op = pick(0, 2) ? BinaryOp::kAnd : BinaryOp::kOr;
      return b.binary(op, random_bool(vars, depth - 1), random_bool(vars, depth - 1));
    }
    auto op = static_cast<CompareOp>(pick(0, 3));
    return kernel.intern(Compare{op, random_index(vars, depth), random_index(vars, depth)});
  }

  struct Limit {
    VarId var;
    int64_t lo, hi;
  };
  Kernel kernel;
  Builder b{kernel};
  Ranges ranges;
  std::vector<Limit> limits;
  std::mt19937_64 rng{20240607};
};

TEST_F(SimplifyExpr, sums_get_a_normal_form) {
  ExprId x = v("x", -50, 50), y = v("y", -50, 50);
  EXPECT_EQ(check(b.sub(b.add(x, mul(y, 4)), x)), check(mul(y, 4)));
  EXPECT_EQ(check(b.add(mul(b.add(x, y), 3), b.sub(n(2), mul(x, 3)))), check(b.add(mul(y, 3), n(2))));
  EXPECT_EQ(check(b.add(b.add(x, n(1)), b.add(y, mul(x, 7)))), check(b.add(b.add(y, mul(x, 8)), n(1))));
}

TEST_F(SimplifyExpr, quotient_of_a_sum_splits) {
  ExprId x = v("x", -50, 50), y = v("y", -50, 50);
  EXPECT_EQ(check(div(b.add(mul(x, 12), y), 4)), check(b.add(mul(x, 3), div(y, 4))));
  EXPECT_EQ(check(mod(b.add(mul(x, 12), y), 4)), check(mod(y, 4)));
  EXPECT_EQ(check(mod(mul(x, 12), 4)), n(0));
  EXPECT_EQ(check(mod(b.add(mul(x, 5), n(8)), 4)), check(mod(x, 4)));
}

TEST_F(SimplifyExpr, small_remainders_vanish) {
  ExprId x = v("x", -50, 50), small = v("small", 0, 3);
  EXPECT_EQ(check(div(b.add(mul(x, 4), small), 4)), x);
  EXPECT_EQ(check(mod(b.add(mul(x, 4), small), 4)), small);
  EXPECT_EQ(check(div(b.add(mul(x, 4), small), 16)), check(div(x, 4)));
  EXPECT_EQ(check(mod(b.add(mul(x, 4), small), 16)), check(b.add(mul(mod(x, 4), 4), small)));
  EXPECT_EQ(check(div(b.add(small, n(1)), 8)), n(0));
  EXPECT_EQ(check(mod(b.add(small, n(1)), 8)), check(b.add(small, n(1))));
  EXPECT_EQ(check(div(b.sub(small, n(4)), 4)), n(-1));
}

TEST_F(SimplifyExpr, remainders_that_do_not_fit_stay) {
  ExprId x = v("x", -50, 50), large = v("large", 0, 4);
  EXPECT_EQ(check(div(b.add(mul(x, 4), large), 4)), check(b.add(x, div(large, 4))));
  EXPECT_NE(check(mod(b.add(mul(x, 4), large), 4)), large);
}

TEST_F(SimplifyExpr, nested_quotients_merge) {
  ExprId x = v("x", -500, 500);
  EXPECT_EQ(check(div(div(x, 3), 5)), check(div(x, 15)));
  EXPECT_EQ(check(div(b.add(div(x, 3), n(2)), 5)), check(div(b.add(x, n(6)), 15)));
  EXPECT_EQ(check(mod(mod(x, 12), 4)), check(mod(x, 4)));
  EXPECT_EQ(check(mod(b.add(mul(mod(x, 6), 2), n(1)), 4)), check(b.add(mul(mod(x, 2), 2), n(1))));
}

TEST_F(SimplifyExpr, quotient_and_remainder_recombine) {
  ExprId x = v("x", -500, 500);
  EXPECT_EQ(check(b.add(mul(mod(x, 7), 3), mul(div(x, 7), 21))), check(mul(x, 3)));
  EXPECT_EQ(check(b.sub(x, mul(div(x, 7), 7))), check(mod(x, 7)));
  ExprId z = b.add(mul(x, 2), n(5));
  EXPECT_EQ(check(b.add(mul(div(z, 7), 7), mod(z, 7))), check(z));
}

TEST_F(SimplifyExpr, fused_dimensions_recombine) {
  ExprId p = v("p", 0, 2 * 5 * 7 - 1);
  constexpr int64_t kA = 5, kB = 7, kS = 3;
  ExprId outer = mul(div(p, kA * kB), kA * kB * kS);
  ExprId middle = mul(mod(div(p, kB), kA), kB * kS);
  ExprId inner = mul(mod(p, kB), kS);
  EXPECT_EQ(check(b.add(b.add(outer, middle), inner)), check(mul(p, kS)));
}

TEST_F(SimplifyExpr, fused_dimensions_of_a_tile_recombine) {
  ExprId block = v("block", 0, 6), i = v("i", 0, 15);
  ExprId p = b.add(mul(block, 16), i);
  ExprId sum = b.add(b.add(mul(div(p, 28), 28 * 64), mul(mod(p, 28), 64)), v("ic", 0, 63));
  EXPECT_EQ(text(sum), "%block * 1024 + %i * 64 + %ic");
}

TEST_F(SimplifyExpr, three_fused_dimensions_of_a_tile_recombine) {
  ExprId block = v("block", 0, 4), i = v("i", 0, 13);
  ExprId p = b.add(mul(block, 14), i);
  ExprId sum = b.add(b.add(mul(div(p, 35), 105), mul(mod(div(p, 7), 5), 21)), mul(mod(p, 7), 3));
  EXPECT_EQ(text(sum), "%block * 42 + %i * 3");
}

TEST_F(SimplifyExpr, min_and_max_are_decided) {
  ExprId x = v("x", 0, 9), y = v("y", 9, 20);
  EXPECT_EQ(check(b.min(x, y)), x);
  EXPECT_EQ(check(b.max(x, y)), y);
  EXPECT_EQ(check(b.min(b.add(x, n(5)), b.add(x, y))), check(b.add(x, n(5))));
  EXPECT_EQ(check(b.select(b.less(x, n(10)), x, y)), x);
}

TEST_F(SimplifyExpr, comparisons_are_decided_or_reduced) {
  ExprId x = v("x", 0, 9), y = v("y", 0, 9);
  EXPECT_EQ(check(b.less(x, n(10))), b.boolean(true));
  EXPECT_EQ(check(b.less(n(9), x)), b.boolean(false));
  EXPECT_EQ(check(b.less(mul(x, 4), b.add(mul(y, 4), n(2)))), check(b.less_equal(x, y)));
  EXPECT_EQ(check(b.compare(CompareOp::kEq, mul(x, 4), b.add(mul(y, 4), n(2)))), b.boolean(false));
  EXPECT_EQ(text(b.less_equal(n(0), b.sub(b.add(mul(x, 2), y), n(1)))), "1 <= %x * 2 + %y");
  EXPECT_EQ(text(b.less(b.sub(b.add(mul(x, 2), y), n(1)), n(14))), "%x * 2 + %y < 15");
}

TEST_F(SimplifyExpr, proven_conjuncts_go_one_by_one) {
  ExprId x = v("x", 0, 9), y = v("y", 0, 9);
  ExprId open = b.less(x, n(5));
  EXPECT_EQ(check(b.both(b.both(b.less_equal(n(0), x), open), b.less(y, n(10)))), open);
  EXPECT_EQ(check(b.both(open, b.less(x, n(7)))), open);
  EXPECT_EQ(check(b.both(b.less(x, n(7)), open)), open);
  EXPECT_EQ(check(b.both(open, b.less(n(5), x))), b.boolean(false));
}

TEST_F(SimplifyExpr, ramps_stay_ramps) {
  ExprId x = v("x", 0, 9);
  ExprId lanes = b.ramp(b.add(mul(x, 8), n(1)), 1, 8);
  EXPECT_EQ(check(b.add(b.mul(lanes, b.broadcast(n(4), 8)), b.broadcast(x, 8))),
            b.ramp(check(b.add(mul(x, 33), n(4))), 4, 8));
  EXPECT_EQ(check(b.less(b.ramp(n(0), 1, 8), b.broadcast(n(8), 8))), b.integer(kBoolType.with_lanes(8), 1));
  ExprId mask = b.less(b.ramp(x, 1, 8), b.broadcast(n(12), 8));
  EXPECT_EQ(check(mask), mask);
}

TEST_F(SimplifyExpr, random_expressions_keep_their_values) {
  std::vector<ExprId> vars = {v("a", 0, 3), v("c", 0, 15), v("d", -7, 20), v("e", 5, 5)};
  for (int i = 0; i < 3000 && !HasFailure(); ++i) check(random_index(vars, 1 + i % 5));
  for (int i = 0; i < 2000 && !HasFailure(); ++i) check(random_bool(vars, i % 4));
}

} // namespace
} // namespace sparkle
