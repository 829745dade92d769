// Expressions of every type and number of lanes: the x86 target and the interpreter agree to the last bit.
#include "tests/unit/targets/random_expr.h"
#include "tests/unit/targets/x86/x86_values.h"

namespace sparkle::test {
namespace {

/// out[i] = f(in0[i], in1[i]...), all of them vectors of `lanes` lanes, or scalars.
struct Mapped {
  Scalar out;
  std::vector<Scalar> in;
  std::function<ExprId(Builder &, const std::vector<ExprId> &, int lanes)> make;
};

void expect_mapped(const Mapped &mapped, int lanes, uint32_t seed, const std::string &what) {
  KernelMaker m;
  Memory memory;
  std::vector<StmtId> stmts;
  std::vector<ExprId> values;
  const ExprId at = lanes == 1 ? m.b.index(0) : m.b.ramp(m.b.index(0), 1, lanes);
  for (size_t i = 0; i < mapped.in.size(); ++i) {
    const BufferId buffer = m.tensor("in" + std::to_string(i), mapped.in[i], lanes, Role::kInput);
    const VarId var = m.b.value_var("v" + std::to_string(i), Type{mapped.in[i], static_cast<uint16_t>(lanes)});
    stmts.push_back(m.load(var, buffer, at));
    values.push_back(m.b.var(var));
    memory[static_cast<uint32_t>(i)] =
        elements(mapped.in[i], static_cast<size_t>(lanes), seed + static_cast<uint32_t>(i) * 7);
  }
  const BufferId out = m.tensor("out", mapped.out, lanes, Role::kOutput);
  memory[static_cast<uint32_t>(mapped.in.size())] =
      std::vector<std::byte>(static_cast<size_t>(lanes * bytes_of(mapped.out)), std::byte{0xA5});
  stmts.push_back(m.b.store(out, {at}, mapped.make(m.b, values, lanes)));
  expect_as_interpreted(m.finish(m.b.block(stmts)), memory, what + " of " + std::to_string(lanes));
}

void expect_mapped(const Mapped &mapped, const std::string &what) {
  for (int lanes : kLaneCounts)
    for (uint32_t seed = 0; seed < 3; ++seed) {
      expect_mapped(mapped, lanes, seed * 31 + 1, what);
      if (::testing::Test::HasFatalFailure()) return;
    }
}

using Values = std::vector<ExprId>;
constexpr Scalar kF32 = Scalar::kF32, kI32 = Scalar::kI32;

TEST(X86Lanes, FloatArithmetic) {
  for (BinaryOp op : {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kDiv, BinaryOp::kMin, BinaryOp::kMax})
    expect_mapped({kF32, {kF32, kF32}, [op](Builder &b, const Values &v, int) { return b.binary(op, v[0], v[1]); }},
                  std::string(name_of(op)));
  for (UnaryOp op : {UnaryOp::kNeg, UnaryOp::kAbs, UnaryOp::kFloor, UnaryOp::kCeil, UnaryOp::kRound, UnaryOp::kTrunc,
                     UnaryOp::kSqrt})
    expect_mapped({kF32, {kF32}, [op](Builder &b, const Values &v, int) { return b.unary(op, v[0]); }},
                  std::string(name_of(op)));
  expect_mapped({kF32,
                 {Scalar::kU8},
                 [](Builder &b, const Values &v, int lanes) { // Of squares: the interpreter's root is rounded later.
                   const ExprId real = b.cast(kF32Type.with_lanes(lanes), v[0]);
                   return b.unary(UnaryOp::kRsqrt, b.mul(real, real));
                 }},
                "rsqrt");
  expect_mapped({kF32, {kF32, kF32, kF32}, [](Builder &b, const Values &v, int) { return b.fma(v[0], v[1], v[2]); }},
                "fma");
  expect_mapped({kF32,
                 {kF32, kF32, kF32},
                 [](Builder &b, const Values &v, int) { return b.fma(b.unary(UnaryOp::kNeg, v[0]), v[1], v[2]); }},
                "fma of a negated factor");
}

TEST(X86Lanes, FloatConstants) {
  for (double number : {0.0, -0.0, 1.5, 3.0, 8.0, 0.125, 1e38})
    for (BinaryOp op : {BinaryOp::kAdd, BinaryOp::kMul, BinaryOp::kDiv, BinaryOp::kMax})
      expect_mapped({kF32,
                     {kF32},
                     [=](Builder &b, const Values &v, int lanes) {
                       return b.binary(op, v[0], b.real(kF32Type.with_lanes(lanes), number));
                     }},
                    std::string(name_of(op)) + " with " + std::to_string(number));
}

TEST(X86Lanes, WholeArithmetic) {
  for (BinaryOp op : {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kMin, BinaryOp::kMax})
    expect_mapped({kI32, {kI32, kI32}, [op](Builder &b, const Values &v, int) { return b.binary(op, v[0], v[1]); }},
                  std::string(name_of(op)));
  for (UnaryOp op : {UnaryOp::kNeg, UnaryOp::kAbs})
    expect_mapped({kI32, {kI32}, [op](Builder &b, const Values &v, int) { return b.unary(op, v[0]); }},
                  std::string(name_of(op)));
}

TEST(X86Lanes, DivisionByConstantsRoundsDown) {
  for (int32_t divisor : {1, 2, 3, 5, 7, 8, 9, 10, 100, 255, 256, 641, 1 << 30, INT32_MAX, INT32_MAX - 1})
    for (BinaryOp op : {BinaryOp::kDiv, BinaryOp::kMod}) {
      const auto make = [=](Builder &b, const Values &v, int lanes) {
        return b.binary(op, v[0], b.integer(kI32Type.with_lanes(lanes), divisor));
      };
      expect_mapped({kI32, {kI32}, make}, std::string(name_of(op)) + " by " + std::to_string(divisor));
      const auto make_of_byte = [=](Builder &b, const Values &v, int lanes) {
        const Type wide = kI32Type.with_lanes(lanes);
        return b.binary(op, b.mul(b.cast(wide, v[0]), b.integer(wide, 9)), b.integer(wide, divisor));
      };
      expect_mapped({kI32, {Scalar::kU8}, make_of_byte}, "bytes by " + std::to_string(divisor));
    }
}

TEST(X86Lanes, DivisionByLanesRoundsDown) {
  for (BinaryOp op : {BinaryOp::kDiv, BinaryOp::kMod})
    expect_mapped({kI32,
                   {kI32, kI32},
                   [=](Builder &b, const Values &v, int lanes) {
                     const Type type = kI32Type.with_lanes(lanes);
                     const ExprId least = b.max(v[1], b.integer(type, 1));
                     return b.binary(op, v[0], least);
                   }},
                  std::string(name_of(op)) + " by lanes");
}

/// Products of what fits 16 bits, and what saturates nothing.
TEST(X86Lanes, WholeArithmeticOfBytes) {
  for (Scalar left : {Scalar::kU8, Scalar::kI8})
    for (Scalar right : {Scalar::kU8, Scalar::kI8})
      for (int64_t offset : {0, 200}) {
        const std::string what = std::string(name_of(left)) + " times " + std::string(name_of(right));
        const auto make = [=](Builder &b, const Values &v, int lanes) {
          const Type type = kI32Type.with_lanes(lanes);
          const ExprId product = b.mul(b.sub(b.cast(type, v[0]), b.integer(type, offset)), b.cast(type, v[1]));
          return b.add(product, b.mul(b.cast(type, v[0]), b.sub(b.cast(type, v[1]), b.integer(type, 100))));
        };
        expect_mapped({kI32, {left, right}, make}, what);
        const auto clamp = [=](Builder &b, const Values &v, int lanes) {
          const Type type = kI32Type.with_lanes(lanes);
          const ExprId sum = b.add(b.cast(type, v[0]), b.cast(type, v[1]));
          const ExprId limited = b.max(b.min(sum, b.integer(type, 127 - offset / 2)), b.integer(type, -128));
          return b.cast(Type{Scalar::kI8, static_cast<uint16_t>(lanes)}, limited);
        };
        expect_mapped({Scalar::kI8, {left, right}, clamp}, "limits of " + what);
      }
}

TEST(X86Lanes, ComparisonsAndSelects) {
  for (Scalar scalar : {kF32, kI32})
    for (CompareOp op : {CompareOp::kEq, CompareOp::kNe, CompareOp::kLt, CompareOp::kLe}) {
      const std::string what = std::string(name_of(op)) + " of " + std::string(name_of(scalar));
      expect_mapped({Scalar::kBool,
                     {scalar, scalar},
                     [=](Builder &b, const Values &v, int) { return b.compare(op, v[0], v[1]); }},
                    what);
      for (Scalar chosen : {kF32, kI32, Scalar::kU8, Scalar::kF16, Scalar::kBool})
        expect_mapped(
            {chosen,
             {scalar, scalar, chosen, chosen},
             [=](Builder &b, const Values &v, int) { return b.select(b.compare(op, v[0], v[1]), v[2], v[3]); }},
            "select of " + std::string(name_of(chosen)) + " by " + what);
    }
}

TEST(X86Lanes, Bools) {
  constexpr Scalar kBool = Scalar::kBool;
  for (BinaryOp op : {BinaryOp::kAnd, BinaryOp::kOr})
    expect_mapped({kBool, {kBool, kBool}, [op](Builder &b, const Values &v, int) { return b.binary(op, v[0], v[1]); }},
                  std::string(name_of(op)));
  expect_mapped({kBool, {kBool}, [](Builder &b, const Values &v, int) { return b.unary(UnaryOp::kNot, v[0]); }}, "not");
  for (CompareOp op : {CompareOp::kEq, CompareOp::kNe, CompareOp::kLt, CompareOp::kLe})
    expect_mapped({kBool, {kBool, kBool}, [op](Builder &b, const Values &v, int) { return b.compare(op, v[0], v[1]); }},
                  std::string(name_of(op)) + " of bool");
}

TEST(X86Lanes, Conversions) {
  constexpr Scalar kAll[] = {Scalar::kF32, Scalar::kI32, Scalar::kF16, Scalar::kBF16,
                             Scalar::kI8,  Scalar::kU8,  Scalar::kBool};
  for (Scalar from : kAll)
    for (Scalar to : kAll) {
      if (to == Scalar::kBool && from != to) continue;
      expect_mapped({to,
                     {from},
                     [=](Builder &b, const Values &v, int lanes) {
                       return b.cast(Type{to, static_cast<uint16_t>(lanes)}, v[0]);
                     }},
                    std::string(name_of(from)) + " to " + std::string(name_of(to)));
    }
}

TEST(X86Lanes, BitCasts) {
  expect_mapped({kI32,
                 {kF32},
                 [](Builder &b, const Values &v, int lanes) { return b.bitcast(kI32Type.with_lanes(lanes), v[0]); }},
                "bits of f32");
  expect_mapped({kF32,
                 {kI32},
                 [](Builder &b, const Values &v, int lanes) {
                   const ExprId doubled = b.add(v[0], v[0]);
                   return b.bitcast(kF32Type.with_lanes(lanes), doubled);
                 }},
                "f32 of bits");
}

TEST(X86Lanes, RandomExpressions) {
  for (int lanes : kLaneCounts)
    for (uint32_t seed = 0; seed < 40; ++seed)
      for (Scalar out : {kF32, kI32}) {
        expect_mapped({out,
                       {kF32, kI32},
                       [=](Builder &b, const Values &v, int own) {
                         RandomExpr random(b, seed * 100 + static_cast<uint32_t>(own), own, {v[0], v[1]});
                         return random.make(out, 5);
                       }},
                      lanes, seed, "random expression " + std::to_string(seed));
        if (HasFatalFailure()) return;
      }
}

} // namespace
} // namespace sparkle::test
