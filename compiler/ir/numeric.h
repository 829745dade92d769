// Values of constants: rounding to a scalar type, and folding of operations exactly as nodes.h defines them; the
// operation of a reduction.
// Nothing is returned where the result depends on the machine (NaN bits, inexact functions) or is not defined.
#pragma once

#include <optional>

#include "compiler/ir/nodes.h"

namespace sparkle {

/// Nearest value of a floating type, ties to even; overflow gives infinity.
double round_to(Scalar type, double value);
/// [least, greatest] value of an integer type; bool: [0, 1].
int64_t least_value(Scalar type);
int64_t greatest_value(Scalar type);

/// `a = a op b` for one step of a reduction whose result so far is `a`. Minima and maxima keep their first operand when
/// the second one is NaN, and `a` is never NaN.
constexpr BinaryOp step_of(ReduceOp op) {
  switch (op) {
  case ReduceOp::kSum: return BinaryOp::kAdd;
  case ReduceOp::kProd: return BinaryOp::kMul;
  case ReduceOp::kMin: return BinaryOp::kMin;
  case ReduceOp::kMax: return BinaryOp::kMax;
  }
  return BinaryOp::kAdd;
}

std::optional<int64_t> fold_binary_int(Scalar type, BinaryOp op, int64_t a, int64_t b);
std::optional<double> fold_binary_f32(BinaryOp op, double a, double b);
std::optional<double> fold_unary_f32(UnaryOp op, double a);
bool fold_compare(CompareOp op, int64_t a, int64_t b);
bool fold_compare(CompareOp op, double a, double b);
std::optional<double> fold_int_to_float(Scalar to, int64_t value);
std::optional<int64_t> fold_float_to_int(Scalar to, double value);

} // namespace sparkle
