#include "compiler/analysis/interval.h"

#include <algorithm>

#include "compiler/analysis/walk.h"
#include "compiler/ir/numeric.h"
#include "compiler/support/checked_math.h"

namespace sparkle {

namespace {

using Bound = std::optional<int64_t>;

Bound add_bounds(Bound a, Bound b) { return a && b ? checked_add(*a, *b) : std::nullopt; }
Bound scale_bound(Bound a, int64_t factor) { return a ? checked_mul(*a, factor) : std::nullopt; }

LinearForm plus_constant(LinearForm form, int64_t value) {
  if (const auto sum = checked_add(form.constant, value)) form.constant = *sum;
  return form;
}

/// What `form <= 0` says about the variable of one of its terms, whose coefficient is 1 or -1.
std::optional<Ranges::Fact> fact_on(const Kernel &kernel, const LinearForm &form, const LinearTerm &term) {
  auto *ref = std::get_if<VarRef>(&kernel.expr(term.atom));
  if (!ref || (term.coefficient != 1 && term.coefficient != -1)) return std::nullopt;
  LinearForm rest = form;
  rest.drop(term.atom);
  for (const LinearTerm &other : rest.terms)
    if (uses_var(kernel, other.atom, ref->var)) return std::nullopt;
  auto bound = scale(rest, -term.coefficient);
  if (!bound) return std::nullopt;
  Ranges::Fact fact{ref->var, {}, {}, {}, false};
  bool is_upper = term.coefficient == 1;
  if (bound->is_constant()) (is_upper ? fact.interval.hi : fact.interval.lo) = bound->constant;
  (is_upper ? fact.upper : fact.lower) = *bound;
  return fact;
}

/// Finds `target` below `at`, pushing the facts of what lies before and around it; on failure nothing stays pushed.
bool push_path(const Kernel &kernel, StmtId at, StmtId target, Ranges &ranges) {
  if (at == target) return true;
  size_t mark = ranges.mark();
  const Stmt &stmt = kernel.stmt(at);
  if (auto *block = std::get_if<Block>(&stmt)) {
    for (StmtId child : block->stmts) {
      if (push_path(kernel, child, target, ranges)) return true;
      if (auto *let = std::get_if<Let>(&kernel.stmt(child))) ranges.push_value(kernel, let->var, let->value);
    }
  } else if (auto *loop = std::get_if<For>(&stmt)) {
    ranges.push_loop(kernel, *loop);
    if (push_path(kernel, loop->body, target, ranges)) return true;
  } else if (auto *branch = std::get_if<If>(&stmt)) {
    if (is_valid(branch->else_body) && push_path(kernel, branch->else_body, target, ranges)) return true;
    ranges.push_condition(kernel, branch->cond);
    if (push_path(kernel, branch->then_body, target, ranges)) return true;
  }
  ranges.pop_to(mark);
  return false;
}

} // namespace

Interval values_of(Scalar scalar) {
  switch (scalar) {
  case Scalar::kBool: return {0, 1};
  case Scalar::kI32:
  case Scalar::kI8:
  case Scalar::kU8: return {least_value(scalar), greatest_value(scalar)};
  default: return {};
  }
}

bool is_within(const Interval &inner, const Interval &outer) {
  return inner.is_bounded() && outer.is_bounded() && *outer.lo <= *inner.lo && *inner.hi <= *outer.hi;
}

Interval intersect(const Interval &a, const Interval &b) {
  Interval out = a;
  if (b.lo && (!out.lo || *b.lo > *out.lo)) out.lo = b.lo;
  if (b.hi && (!out.hi || *b.hi < *out.hi)) out.hi = b.hi;
  return out;
}

Interval hull(const Interval &a, const Interval &b) {
  Interval out;
  if (a.lo && b.lo) out.lo = std::min(*a.lo, *b.lo);
  if (a.hi && b.hi) out.hi = std::max(*a.hi, *b.hi);
  return out;
}

Interval add(const Interval &a, const Interval &b) { return {add_bounds(a.lo, b.lo), add_bounds(a.hi, b.hi)}; }

Interval scale(const Interval &a, int64_t factor) {
  if (factor == 0) return Interval::point(0);
  Interval out{scale_bound(a.lo, factor), scale_bound(a.hi, factor)};
  if (factor < 0) std::swap(out.lo, out.hi);
  return out;
}

Interval multiply(const Interval &a, const Interval &b) {
  if (a.is_bounded() && b.is_bounded()) {
    Interval low = scale(a, *b.lo);
    Interval high = scale(a, *b.hi);
    return hull(low, high);
  }
  bool not_negative = a.lo && b.lo && *a.lo >= 0 && *b.lo >= 0;
  return not_negative ? Interval{scale_bound(a.lo, *b.lo), std::nullopt} : Interval{};
}

void Ranges::push_loop(const Kernel &kernel, VarId var, ExprId begin, ExprId end) {
  Fact fact{var, {}, to_linear(kernel, begin), plus_constant(to_linear(kernel, end), -1), false};
  fact.interval = {lower_bound(kernel, *fact.lower, *this), upper_bound(kernel, *fact.upper, *this)};
  facts_.push_back(std::move(fact));
}

void Ranges::push_value(const Kernel &kernel, VarId var, ExprId value) {
  if (kernel.type_of(value) != kIndexType) return;
  LinearForm form = to_linear(kernel, value);
  facts_.push_back({var, bounds(kernel, form, *this), form, form, true});
}

void Ranges::push_condition(const Kernel &kernel, ExprId cond) {
  const Expr &expr = kernel.expr(cond);
  if (auto *both = std::get_if<Binary>(&expr); both && both->op == BinaryOp::kAnd) {
    push_condition(kernel, both->a);
    push_condition(kernel, both->b);
    return;
  }
  auto *compare = std::get_if<Compare>(&expr);
  if (!compare || kernel.type_of(compare->a) != kIndexType || compare->op == CompareOp::kNe) return;
  auto difference = subtract(to_linear(kernel, compare->a), to_linear(kernel, compare->b));
  if (difference && compare->op == CompareOp::kLt && !difference->add_scaled(linear_constant(1), 1)) difference.reset();
  if (!difference) return;
  auto learn = [&](const LinearForm &form) {
    for (const LinearTerm &term : form.terms)
      if (auto fact = fact_on(kernel, form, term)) facts_.push_back(std::move(*fact));
  };
  learn(*difference);
  if (auto opposite = scale(*difference, -1); opposite && compare->op == CompareOp::kEq) learn(*opposite);
}

Interval Ranges::interval(const Kernel &kernel, VarId var) const {
  Interval out;
  if (kernel.var(var).kind == VarKind::kSymbol) out = Interval::at_least(0);
  for (const Fact &fact : facts_)
    if (fact.var == var) out = intersect(out, fact.interval);
  return out;
}

Ranges ranges_at(const Kernel &kernel, StmtId target) {
  Ranges ranges;
  if (is_valid(kernel.body)) push_path(kernel, kernel.body, target, ranges);
  return ranges;
}

} // namespace sparkle
