#include "compiler/analysis/lane_steps.h"

#include <algorithm>

#include "compiler/ir/numeric.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

using Lanes = std::vector<int64_t>;

std::optional<Lanes> apply(BinaryOp op, const std::optional<Lanes> &a, const std::optional<Lanes> &b) {
  if (!a || !b) return std::nullopt;
  Lanes out;
  for (size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
    const auto lane = fold_binary_int(Scalar::kIndex, op, (*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
    if (!lane) return std::nullopt;
    out.push_back(*lane);
  }
  return out;
}

std::optional<Lanes> ramp(int64_t base, int64_t stride, int lanes) {
  Lanes out;
  for (int i = 0; i < lanes; ++i) {
    const auto step = checked_mul(stride, i);
    const auto lane = step ? checked_add(base, *step) : std::nullopt;
    if (!lane) return std::nullopt;
    out.push_back(*lane);
  }
  return out;
}

/// The lanes themselves, where all are constants.
std::optional<Lanes> constant_lanes(const Kernel &k, ExprId id) {
  if (const auto constant = k.constant(id)) return Lanes(k.type_of(id).lanes, *constant);
  const Expr &expr = k.expr(id);
  if (const auto *splat = std::get_if<Broadcast>(&expr)) {
    const auto constant = k.constant(splat->a);
    return constant ? std::optional(Lanes(static_cast<size_t>(splat->lanes), *constant)) : std::nullopt;
  }
  if (const auto *r = std::get_if<Ramp>(&expr)) {
    const auto base = k.constant(r->base);
    return base ? ramp(*base, r->stride, r->lanes) : std::nullopt;
  }
  if (const auto *binary = std::get_if<Binary>(&expr))
    return apply(binary->op, constant_lanes(k, binary->a), constant_lanes(k, binary->b));
  return std::nullopt;
}

bool all_zero(const Lanes &steps) {
  return std::ranges::all_of(steps, [](int64_t step) { return step == 0; });
}

std::optional<Lanes> steps_of_binary(const Kernel &k, ExprId id, const Binary &binary) {
  if (auto lanes = constant_lanes(k, id)) {
    const Lanes first{lanes->front()};
    return apply(BinaryOp::kSub, lanes, first);
  }
  const auto a = lane_steps(k, binary.a), b = lane_steps(k, binary.b);
  if (!a || !b) return std::nullopt;
  if (all_zero(*a) && all_zero(*b)) return a->size() > 1 ? a : b;
  if (binary.op == BinaryOp::kAdd || binary.op == BinaryOp::kSub) return apply(binary.op, a, b);
  if (binary.op != BinaryOp::kMul) return std::nullopt;
  const auto left = constant_lanes(k, binary.a), right = constant_lanes(k, binary.b);
  if (right && all_zero(*b)) return apply(binary.op, a, right);
  if (left && all_zero(*a)) return apply(binary.op, left, b);
  return std::nullopt;
}

} // namespace

std::optional<Lanes> lane_steps(const Kernel &k, ExprId index) {
  const size_t lanes = k.type_of(index).lanes;
  const Expr &expr = k.expr(index);
  if (lanes == 1 || std::holds_alternative<Broadcast>(expr) || std::holds_alternative<IntConst>(expr))
    return Lanes(lanes, 0);
  if (const auto *r = std::get_if<Ramp>(&expr)) return ramp(0, r->stride, r->lanes);
  if (const auto *binary = std::get_if<Binary>(&expr)) return steps_of_binary(k, index, *binary);
  return std::nullopt;
}

std::optional<int64_t> common_step(const Lanes &steps) {
  const int64_t step = steps.size() > 1 ? steps[1] : 0;
  for (size_t i = 1; i < steps.size(); ++i)
    if (steps[i] - steps[i - 1] != step) return std::nullopt;
  return step;
}

} // namespace sparkle
