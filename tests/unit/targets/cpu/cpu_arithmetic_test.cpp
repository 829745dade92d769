// Targets for CPUs against plain C++: arithmetic and conversions, one vector at a time.
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>

#include "tests/unit/targets/cpu/cpu_kernels.h"

namespace sparkle::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// out[i] = f(a[i]...) for one vector of each input.
template <class Out, class... In>
std::vector<Out> map_vector(Scalar out_type, Scalar in_type, auto &&make, const std::vector<In> &...inputs) {
  KernelMaker m;
  const int lanes = static_cast<int>(std::get<0>(std::tie(inputs...)).size());
  std::vector<StmtId> stmts;
  std::vector<ExprId> values;
  std::vector<void *> buffers;
  for (size_t i = 0; i < sizeof...(In); ++i) {
    const BufferId buffer = m.tensor("in" + std::to_string(i), in_type, lanes, Role::kInput, 4);
    const VarId var = m.b.value_var("v" + std::to_string(i), Type{in_type, static_cast<uint16_t>(lanes)});
    stmts.push_back(m.load(var, buffer, m.b.ramp(m.b.index(0), 1, lanes)));
    values.push_back(m.b.var(var));
  }
  const BufferId out = m.tensor("out", out_type, lanes, Role::kOutput, 4);
  stmts.push_back(m.b.store(out, {m.b.ramp(m.b.index(0), 1, lanes)}, make(m.b, values)));
  const Artifact artifact = lower(m.finish(m.b.block(stmts)));
  (buffers.push_back(const_cast<In *>(inputs.data())), ...);
  std::vector<Out> result(static_cast<size_t>(lanes));
  buffers.push_back(result.data());
  run(artifact, buffers);
  return result;
}

void expect_same_bits(const std::vector<float> &got, const std::vector<float> &want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i])) {
      EXPECT_TRUE(std::isnan(got[i])) << i;
    } else {
      EXPECT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i]))
          << i << ": " << got[i] << " " << want[i];
    }
  }
}

TEST(CpuArithmetic, MinAndMaxTakeTheFirstOperandWhereNeitherIsLess) {
  const std::vector<float> a{1, 2, kNan, 3, 0.0f, -0.0f, kInf, -kInf}, c{2, 1, 5, kNan, -0.0f, 0.0f, 1, 1};
  std::vector<float> low(8), high(8);
  for (size_t i = 0; i < 8; ++i) {
    low[i] = c[i] < a[i] ? c[i] : a[i];
    high[i] = a[i] < c[i] ? c[i] : a[i];
  }
  expect_same_bits(map_vector<float>(
                       Scalar::kF32, Scalar::kF32, [](Builder &b, auto v) { return b.min(v[0], v[1]); }, a, c),
                   low);
  expect_same_bits(map_vector<float>(
                       Scalar::kF32, Scalar::kF32, [](Builder &b, auto v) { return b.max(v[0], v[1]); }, a, c),
                   high);
}

TEST(CpuArithmetic, DivisionRoundsDown) {
  const std::vector<int32_t> a{-7, -6, -1, 0, 1, 6, 7, std::numeric_limits<int32_t>::min()}, c{3, 3, 3, 3, 3, 3, 3, 5};
  const auto q = map_vector<int32_t>(
      Scalar::kI32, Scalar::kI32, [](Builder &b, auto v) { return b.div(v[0], v[1]); }, a, c);
  const auto r = map_vector<int32_t>(
      Scalar::kI32, Scalar::kI32, [](Builder &b, auto v) { return b.mod(v[0], v[1]); }, a, c);
  const auto eighth = map_vector<int32_t>(
      Scalar::kI32, Scalar::kI32, [](Builder &b, auto v) { return b.div(v[0], b.integer(kI32Type.with_lanes(8), 8)); },
      a);
  for (size_t i = 0; i < a.size(); ++i) {
    const auto want = static_cast<int32_t>(std::floor(static_cast<double>(a[i]) / c[i]));
    EXPECT_EQ(q[i], want) << a[i];
    EXPECT_EQ(r[i], a[i] - static_cast<int64_t>(want) * c[i]) << a[i];
    EXPECT_EQ(eighth[i], static_cast<int32_t>(std::floor(a[i] / 8.0))) << a[i];
  }
}

