#include "compiler/passes/lane_index.h"

#include "compiler/analysis/linear.h"

namespace sparkle {
namespace {

bool is_index_vector(const Kernel &k, ExprId id) {
  const Type type = k.type_of(id);
  return type.scalar == Scalar::kIndex && type.is_vector();
}

/// Every atom is a scalar.
bool is_linear_in_lane(const Kernel &k, const LinearForm &form) {
  for (const LinearTerm &term : form.terms)
    if (k.type_of(term.atom).is_vector()) return false;
  return true;
}

/// The form of lane `lane`.
LinearForm at_lane(LinearForm form, int lane) {
  form.constant += form.lane_stride * lane;
  form.lane_stride = 0;
  form.lanes = 1;
  return form;
}

} // namespace

ExprId as_ramp(Builder &b, ExprId expr) {
  const Kernel &k = b.kernel();
  if (!is_index_vector(k, expr) || std::holds_alternative<Ramp>(k.expr(expr))) return expr;
  const LinearForm form = to_linear(k, expr);
  return is_linear_in_lane(k, form) ? from_linear(b, form) : expr;
}

std::optional<ExprId> divide_ramp(Builder &b, BinaryOp op, ExprId a, ExprId divisor) {
  const Kernel &k = b.kernel();
  const auto *splat = std::get_if<Broadcast>(&k.expr(divisor));
  const auto c = k.constant(splat ? splat->a : divisor);
  const auto *ramp = std::get_if<Ramp>(&k.expr(a));
  if (!ramp || !c || *c <= 0) return std::nullopt;
  const ExprId base = ramp->base;
  const int64_t stride = ramp->stride;
  const int lanes = ramp->lanes;
  if (stride % *c == 0) { // Every lane has the same remainder.
    const ExprId quotient = b.ramp(b.div(base, b.index(*c)), stride / *c, lanes);
    return op == BinaryOp::kDiv ? quotient : b.mod(base, b.index(*c));
  }
  // From a multiple of `block` on, `block` values lie between two multiples of c.
  const int64_t block = stride * lanes;
  if (stride <= 0 || *c % block != 0 || !is_multiple_of(k, base, block)) return std::nullopt;
  if (op == BinaryOp::kDiv) return b.div(base, b.index(*c));
  return b.ramp(b.mod(base, b.index(*c)), stride, lanes);
}

std::optional<ExprId> lane_of(Builder &b, ExprId vector, int lane) {
  const Kernel &k = b.kernel();
  if (!k.type_of(vector).is_vector()) return vector;
  const LinearForm form = to_linear(k, vector);
  if (!is_linear_in_lane(k, form)) return std::nullopt;
  return from_linear(b, at_lane(form, lane));
}

std::optional<LaneCondition> lane_condition(Builder &b, ExprId cond) {
  const Kernel &k = b.kernel();
  const auto *compare = std::get_if<Compare>(&k.expr(cond));
  if (!compare || (compare->op != CompareOp::kLt && compare->op != CompareOp::kLe)) return std::nullopt;
  const Compare copy = *compare;
  if (!is_index_vector(k, copy.a)) return std::nullopt;
  const LinearForm left = to_linear(k, copy.a);
  const LinearForm right = to_linear(k, copy.b);
  if (!is_linear_in_lane(k, left) || !is_linear_in_lane(k, right)) return std::nullopt;
  const int64_t slope = right.lane_stride - left.lane_stride; // Of what must not be negative.
  const int lane = slope > 0 ? k.type_of(copy.a).lanes - 1 : 0;
  const ExprId low = from_linear(b, at_lane(left, lane));
  return LaneCondition{slope > 0 ? 1 : -1, b.compare(copy.op, low, from_linear(b, at_lane(right, lane)))};
}

} // namespace sparkle
