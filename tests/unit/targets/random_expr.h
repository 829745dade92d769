// Random expressions for differential tests of CPU targets.
#pragma once

#include <array>
#include <random>
#include <vector>

#include "compiler/ir/builder.h"

namespace sparkle::test {

/// Expressions over leaves of three types: what is exact on every machine, so no element functions.
class RandomExpr {
public:
  RandomExpr(Builder &b, uint32_t seed, int lanes, std::vector<ExprId> leaves)
      : b_(b), random_(seed), lanes_(lanes), leaves_(std::move(leaves)) {}

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
  Type type(Scalar scalar) const { return Type{scalar, static_cast<uint16_t>(lanes_)}; }

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
  int lanes_;
  std::vector<ExprId> leaves_;
};

} // namespace sparkle::test
