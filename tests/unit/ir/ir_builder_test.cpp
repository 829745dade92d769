#include "compiler/ir/builder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compiler/ir/printer.h"

namespace sparkle {
namespace {

class IrBuilder : public testing::Test {
protected:
  std::string text(ExprId id) { return print_expr(k, id); }
  ExprId value(std::string name, Type type) { return b.var(b.value_var(std::move(name), type)); }

  Kernel k;
  Builder b{k};
  ExprId x = b.var(b.loop_var("x"));
  ExprId y = b.var(b.loop_var("y"));
  ExprId f = value("f", kF32Type);
  ExprId c = value("c", kBoolType);
};

TEST_F(IrBuilder, EqualExpressionsHaveOneId) {
  EXPECT_EQ(b.add(x, y), b.add(x, y));
  EXPECT_NE(b.real(kF32Type, 0.0), b.real(kF32Type, -0.0));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(b.real(kF32Type, nan), b.real(kF32Type, nan));
}

TEST_F(IrBuilder, FoldsIndexConstantsRoundingDown) {
  EXPECT_EQ(k.constant(b.div(b.index(-7), b.index(2))), -4);
  EXPECT_EQ(k.constant(b.mod(b.index(-7), b.index(2))), 1);
  EXPECT_EQ(k.constant(b.min(b.index(3), b.index(-5))), -5);
  EXPECT_EQ(text(b.div(b.index(1), b.index(0))), "1 / 0");
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(text(b.add(b.index(most), b.index(1))), "9223372036854775807 + 1");
}

TEST_F(IrBuilder, WrapsI32) {
  const ExprId most = b.integer(kI32Type, std::numeric_limits<int32_t>::max());
  EXPECT_EQ(k.constant(b.add(most, b.integer(kI32Type, 1))), std::numeric_limits<int32_t>::min());
}

TEST_F(IrBuilder, AppliesIdentities) {
  EXPECT_EQ(text(b.add(b.add(x, b.index(3)), b.index(4))), "%x + 7");
  EXPECT_EQ(text(b.sub(b.add(x, b.index(3)), b.index(4))), "%x - 1");
  EXPECT_EQ(b.add(b.sub(x, b.index(3)), b.index(3)), x);
  EXPECT_EQ(k.constant(b.sub(b.add(x, b.index(9)), b.add(x, b.index(2)))), 7);
  EXPECT_EQ(b.sub(b.add(x, y), x), y);
  EXPECT_EQ(b.mul(b.index(1), x), x);
  EXPECT_EQ(k.constant(b.mul(x, b.index(0))), 0);
  EXPECT_EQ(b.div(x, b.index(1)), x);
  EXPECT_EQ(k.constant(b.mod(x, b.index(1))), 0);
  EXPECT_EQ(text(b.div(b.mul(x, b.index(8)), b.index(4))), "%x * 2");
  EXPECT_EQ(text(b.div(b.mul(x, b.index(4)), b.index(8))), "%x / 2");
  EXPECT_EQ(text(b.div(b.div(x, b.index(4)), b.index(8))), "%x / 32");
  EXPECT_EQ(text(b.mod(b.mod(x, b.index(8)), b.index(4))), "%x % 4");
  EXPECT_EQ(b.min(x, x), x);
  EXPECT_EQ(b.min(b.add(x, b.index(1)), x), x);
  EXPECT_EQ(text(b.min(b.min(x, b.index(7)), b.index(5))), "min(%x, 5)");
}

TEST_F(IrBuilder, DoesNotTakeI32ProductsApart) {
  const ExprId i = value("i", kI32Type);
  const auto n = [&](int64_t v) { return b.integer(kI32Type, v); };
  EXPECT_EQ(text(b.div(b.mul(i, n(8)), n(4))), "%i * 8:i32 / 4:i32");
}

TEST_F(IrBuilder, FoldsConditions) {
  EXPECT_EQ(b.both(b.boolean(true), c), c);
  EXPECT_EQ(k.constant(b.both(c, b.boolean(false))), 0);
  EXPECT_EQ(k.constant(b.less(x, b.add(x, b.index(1)))), 1);
  EXPECT_EQ(k.constant(b.less_equal(b.index(3), b.index(2))), 0);
  EXPECT_EQ(b.select(b.boolean(false), x, y), y);
  EXPECT_EQ(b.select(c, x, x), x);
  EXPECT_EQ(text(b.unary(UnaryOp::kNot, b.less(x, y))), "%y <= %x");
  EXPECT_EQ(text(b.unary(UnaryOp::kNot, b.less(f, b.real(kF32Type, 1)))), "not (%f < 1.0)");
}

TEST_F(IrBuilder, FoldsFloatsOnlyExactly) {
  const ExprId zero = b.real(kF32Type, 0.0);
  EXPECT_EQ(text(b.add(f, zero)), "%f + 0.0"); // -0 + 0 is 0.
  EXPECT_EQ(b.add(f, b.real(kF32Type, -0.0)), f);
  EXPECT_EQ(text(b.mul(f, zero)), "%f * 0.0");
  EXPECT_EQ(text(b.sub(f, f)), "%f - %f");
  EXPECT_EQ(b.mul(f, b.real(kF32Type, 1.0)), f);
  EXPECT_EQ(text(b.add(b.real(kF32Type, 16777216.0), b.real(kF32Type, 1.0))), "16777216.0");
  EXPECT_EQ(text(b.div(zero, zero)), "0.0 / 0.0");
  EXPECT_EQ(text(b.unary(UnaryOp::kExp, zero)), "exp(0.0)");
}

TEST_F(IrBuilder, FoldsConversions) {
  const Type i8{Scalar::kI8, 1};
  EXPECT_EQ(k.constant(b.cast(i8, b.real(kF32Type, 300.7))), 127);
  EXPECT_EQ(k.constant(b.cast(i8, b.real(kF32Type, -2.9))), -2);
  EXPECT_EQ(text(b.cast(kF32Type, b.integer(kI32Type, 16777217))), "16777216.0");
  EXPECT_EQ(text(b.cast({Scalar::kF16, 1}, b.real(kF32Type, 1e6))), "f16(1e+06)");
}

TEST_F(IrBuilder, FoldsBitCasts) {
  EXPECT_EQ(k.constant(b.bitcast(kI32Type, b.real(kF32Type, 1.0))), 0x3f800000);
  EXPECT_EQ(text(b.bitcast(kF32Type, b.integer(kI32Type, -0x40000000))), "-2.0");
  EXPECT_EQ(text(b.bitcast(kF32Type, b.integer(kI32Type, 0x7fc00001))), "bits_f32(2143289345:i32)"); // One of many NaN.
  EXPECT_EQ(b.bitcast(kF32Type, b.bitcast(kI32Type, f)), f);
  EXPECT_THROW(b.bitcast(kF32Type, f), InternalError);
}

TEST_F(IrBuilder, BroadcastsScalars) {
  const ExprId v = value("v", kF32Type.with_lanes(8));
  EXPECT_EQ(text(b.mul(v, f)), "%v * broadcast(%f, 8)");
  EXPECT_EQ(b.ramp(x, 0, 4), b.broadcast(x, 4));
  EXPECT_EQ(text(b.add(b.broadcast(x, 4), b.broadcast(b.index(2), 4))), "broadcast(%x + 2, 4)");
  EXPECT_THROW(b.add(x, f), InternalError);
  EXPECT_THROW(b.both(x, x), InternalError);
}

TEST_F(IrBuilder, ReductionsOfNothingAreTheIdentity) {
  const VarId axis = k.add_var({"k", kIndexType, VarKind::kAxis, {}, 0});
  EXPECT_EQ(text(b.reduce(ReduceOp::kMax, {{axis, b.index(0), b.index(0)}}, f)), "-inf");
  EXPECT_EQ(text(b.reduce(ReduceOp::kSum, {{axis, b.index(0), b.index(3)}}, f, b.boolean(false))), "0.0");
  EXPECT_EQ(text(b.identity(ReduceOp::kMin, kI32Type)), "2147483647:i32");
}

TEST_F(IrBuilder, SplicesBlocksAndFoldsBranches) {
  const StmtId one = k.add_stmt(Barrier{});
  const StmtId two = k.add_stmt(Barrier{});
  const StmtId inner = b.block({one, two});
  EXPECT_EQ(std::get<Block>(k.stmt(b.block({inner, b.block({})}))).stmts, (std::vector<StmtId>{one, two}));
  EXPECT_EQ(b.block({one}), one);
  EXPECT_EQ(b.when(b.boolean(true), one, two), one);
  EXPECT_EQ(b.when(b.boolean(false), one, two), two);
}

TEST_F(IrBuilder, LocalBuffersAreDenseWithSkew) {
  const int64_t extents[] = {4, 8, 16};
  const BufferId id = b.local("tile", Scalar::kF32, extents, MemoryLevel::kNear, 4);
  EXPECT_EQ(k.stride(id, 0), 132);
  EXPECT_EQ(k.stride(id, 1), 16);
  EXPECT_EQ(k.stride(id, 2), 1);
  EXPECT_EQ(k.stride(id, 3), std::nullopt);
}

TEST_F(IrBuilder, NamesAreUnique) {
  EXPECT_EQ(k.var(b.loop_var("x")).name, "x_2");
  EXPECT_EQ(k.var(b.loop_var("x_2")).name, "x_3");
  EXPECT_EQ(k.var(k.add_var({"any", kIndexType, VarKind::kLoop, "oc", 1})).name, "oc.1");
  EXPECT_EQ(k.var(k.add_var({"", kIndexType, VarKind::kLoop, "oc", 1})).name, "oc.1_2");
  EXPECT_EQ(k.var(b.loop_var("a.b")).name, "a_b");
}

} // namespace
} // namespace sparkle
