// Integer vectors in as many bits as their values take (targets/llvm/narrow.h): every result is that of i32, and where
// the values allow it no i32 vector is left.
#include <algorithm>

#include "tests/unit/targets/llvm/llvm_kernels.h"

namespace sparkle::test {
namespace {

constexpr int kLanes = 16;
constexpr int64_t kCount = 65536;
constexpr Type kWide{Scalar::kI32, kLanes};

/// out[i] = cast(formula(wide a[i], wide c[i])), `a` and `c` all pairs of bytes.
template <class Formula> Program of_pairs(Scalar in, Scalar out, Formula formula) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId a = m.tensor("a", in, kCount, Role::kInput, 1), c = m.tensor("c", in, kCount, Role::kInput, 1);
  const BufferId to = m.tensor("out", out, kCount, Role::kOutput, static_cast<int>(bytes_of(out)));
  const Type narrow = Type{in, kLanes}, result = Type{out, kLanes};
  const VarId g = b.loop_var("g"), x = b.value_var("x", narrow), y = b.value_var("y", narrow);
  const ExprId at = b.ramp(b.mul(b.var(g), b.index(kLanes)), 1, kLanes);
  const ExprId value = formula(b, b.cast(kWide, b.var(x)), b.cast(kWide, b.var(y)));
  const StmtId body = b.block({m.load(x, a, at), m.load(y, c, at), b.store(to, {at}, b.cast(result, value))});
  return m.finish(b.loop(g, kCount / kLanes, LoopKind::kGroup, body));
}

ExprId number(Builder &b, int64_t n) { return b.integer(kWide, n); }

std::string text_of(const Program &program) {
  LowerOptions options;
  options.keep_text = true;
  return lower(program, options).launches.at(0).source_text;
}

template <class In, class Out, class Formula, class Same>
void expect_same(Scalar in, Scalar out, Formula formula, Same same) {
  std::vector<In> a(kCount), c(kCount);
  std::vector<Out> results(kCount);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<In>(i), c[i] = static_cast<In>(i >> 8);
  run(lower(of_pairs(in, out, formula)), {a.data(), c.data(), results.data()}, kCount / kLanes);
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(results[i], static_cast<Out>(same(static_cast<int32_t>(a[i]), static_cast<int32_t>(c[i]))))
        << int{a[i]} << ", " << int{c[i]};
}

int32_t saturated(int32_t v, int32_t low, int32_t high) { return v < low ? low : v > high ? high : v; }

/// (100 a + 150 c + 128) / 256, at most 63878: beyond what signed 16 bits hold.
ExprId weighted(Builder &b, ExprId a, ExprId c) {
  const ExprId sum = b.add(b.mul(a, number(b, 100)), b.mul(c, number(b, 150)));
  return b.div(b.add(sum, number(b, 128)), number(b, 256));
}

TEST(LlvmNarrow, SumsOfBytesBeyondSigned16Bits) {
  expect_same<uint8_t, uint8_t>(Scalar::kU8, Scalar::kU8, weighted,
                                [](int32_t a, int32_t c) { return (100 * a + 150 * c + 128) >> 8; });
  const std::string text = text_of(of_pairs(Scalar::kU8, Scalar::kU8, weighted));
  EXPECT_NE(text.find("<16 x i16>"), std::string::npos) << text;
  EXPECT_EQ(text.find("to <16 x i32>"), std::string::npos) << text;
}

TEST(LlvmNarrow, SumsThatDoNotFitStayWide) {
  const auto formula = [](Builder &b, ExprId a, ExprId c) {
    return b.div(b.add(b.mul(a, number(b, 200)), b.mul(c, number(b, 150))), number(b, 512));
  };
  expect_same<uint8_t, uint8_t>(Scalar::kU8, Scalar::kU8, formula,
                                [](int32_t a, int32_t c) { return (200 * a + 150 * c) >> 9; });
  EXPECT_NE(text_of(of_pairs(Scalar::kU8, Scalar::kU8, formula)).find("to <16 x i32>"), std::string::npos);
}

TEST(LlvmNarrow, NegativeSumsSaturate) {
  const auto formula = [](Builder &b, ExprId a, ExprId c) {
    return b.div(b.sub(b.mul(a, number(b, 90)), b.mul(c, number(b, 110))), number(b, 64));
  };
  const auto same = [](int32_t a, int32_t c) { return saturated((90 * a - 110 * c) >> 6, -128, 127); };
  expect_same<int8_t, int8_t>(Scalar::kI8, Scalar::kI8, formula, same);
  expect_same<uint8_t, uint8_t>(Scalar::kU8, Scalar::kU8, formula,
                                [](int32_t a, int32_t c) { return saturated((90 * a - 110 * c) >> 6, 0, 255); });
}

TEST(LlvmNarrow, ProductsOfNarrowSums) {
  const auto formula = [](Builder &b, ExprId a, ExprId c) {
    const ExprId slope = b.sub(b.add(a, b.mul(c, number(b, 2))), number(b, 300));
    return b.add(b.mul(slope, slope), a);
  };
  const auto same = [](int32_t a, int32_t c) { return (a + 2 * c - 300) * (a + 2 * c - 300) + a; };
  expect_same<uint8_t, int32_t>(Scalar::kU8, Scalar::kI32, formula, same);
  expect_same<int8_t, int32_t>(Scalar::kI8, Scalar::kI32, formula, same);
}

TEST(LlvmNarrow, ExtremaOfSums) {
  const auto formula = [](Builder &b, ExprId a, ExprId c) {
    const ExprId sum = b.add(b.mul(a, number(b, 3)), c), difference = b.sub(a, b.mul(c, number(b, 5)));
    return b.max(b.min(sum, b.add(difference, number(b, 500))), difference);
  };
  const auto same = [](int32_t a, int32_t c) { return std::max(std::min(3 * a + c, a - 5 * c + 500), a - 5 * c); };
  expect_same<uint8_t, int32_t>(Scalar::kU8, Scalar::kI32, formula, same);
  expect_same<int8_t, int8_t>(Scalar::kI8, Scalar::kI8, formula,
                              [&](int32_t a, int32_t c) { return saturated(same(a, c), -128, 127); });
}

/// What passes through a near buffer of i32: 7 a - 3 c, read again with the lanes reversed by 16 - 1 - i.
Program through_buffer() {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId a = m.tensor("a", Scalar::kU8, kCount, Role::kInput, 1);
  const BufferId c = m.tensor("c", Scalar::kU8, kCount, Role::kInput, 1);
  const BufferId out = m.tensor("out", Scalar::kI32, kCount, Role::kOutput, 4);
  const BufferId near = b.local("near", Scalar::kI32, std::array<int64_t, 1>{4 * kLanes}, MemoryLevel::kNear);
  const Type bytes = Type{Scalar::kU8, kLanes};
  const VarId g = b.loop_var("g"), x = b.value_var("x", bytes), y = b.value_var("y", bytes);
  const VarId z = b.value_var("z", kWide);
  const ExprId at = b.ramp(b.mul(b.var(g), b.index(kLanes)), 1, kLanes), lanes = b.ramp(b.index(0), 1, kLanes);
  const ExprId sum = b.sub(b.mul(b.cast(kWide, b.var(x)), number(b, 7)), b.mul(b.cast(kWide, b.var(y)), number(b, 3)));
  const StmtId body = b.block({m.alloc(near), m.load(x, a, at), m.load(y, c, at), b.store(near, {lanes}, sum),
                               m.load(z, near, b.ramp(b.index(kLanes - 1), -1, kLanes)),
                               b.store(out, {at}, b.mul(b.var(z), b.var(z)))});
  return m.finish(b.loop(g, kCount / kLanes, LoopKind::kGroup, body));
}

TEST(LlvmNarrow, NearBuffersHoldWhatIsStoredToThem) {
  std::vector<uint8_t> a(kCount), c(kCount);
  std::vector<int32_t> out(kCount);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<uint8_t>(i), c[i] = static_cast<uint8_t>(i >> 8);
  const Program program = through_buffer();
  const Artifact artifact = lower(program);
  EXPECT_EQ(artifact.launches.at(0).scratch_bytes, 128); // 64 elements of two bytes.
  run(artifact, {a.data(), c.data(), out.data()}, kCount / kLanes);
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t from = i / kLanes * kLanes + kLanes - 1 - i % kLanes;
    const int32_t value = 7 * a[from] - 3 * c[from];
    ASSERT_EQ(out[i], value * value) << i;
  }
  EXPECT_NE(text_of(program).find("store <16 x i16>"), std::string::npos);
}

} // namespace
} // namespace sparkle::test
