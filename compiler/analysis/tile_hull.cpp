#include "compiler/analysis/tile_hull.h"

#include <algorithm>

#include "compiler/analysis/walk.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

using Bound = std::optional<int64_t>;

Interval negated(const Interval &a) { return scale(a, -1); }

TileHull plus(const TileHull &a, const TileHull &b, int64_t sign) {
  TileHull sum = a;
  for (size_t i = 0; i < sum.steps.size(); ++i) sum.steps[i] += sign * b.steps[i];
  sum.offset = add(a.offset, sign < 0 ? negated(b.offset) : b.offset);
  return sum;
}

TileHull times(const TileHull &a, int64_t factor) {
  TileHull product = a;
  for (int64_t &step : product.steps) step *= factor;
  product.offset = scale(a.offset, factor);
  return product;
}

Bound least(Bound a, Bound b) { return a && b ? Bound(std::min(*a, *b)) : std::nullopt; }
/// The smaller one of two upper ends: an absent one is no limit.
Bound tighter(Bound a, Bound b) { return a && b ? Bound(std::min(*a, *b)) : a ? a : b; }

/// The side of min(x, c - x) or max(x, c - x) whose coefficients are positive, on the whole.
std::optional<ExprId> reflected(const Kernel &kernel, const Binary &e) {
  if (kernel.type_of(e.a) != kIndexType) return std::nullopt;
  const LinearForm a = to_linear(kernel, e.a), b = to_linear(kernel, e.b);
  const auto sum = add(a, b);
  if (!sum || !sum->is_constant()) return std::nullopt;
  int64_t slope = 0;
  for (const LinearTerm &term : a.terms) slope += term.coefficient > 0 ? 1 : -1;
  return slope >= 0 ? e.a : e.b;
}

bool steps_are_multiples(const TileHull &a, int64_t divisor) {
  return std::all_of(a.steps.begin(), a.steps.end(), [&](int64_t step) { return step % divisor == 0; });
}

} // namespace

bool TileHull::moves() const {
  return std::any_of(steps.begin(), steps.end(), [](int64_t step) { return step != 0; });
}

std::optional<TileHull> join(const TileHull &a, const TileHull &b) {
  if (a.steps != b.steps) return std::nullopt;
  return TileHull{a.steps, hull(a.offset, b.offset)};
}

std::optional<ExprId> clamped_value(const Kernel &kernel, ExprId expr) {
  std::optional<ExprId> value;
  while (const auto *limit = std::get_if<Binary>(&kernel.expr(expr))) {
    if (limit->op != BinaryOp::kMin && limit->op != BinaryOp::kMax) break;
    bool left = kernel.constant(limit->a).has_value();
    if (left != kernel.constant(limit->b).has_value())
      value = left ? limit->b : limit->a;
    else if (auto side = reflected(kernel, *limit))
      value = side;
    else
      break;
    expr = *value;
  }
  return value;
}

Interval TileHulls::range(const TileHull &a) const {
  Interval sum = a.offset;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (a.steps[i] == 0) continue;
    Interval numbers{0, counts_[i] ? Bound(std::max<int64_t>(*counts_[i], 1) - 1) : std::nullopt};
    sum = add(sum, scale(numbers, a.steps[i]));
  }
  return sum;
}

Interval TileHulls::beside(const TileHull &a, const TileHull &b) const {
  TileHull rest{b.steps, b.offset};
  for (size_t i = 0; i < rest.steps.size(); ++i) rest.steps[i] -= a.steps[i];
  return range(rest);
}

TileHull TileHulls::smaller(const TileHull &a, const TileHull &b) const {
  // The result keeps the steps of the one that moves; how far the other one may pull it is taken over all tiles.
  const TileHull &lead = a.moves() ? a : b, &other = a.moves() ? b : a;
  Interval far = beside(lead, other);
  return {lead.steps, {least(lead.offset.lo, far.lo), tighter(lead.offset.hi, far.hi)}};
}

TileHull TileHulls::either(const TileHull &a, const TileHull &b) const {
  const TileHull &lead = a.moves() ? a : b, &other = a.moves() ? b : a;
  return {lead.steps, hull(lead.offset, beside(lead, other))};
}

