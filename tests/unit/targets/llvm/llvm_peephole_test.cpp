// Operations that the LLVM target rewrites (targets/llvm/peephole.h): the results are those of the plain ones.
#include <bit>
#include <cmath>
#include <limits>

#include "tests/unit/targets/llvm/llvm_kernels.h"

namespace sparkle::test {
namespace {

constexpr int kLanes = 16;

/// out[i] = in[i] / divisor for `count` elements, a vector a task.
Program division(int64_t count, double divisor) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId in = m.tensor("in", Scalar::kF32, count, Role::kInput);
  const BufferId out = m.tensor("out", Scalar::kF32, count, Role::kOutput);
  const VarId g = b.loop_var("g"), x = b.value_var("x", kF32Type.with_lanes(kLanes));
  const ExprId at = b.ramp(b.mul(b.var(g), b.index(kLanes)), 1, kLanes);
  const ExprId value = b.div(b.var(x), b.real(kF32Type.with_lanes(kLanes), divisor));
  return m.finish(b.loop(g, count / kLanes, LoopKind::kGroup, b.block({m.load(x, in, at), b.store(out, {at}, value)})));
}

/// Every significand: what it gives with one exponent, it gives with all that stay far from the ends.
TEST(LlvmPeephole, DividesEveryNumeratorExactly) {
  constexpr int64_t kCount = int64_t{1} << 23;
  std::vector<float> in(kCount), out(kCount);
  for (int64_t i = 0; i < kCount; ++i)
    in[static_cast<size_t>(i)] = std::bit_cast<float>(0x3F800000u | static_cast<uint32_t>(i));
  for (const float divisor : {3.0f, 9.0f, 25.0f, 49.0f, 255.0f}) {
    const Artifact artifact = lower(division(kCount, divisor));
    run(artifact, {in.data(), out.data()}, kCount / kLanes);
    int64_t wrong = 0;
    for (size_t i = 0; i < in.size(); ++i) wrong += out[i] != in[i] / divisor;
    EXPECT_EQ(wrong, 0) << divisor;
  }
}

TEST(LlvmPeephole, DividesZerosInfinitiesAndTheGreatest) {
  constexpr float kInf = std::numeric_limits<float>::infinity(), kMax = std::numeric_limits<float>::max();
  std::vector<float> in = {0.0f, -0.0f, kInf, -kInf, kMax, -kMax, 1e-30f, -7, 9, -9, 1e30f, 2, 3, 4, 5, 6};
  std::vector<float> out(in.size());
  for (const double divisor : {9.0, 3.0, 12.0, 64.0, 0.1, 300.0, -9.0}) {
    run(lower(division(kLanes, divisor)), {in.data(), out.data()});
    for (size_t i = 0; i < in.size(); ++i)
      EXPECT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(in[i] / static_cast<float>(divisor)))
          << in[i] << " / " << divisor;
  }
  in[0] = std::numeric_limits<float>::quiet_NaN();
  run(lower(division(kLanes, 9)), {in.data(), out.data()});
  EXPECT_TRUE(std::isnan(out[0]));
}

/// out[i] = narrow(op(wide(a[i]), wide(b[i]))) over all pairs of bytes.
Program extremum(BinaryOp op, Scalar narrow) {
  KernelMaker m;
  Builder &b = m.b;
  constexpr int64_t kCount = 65536, kWide = 64;
  const BufferId a = m.tensor("a", narrow, kCount, Role::kInput, 1), c = m.tensor("c", narrow, kCount, Role::kInput, 1);
  const BufferId out = m.tensor("out", narrow, kCount, Role::kOutput, 1);
  const Type bytes = Type{narrow, kWide}, wide = kI32Type.with_lanes(kWide);
  const VarId g = b.loop_var("g"), x = b.value_var("x", bytes), y = b.value_var("y", bytes);
  const ExprId at = b.ramp(b.mul(b.var(g), b.index(kWide)), 1, kWide);
  const ExprId least = b.binary(op, b.cast(wide, b.var(x)), b.cast(wide, b.var(y)));
  const StmtId body = b.block({m.load(x, a, at), m.load(y, c, at), b.store(out, {at}, b.cast(bytes, least))});
  return m.finish(b.loop(g, kCount / kWide, LoopKind::kGroup, body));
}

template <class T> void expect_extrema(Scalar narrow) {
  std::vector<T> a(65536), c(65536), out(65536);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<T>(i), c[i] = static_cast<T>(i >> 8);
  for (const BinaryOp op : {BinaryOp::kMax, BinaryOp::kMin}) {
    run(lower(extremum(op, narrow)), {a.data(), c.data(), out.data()}, 65536 / 64);
    for (size_t i = 0; i < a.size(); ++i)
      ASSERT_EQ(out[i], op == BinaryOp::kMax ? std::max(a[i], c[i]) : std::min(a[i], c[i])) << i;
  }
}

TEST(LlvmPeephole, TakesExtremaOfBytesAsBytes) {
  expect_extrema<uint8_t>(Scalar::kU8);
  expect_extrema<int8_t>(Scalar::kI8);
}

TEST(LlvmPeephole, LeavesNoWideVectorsInExtremaOfBytes) {
  LowerOptions options;
  options.keep_text = true;
  const Artifact artifact = lower(extremum(BinaryOp::kMax, Scalar::kU8), options);
  const std::string &text = artifact.launches.at(0).source_text;
  EXPECT_NE(text.find("umax.v64i8"), std::string::npos) << text;
  EXPECT_EQ(text.find(" zext "), std::string::npos) << text;
}

} // namespace
} // namespace sparkle::test