TEST(CpuArithmetic, NarrowingSaturates) {
  const std::vector<int32_t> wide{-1000, -129, -128, -1, 0, 127, 128, 255};
  const auto to = [](Scalar scalar) { return [scalar](Builder &b, auto v) { return b.cast(Type{scalar, 8}, v[0]); }; };
  EXPECT_EQ((map_vector<int8_t>(Scalar::kI8, Scalar::kI32, to(Scalar::kI8), wide)),
            (std::vector<int8_t>{-128, -128, -128, -1, 0, 127, 127, 127}));
  EXPECT_EQ((map_vector<uint8_t>(Scalar::kU8, Scalar::kI32, to(Scalar::kU8), wide)),
            (std::vector<uint8_t>{0, 0, 0, 0, 0, 127, 128, 255}));
  const std::vector<float> real{-1e10f, -1.9f, -0.5f, 0.9f, 254.9f, 1e10f, kNan, kInf};
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min(), kMost = std::numeric_limits<int32_t>::max();
  EXPECT_EQ((map_vector<int32_t>(Scalar::kI32, Scalar::kF32, to(Scalar::kI32), real)),
            (std::vector<int32_t>{kLeast, -1, 0, 0, 254, kMost, 0, kMost}));
  EXPECT_EQ((map_vector<uint8_t>(Scalar::kU8, Scalar::kF32, to(Scalar::kU8), real)),
            (std::vector<uint8_t>{0, 0, 0, 0, 254, 255, 0, 255}));
  const std::vector<uint8_t> bytes{0, 1, 127, 128, 200, 255, 3, 4};
  EXPECT_EQ((map_vector<int8_t>(Scalar::kI8, Scalar::kU8, to(Scalar::kI8), bytes)),
            (std::vector<int8_t>{0, 1, 127, 127, 127, 127, 3, 4}));
  EXPECT_EQ((map_vector<float>(Scalar::kF32, Scalar::kU8, to(Scalar::kF32), bytes)),
            (std::vector<float>{0, 1, 127, 128, 200, 255, 3, 4}));
}

TEST(CpuArithmetic, HalvesRoundToNearestEven) {
  const auto to = [](Scalar scalar) { return [scalar](Builder &b, auto v) { return b.cast(Type{scalar, 8}, v[0]); }; };
  const std::vector<float> real{1.0f,     1.0f + 0x1p-8f, 1.0f + 3 * 0x1p-8f, -2.5f,
                                70000.0f, kInf,           0x1.FFp-130f,       65504.0f};
  EXPECT_EQ((map_vector<uint16_t>(Scalar::kBF16, Scalar::kF32, to(Scalar::kBF16), real)),
            (std::vector<uint16_t>{0x3F80, 0x3F80, 0x3F82, 0xC020, 0x4789, 0x7F80, 0x0010, 0x4780}));
  const std::vector<float> fine{1.0f, 1.0f + 0x1p-11f, 1.0f + 3 * 0x1p-11f, -2.5f, 70000.0f, kInf, 0x1p-24f, 65504.0f};
  EXPECT_EQ((map_vector<uint16_t>(Scalar::kF16, Scalar::kF32, to(Scalar::kF16), fine)),
            (std::vector<uint16_t>{0x3C00, 0x3C00, 0x3C02, 0xC100, 0x7C00, 0x7C00, 0x0001, 0x7BFF}));
  const std::vector<uint16_t> halves{0x3C00, 0xC100, 0x7C00, 0x0001, 0x7BFF, 0x0000, 0x8000, 0x3555};
  expect_same_bits(map_vector<float>(Scalar::kF32, Scalar::kF16, to(Scalar::kF32), halves),
                   {1.0f, -2.5f, kInf, 0x1p-24f, 65504.0f, 0.0f, -0.0f, 0x1.554p-2f});
  const std::vector<uint16_t> brains{0x3F80, 0xC020, 0x7F80, 0x0010, 0x0000, 0x8000, 0x4049, 0x3F00};
  expect_same_bits(map_vector<float>(Scalar::kF32, Scalar::kBF16, to(Scalar::kF32), brains),
                   {1.0f, -2.5f, kInf, 0x1p-129f, 0.0f, -0.0f, 3.140625f, 0.5f});
}

