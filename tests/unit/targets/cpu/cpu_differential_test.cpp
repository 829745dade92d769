// Random expressions: a target and the interpreter agree to the last bit.
#include <bit>
#include <cmath>

#include "targets/reference/interpreter.h"
#include "tests/unit/targets/cpu/cpu_kernels.h"
#include "tests/unit/targets/random_expr.h"

namespace sparkle::test {
namespace {

constexpr int kLanes = 8;
constexpr int kSeeds = 120;

TEST(CpuDifferential, RandomExpressionsAgreeWithTheInterpreter) {
  const std::vector<float> real_in{0.0f, -1.5f, 2.5f, 1e6f, -3e9f, 0.75f, -7.0f, 65519.0f};
  const std::vector<int32_t> whole_in{0, -1, 7, 1 << 30, std::numeric_limits<int32_t>::min(), 255, -129, 16777217};
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    KernelMaker m;
    Builder &b = m.b;
    const BufferId reals = m.tensor("reals", Scalar::kF32, kLanes, Role::kInput);
    const BufferId wholes = m.tensor("wholes", Scalar::kI32, kLanes, Role::kInput);
    const BufferId real_out = m.tensor("real_out", Scalar::kF32, kLanes, Role::kOutput);
    const BufferId whole_out = m.tensor("whole_out", Scalar::kI32, kLanes, Role::kOutput);
    const VarId x = b.value_var("x", kF32Type.with_lanes(kLanes)), n = b.value_var("n", kI32Type.with_lanes(kLanes));
    const ExprId at = b.ramp(b.index(0), 1, kLanes);
    RandomExpr random(b, seed, kLanes, {b.var(x), b.var(n)});
    const ExprId real = random.make(Scalar::kF32, 5), whole = random.make(Scalar::kI32, 5);
    const Program program = m.finish(b.block(
        {m.load(x, reals, at), m.load(n, wholes, at), b.store(real_out, {at}, real), b.store(whole_out, {at}, whole)}));

    std::vector<float> real_got(kLanes), real_want(kLanes);
    std::vector<int32_t> whole_got(kLanes), whole_want(kLanes);
    void *in0 = const_cast<float *>(real_in.data()), *in1 = const_cast<int32_t *>(whole_in.data());
    run(lower(program), {in0, in1, real_got.data(), whole_got.data()});
    const auto memory = [](void *data) { return reference::FarMemory{data, kLanes * 4}; };
    const Status done = reference::interpret(program, {{TensorId{0}, memory(in0)},
                                                       {TensorId{1}, memory(in1)},
                                                       {TensorId{2}, memory(real_want.data())},
                                                       {TensorId{3}, memory(whole_want.data())}});
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_EQ(whole_got, whole_want) << "seed " << seed;
    for (size_t i = 0; i < kLanes; ++i) {
      const bool both_nan = std::isnan(real_got[i]) && std::isnan(real_want[i]);
      EXPECT_TRUE(both_nan || std::bit_cast<uint32_t>(real_got[i]) == std::bit_cast<uint32_t>(real_want[i]))
          << "seed " << seed << ", lane " << i << ": " << real_got[i] << ", not " << real_want[i];
    }
  }
}

} // namespace
} // namespace sparkle::test
