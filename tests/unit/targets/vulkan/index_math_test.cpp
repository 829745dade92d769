#include "targets/vulkan/index_math.h"

#include <functional>

#include <gtest/gtest.h>

#include "compiler/ir/printer.h"
#include "compiler/support/checked_math.h"

namespace sparkle::vulkan {
namespace {

/// A kernel with two loop variables, 0 <= i < 8 and 0 <= j < 4, and base = i * 12.
class DivideIndex : public ::testing::Test {
protected:
  DivideIndex() : build(kernel) {
    i = build.loop_var("i"), j = build.loop_var("j"), base = build.value_var("base", kIndexType);
    StmtId let = build.let(base, build.mul(build.var(i), build.index(12)));
    kernel.body = build.loop(i, 8, LoopKind::kSerial, build.loop(j, 4, LoopKind::kSerial, build.block({let})));
    ranges.push_loop(kernel, i, build.index(0), build.index(8));
    ranges.push_loop(kernel, j, build.index(0), build.index(4));
  }

  int64_t value(ExprId id, int64_t vi, int64_t vj) {
    const Expr &expr = kernel.expr(id);
    if (auto constant = kernel.constant(id)) return *constant;
    if (auto *ref = std::get_if<VarRef>(&expr)) return ref->var == i ? vi : ref->var == j ? vj : vi * 12;
    const Binary &e = std::get<Binary>(expr);
    int64_t a = value(e.a, vi, vj), b = value(e.b, vi, vj);
    switch (e.op) {
    case BinaryOp::kAdd: return a + b;
    case BinaryOp::kSub: return a - b;
    case BinaryOp::kMul: return a * b;
    case BinaryOp::kDiv: return floor_div(a, b);
    case BinaryOp::kMod: return floor_mod(a, b);
    default: ADD_FAILURE(); return 0;
    }
  }

  /// The parts as text; checks them against every value of the variables.
  std::pair<std::string, std::string> divide(ExprId index, int64_t n) {
    auto [quotient, remainder] = divide_index(build, ranges, Divisors(kernel), index, n);
    for (int64_t vi = 0; vi < 8; ++vi) {
      for (int64_t vj = 0; vj < 4; ++vj) {
        EXPECT_EQ(value(quotient, vi, vj), floor_div(value(index, vi, vj), n));
        EXPECT_EQ(value(remainder, vi, vj), floor_mod(value(index, vi, vj), n));
      }
    }
    return {print_expr(kernel, quotient), print_expr(kernel, remainder)};
  }
  using Parts = std::pair<std::string, std::string>;

  Kernel kernel;
  Builder build;
  Ranges ranges;
  VarId i, j, base;
};

TEST_F(DivideIndex, FoldsMultiples) {
  ExprId index = build.add(build.mul(build.var(i), build.index(64)), build.index(8));
  EXPECT_EQ(divide(index, 4), Parts("%i * 16 + 2", "0"));
}

TEST_F(DivideIndex, KeepsASmallRest) {
  ExprId index = build.add(build.mul(build.var(i), build.index(132)), build.var(j));
  EXPECT_EQ(divide(index, 4), Parts("%i * 33", "%j"));
}

TEST_F(DivideIndex, DividesOnlyTheRest) {
  ExprId index = build.add(build.add(build.mul(build.var(j), build.index(132)), build.var(i)), build.index(5));
  EXPECT_EQ(divide(index, 4), Parts("%j * 33 + 1 + (%i + 1) / 4", "(%i + 1) % 4"));
}

TEST_F(DivideIndex, LooksThroughLets) {
  ExprId index = build.add(build.var(base), build.mul(build.var(j), build.index(4)));
  EXPECT_EQ(divide(index, 4), Parts("%j + %base / 4", "0"));
}

TEST_F(DivideIndex, WritesFallingIndicesWithoutLeadingSigns) {
  ExprId index = build.sub(build.sub(build.index(63), build.mul(build.var(i), build.index(4))), build.var(j));
  EXPECT_EQ(divide(index, 4), Parts("15 - %i", "3 - %j"));
}

TEST_F(DivideIndex, RoundsNegativeIndicesDown) {
  divide(build.sub(build.var(i), build.index(6)), 4);
  divide(build.sub(build.mul(build.var(j), build.index(3)), build.index(7)), 2);
}

} // namespace
} // namespace sparkle::vulkan