TEST(CpuArithmetic, WholeNumbersRoundOnceToHalves) {
  const std::vector<int32_t> whole{0,          -3,          257,        0x01010000,
                                   0x01010001, -0x01010001, 0x7FFFFFFF, std::numeric_limits<int32_t>::min()};
  const auto to = [](Scalar scalar) { return [scalar](Builder &b, auto v) { return b.cast(Type{scalar, 8}, v[0]); }; };
  // 0x01010000 lies between 0x01000000 and 0x01020000: to the even one; anything more goes up.
  EXPECT_EQ((map_vector<uint16_t>(Scalar::kBF16, Scalar::kI32, to(Scalar::kBF16), whole)),
            (std::vector<uint16_t>{0x0000, 0xC040, 0x4380, 0x4B80, 0x4B81, 0xCB81, 0x4F00, 0xCF00}));
  EXPECT_EQ((map_vector<uint16_t>(Scalar::kF16, Scalar::kI32, to(Scalar::kF16), whole)),
            (std::vector<uint16_t>{0x0000, 0xC200, 0x5C04, 0x7C00, 0x7C00, 0xFC00, 0x7C00, 0xFC00}));
}

/// One operation on a vector equals `want` on each element, bit by bit.
void expect_unary(UnaryOp op, float (*want)(float)) {
  const std::vector<float> x{0.5f, 1.5f, 2.5f, -0.5f, 7.25f, 1e10f, 2.0f, 9.0f};
  std::vector<float> expected;
  for (float v : x) expected.push_back(want(v));
  const auto make = [op](Builder &b, auto v) { return b.unary(op, v[0]); };
  expect_same_bits(map_vector<float>(Scalar::kF32, Scalar::kF32, make, x), expected);
}

TEST(CpuArithmetic, RoundsAndTakesRootsExactly) {
  expect_unary(UnaryOp::kRound, [](float v) { return std::nearbyint(v); });
  expect_unary(UnaryOp::kFloor, [](float v) { return std::floor(v); });
  expect_unary(UnaryOp::kCeil, [](float v) { return std::ceil(v); });
  expect_unary(UnaryOp::kTrunc, [](float v) { return std::trunc(v); });
  expect_unary(UnaryOp::kSqrt, [](float v) { return std::sqrt(v); });
  expect_unary(UnaryOp::kRsqrt, [](float v) { return 1.0f / std::sqrt(v); });
  expect_unary(UnaryOp::kAbs, [](float v) { return std::fabs(v); });
  expect_unary(UnaryOp::kNeg, [](float v) { return -v; });
}

/// A pass expands them; what it left is for the C library, or refused.
TEST(CpuArithmetic, FunctionsAreTheCLibrarysOrRefused) {
  if (cpu_target().name == "llvm") {
    expect_unary(UnaryOp::kExp, [](float v) { return std::exp(v); });
    expect_unary(UnaryOp::kTanh, [](float v) { return std::tanh(v); });
    expect_unary(UnaryOp::kErf, [](float v) { return std::erf(v); });
    expect_unary(UnaryOp::kSigmoid, [](float v) { return 1.0f / (1.0f + std::exp(-v)); });
    return;
  }
  KernelMaker m;
  const BufferId out = m.tensor("out", Scalar::kF32, 1, Role::kOutput);
  const ExprId value = m.kernel.intern(Unary{UnaryOp::kExp, m.b.real(kF32Type, 1)});
  const auto refused = cpu_target().lower(m.finish(m.b.store(out, {m.b.index(0)}, value)), TargetInfo{}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

} // namespace
} // namespace sparkle::test
