// Divisions by constants (targets/cpu/division.h): their results are those of the division, bit by bit.
#include <bit>
#include <cmath>
#include <limits>

#include "targets/cpu/division.h"
#include "tests/unit/targets/cpu/cpu_kernels.h"

namespace sparkle::test {
namespace {

constexpr int kLanes = 16;
constexpr float kInf = std::numeric_limits<float>::infinity(), kMax = std::numeric_limits<float>::max();

/// out[i] = in[i] / divisor, a vector a task.
std::vector<float> divide(std::vector<float> in, float divisor, bool strict) {
  const auto count = static_cast<int64_t>(in.size());
  KernelMaker m;
  m.kernel.strict = strict;
  Builder &b = m.b;
  const BufferId from = m.tensor("in", Scalar::kF32, count, Role::kInput);
  const BufferId to = m.tensor("out", Scalar::kF32, count, Role::kOutput);
  const VarId g = b.loop_var("g"), x = b.value_var("x", kF32Type.with_lanes(kLanes));
  const ExprId at = b.ramp(b.mul(b.var(g), b.index(kLanes)), 1, kLanes);
  const ExprId value = b.div(b.var(x), b.real(kF32Type.with_lanes(kLanes), static_cast<double>(divisor)));
  const StmtId body = b.block({m.load(x, from, at), b.store(to, {at}, value)});
  const Artifact artifact = lower(m.finish(b.loop(g, count / kLanes, LoopKind::kGroup, body)));
  std::vector<float> out(in.size());
  run(artifact, {in.data(), out.data()}, count / kLanes);
  return out;
}

void expect_quotients(const std::vector<float> &in, float divisor, bool strict) {
  const std::vector<float> out = divide(in, divisor, strict);
  int64_t wrong = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    const float want = in[i] / divisor;
    const bool is_same =
        std::isnan(want) ? std::isnan(out[i]) : std::bit_cast<uint32_t>(out[i]) == std::bit_cast<uint32_t>(want);
    if (!is_same && wrong++ == 0) ADD_FAILURE() << in[i] << " / " << divisor << " gave " << out[i];
  }
  EXPECT_EQ(wrong, 0) << divisor;
}

/// Bits of both signs, `step` apart.
std::vector<float> numerators(uint32_t first, uint32_t count, uint32_t step) {
  std::vector<float> in;
  for (uint32_t i = 0; i < count; ++i)
    for (const uint32_t sign : {0u, 0x80000000u}) in.push_back(std::bit_cast<float>((first + i * step) | sign));
  return in;
}

TEST(CpuDivision, DividesAllOfAnExponentExactly) {
  const std::vector<float> in = numerators(0x3F800000, 1 << 17, 61);
  for (const float divisor : {3.0f, 9.0f, 25.0f, 30.0f, 49.0f, 100.0f, 255.0f, 256.0f}) {
    expect_quotients(in, divisor, false);
    expect_quotients(in, divisor, true);
  }
}

TEST(CpuDivision, DividesToDenormalsExactlyWhereStrictOrOdd) {
  std::vector<float> in = numerators(0, 1 << 15, 1); // Denormals, then up to 256 times the least normal number.
  const std::vector<float> more = numerators(0x00010000, 1 << 15, 2111);
  in.insert(in.end(), more.begin(), more.end());
  for (const float divisor : {2.0f, 3.0f, 9.0f, 64.0f, 201.0f, 255.0f}) expect_quotients(in, divisor, false);
  for (const float divisor : {3.0f, 6.0f, 9.0f, 100.0f, 255.0f}) expect_quotients(in, divisor, true);
}

TEST(CpuDivision, DividesZerosInfinitiesAndTheGreatest) {
  const std::vector<float> in = {0.0f,   -0.0f,   kInf, -kInf, kMax, -kMax, std::numeric_limits<float>::quiet_NaN(),
                                 1e-30f, -1e-30f, 7,    -7,    9,    -9,    18,
                                 1e38f,  -1};
  for (int divisor = -256; divisor <= 300; ++divisor)
    if (divisor != 0 && (divisor % 7 == 0 || std::abs(divisor) < 12))
      expect_quotients(in, static_cast<float>(divisor), false);
  for (const float divisor : {0.1f, 0.5f, 0.25f, -0.125f, kInf, 1e-38f, 0x1p-126f, 0x1p127f})
    expect_quotients(in, divisor, true);
}

TEST(CpuDivision, LeavesWhatItCannotDoExactly) {
  for (const float divisor : {0.0f, -0.0f, kInf, 1e-40f, 0x1p127f, 0.1f, 300.0f, -9.0f, 2.5f})
    EXPECT_FALSE(cpu::constant_division(divisor, false)) << divisor;
  EXPECT_FALSE(cpu::constant_division(6, true));
  EXPECT_FALSE(cpu::constant_division(9, true)->is_product);
  EXPECT_TRUE(cpu::constant_division(-8, true)->is_product);
}

} // namespace
} // namespace sparkle::test