TileHull TileHulls::quotient(const TileHull &a, int64_t divisor) const {
  auto divide = [&](const Interval &i) {
    return Interval{i.lo ? Bound(floor_div(*i.lo, divisor)) : std::nullopt,
                    i.hi ? Bound(floor_div(*i.hi, divisor)) : std::nullopt};
  };
  if (!steps_are_multiples(a, divisor)) return fixed(divide(range(a)));
  TileHull result = a;
  for (int64_t &step : result.steps) step /= divisor;
  result.offset = divide(a.offset);
  return result;
}

TileHull TileHulls::remainder(const TileHull &a, int64_t divisor) const {
  Interval i = steps_are_multiples(a, divisor) ? a.offset : range(a);
  bool one_period = i.is_bounded() && floor_div(*i.lo, divisor) == floor_div(*i.hi, divisor);
  if (!one_period) return fixed({0, divisor - 1});
  int64_t base = floor_div(*i.lo, divisor) * divisor;
  return fixed({*i.lo - base, *i.hi - base});
}

TileHull TileHulls::binary(const Kernel &kernel, const Binary &e) const {
  TileHull a = of(kernel, e.a), b = of(kernel, e.b);
  auto constant = kernel.constant(e.b);
  switch (e.op) {
  case BinaryOp::kAdd: return plus(a, b, 1);
  case BinaryOp::kSub: return plus(a, b, -1);
  case BinaryOp::kMul:
    if (constant) return times(a, *constant);
    if (auto left = kernel.constant(e.a)) return times(b, *left);
    return fixed(multiply(range(a), range(b)));
  case BinaryOp::kDiv: return constant && *constant > 0 ? quotient(a, *constant) : fixed({});
  case BinaryOp::kMod: return constant && *constant > 0 ? remainder(a, *constant) : fixed({});
  case BinaryOp::kMin: return smaller(a, b);
  case BinaryOp::kMax: return times(smaller(times(a, -1), times(b, -1)), -1);
  case BinaryOp::kAnd:
  case BinaryOp::kOr: return fixed({});
  }
  return fixed({});
}

TileHull TileHulls::of(const Kernel &kernel, ExprId id) const {
  if (auto constant = kernel.constant(id)) return fixed(Interval::point(*constant));
  const Expr &expr = kernel.expr(id);
  if (const auto *ref = std::get_if<VarRef>(&expr)) {
    auto found = vars_.find(ref->var);
    if (found != vars_.end()) return found->second;
    return fixed(kernel.var(ref->var).kind == VarKind::kSymbol ? Interval::at_least(0) : Interval{});
  }
  if (kernel.type_of(id) != kIndexType) return fixed({});
  if (const auto *e = std::get_if<Binary>(&expr)) return binary(kernel, *e);
  if (const auto *e = std::get_if<Select>(&expr)) return either(of(kernel, e->a), of(kernel, e->b));
  if (const auto *e = std::get_if<Unary>(&expr); e && e->op == UnaryOp::kNeg) return times(of(kernel, e->a), -1);
  return fixed({});
}

void TileHulls::add_axes(const Kernel &kernel, ExprId root) {
  for_each_expr(kernel, root, [&](ExprId id) {
    const auto *reduce = std::get_if<Reduce>(&kernel.expr(id));
    if (!reduce) return;
    for (const ReduceAxis &axis : reduce->axes) {
      TileHull begin = of(kernel, axis.begin), end = of(kernel, axis.end);
      Interval last = begin.steps == end.steps ? end.offset : range(end);
      Interval first = begin.steps == end.steps ? begin.offset : range(begin);
      TileHull all = begin.steps == end.steps ? begin : fixed({});
      all.offset = {first.lo, last.hi ? checked_sub(*last.hi, 1) : std::nullopt};
      set(axis.var, all);
    }
  });
}

TileHull TileHulls::clamped(const TileHull &position, Interval limits) const {
  TileHull low = fixed({limits.lo, limits.lo}), high = fixed({limits.hi, limits.hi});
  TileHull raised = limits.lo ? times(smaller(times(position, -1), times(low, -1)), -1) : position;
  return limits.hi ? smaller(raised, high) : raised;
}

} // namespace sparkle
