// Random expressions: the LLVM target and the interpreter agree to the last bit.
#include <bit>
#include <cmath>
#include <random>

#include "targets/reference/interpreter.h"
#include "tests/unit/targets/llvm/llvm_kernels.h"

namespace sparkle::test {
namespace {

constexpr int kLanes = 8;
constexpr int kSeeds = 120;

/// Expressions over leaves of three types: what is exact on every machine, so no element functions.
class RandomExpr {
public:
  RandomExpr(Builder &b, uint32_t seed, std::vector<ExprId> leaves)
      : b_(b), random_(seed), leaves_(std::move(leaves)) {}

  ExprId make(Scalar scalar, int depth) {
    if (depth == 0 || pick(8) == 0) return leaf(scalar);
    switch (scalar) {
    case Scalar::kBool: return boolean(depth - 1);
    case Scalar::kF32: return real(depth - 1);
    default: return whole(depth - 1);
    }
  }

private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  static Type type(Scalar scalar) { return Type{scalar, kLanes}; }

  ExprId leaf(Scalar scalar) {
    if (scalar == Scalar::kBool) return b_.less(leaf(Scalar::kI32), leaf(Scalar::kI32));
    for (int tries = 0; tries < 8; ++tries) {
      const ExprId id = leaves_[static_cast<size_t>(pick(static_cast<int>(leaves_.size())))];
      if (b_.kernel().type_of(id).scalar == scalar) return id;
    }
    return scalar == Scalar::kF32 ? b_.real(type(scalar), pick(9) - 4) : b_.integer(type(scalar), pick(9) - 4);
  }
  ExprId boolean(int depth) {
    const auto op = static_cast<CompareOp>(pick(4));
    switch (pick(4)) {
    case 0: return b_.unary(UnaryOp::kNot, make(Scalar::kBool, depth));
    case 1: return b_.both(make(Scalar::kBool, depth), make(Scalar::kBool, depth));
    case 2: return b_.compare(op, make(Scalar::kF32, depth), make(Scalar::kF32, depth));
    default: return b_.compare(op, make(Scalar::kI32, depth), make(Scalar::kI32, depth));
    }
  }
  ExprId real(int depth) {
    constexpr std::array kBinary{BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kMin, BinaryOp::kMax};
    constexpr std::array kUnary{UnaryOp::kNeg,  UnaryOp::kAbs,   UnaryOp::kFloor,
                                UnaryOp::kCeil, UnaryOp::kRound, UnaryOp::kTrunc};
    const auto next = [&] { return make(Scalar::kF32, depth); };
    switch (pick(6)) {
    case 0: return b_.fma(next(), next(), next());
    case 1: return b_.unary(kUnary[static_cast<size_t>(pick(6))], next());
    case 2: return b_.cast(type(Scalar::kF32), make(Scalar::kI32, depth));
    case 3: return b_.select(make(Scalar::kBool, depth), next(), next());
    case 4: {
      const Scalar half = pick(2) ? Scalar::kF16 : Scalar::kBF16;
      return b_.cast(type(Scalar::kF32), b_.cast(type(half), next()));
    }
    default: return b_.binary(kBinary[static_cast<size_t>(pick(5))], next(), next());
    }
  }
  ExprId whole(int depth) {
    constexpr std::array kBinary{BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kMin, BinaryOp::kMax};
    const auto next = [&] { return make(Scalar::kI32, depth); };
    switch (pick(6)) {
    case 0:
      return b_.binary(pick(2) ? BinaryOp::kDiv : BinaryOp::kMod, next(), b_.integer(type(Scalar::kI32), 1 + pick(9)));
    case 1: return b_.cast(type(Scalar::kI32), make(Scalar::kF32, depth));
    case 2: {
      const Scalar narrow = pick(2) ? Scalar::kI8 : Scalar::kU8;
      return b_.cast(type(Scalar::kI32), b_.cast(type(narrow), next()));
    }
    case 3: return b_.select(make(Scalar::kBool, depth), next(), next());
    default: return b_.binary(kBinary[static_cast<size_t>(pick(5))], next(), next());
    }
  }

  Builder &b_;
  std::mt19937 random_;
  std::vector<ExprId> leaves_;
};

TEST(LlvmDifferential, RandomExpressionsAgreeWithTheInterpreter) {
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
    RandomExpr random(b, seed, {b.var(x), b.var(n)});
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
