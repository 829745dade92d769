#include "compiler/passes/simplify_expr.h"

#include <algorithm>
#include <vector>

#include "compiler/analysis/imported.h"
#include "compiler/ir/transplant.h"
#include "compiler/passes/simplify_divmod.h"
#include "compiler/support/checked_math.h"

namespace sparkle {

namespace {

/// Sums left + constant and right, built from a difference `left - right`; both without negative coefficients.
struct Sides {
  LinearForm left, right;
};

Sides sides_of(const LinearForm &difference) {
  Sides out;
  out.left.lanes = out.right.lanes = difference.lanes;
  for (const LinearTerm &term : difference.terms) {
    if (term.coefficient > 0)
      out.left.terms.push_back(term);
    else
      out.right.terms.push_back({term.atom, -term.coefficient});
  }
  (difference.lane_stride > 0 ? out.left : out.right).lane_stride = std::abs(difference.lane_stride);
  return out;
}

bool has_least_value(const LinearForm &form) {
  bool found = form.constant <= INT64_MIN + 1 || form.lane_stride == INT64_MIN;
  for (const LinearTerm &term : form.terms) found |= term.coefficient == INT64_MIN;
  return found;
}

/// difference == 0 or != 0, coefficients and constant without a common factor.
ExprId build_equality(Builder &b, CompareOp op, LinearForm difference) {
  Sides sides = sides_of(difference);
  bool constant_right = !sides.left.terms.empty() || sides.left.lane_stride != 0;
  (constant_right ? sides.right : sides.left).constant = constant_right ? -difference.constant : difference.constant;
  return b.compare(op, from_linear(b, sides.left), from_linear(b, sides.right));
}

/// difference <= 0 as `a < b`, `a <= b` or `c <= b`, whichever needs the smallest constant.
ExprId build_order(Builder &b, const LinearForm &difference) {
  Sides sides = sides_of(difference);
  bool has_left = !sides.left.terms.empty() || sides.left.lane_stride != 0;
  bool has_right = !sides.right.terms.empty() || sides.right.lane_stride != 0;
  int64_t c = difference.constant;
  CompareOp op = CompareOp::kLt;
  if (!has_left) {
    op = CompareOp::kLe;
    sides.left.constant = c;
  } else if (!has_right || c <= 0) {
    if (has_right && c == 0)
      op = CompareOp::kLe;
    else
      sides.right.constant = 1 - c;
  } else {
    sides.left.constant = c - 1;
  }
  return b.compare(op, from_linear(b, sides.left), from_linear(b, sides.right));
}

/// Divides by what all coefficients have in common; the constant of an order rounds up: k*x + c <= 0 is x + ceil(c/k)
/// <= 0.
LinearForm without_common_factor(LinearForm form) {
  int64_t factor = common_factor(form);
  if (factor <= 1) return form;
  for (LinearTerm &term : form.terms) term.coefficient /= factor;
  form.lane_stride /= factor;
  form.constant = ceil_div(form.constant, factor);
  return form;
}

} // namespace

std::optional<LinearForm> with_atoms(const LinearForm &form, FunctionRef<LinearForm(ExprId)> atom_form) {
  LinearForm out;
  out.lanes = form.lanes;
  out.constant = form.constant;
  out.lane_stride = form.lane_stride;
  for (const LinearTerm &term : form.terms)
    if (!out.add_scaled(atom_form(term.atom), term.coefficient)) return std::nullopt;
  return out;
}

ExprId ExprSimplifier::simplify(ExprId id) {
  if (!is_valid(id)) return id;
  if (const ExprId *known = memo_.find(id)) return *known;
  const auto sum = linear_root(id);
  ExprId result = sum ? *sum : rewrite(rebuild(id));
  memo_.set(id, result);
  memo_.set(result, result);
  return result;
}

/// Sums are taken whole, down to their atoms; nothing for what is no sum.
std::optional<ExprId> ExprSimplifier::linear_root(ExprId id) {
  const Kernel &k = b_.kernel();
  if (k.type_of(id).scalar != Scalar::kIndex) return std::nullopt;
  const LinearForm old = to_linear(k, id);
  const bool is_atom = old.terms.size() == 1 && old.terms.front().atom == id;
  if (is_atom) return std::holds_alternative<VarRef>(k.expr(id)) ? std::optional(linear(id)) : std::nullopt;
  const auto form = with_atoms(old, [&](ExprId atom) { return to_linear(k, simplify(atom)); });
  return form ? std::optional(from_form(k.type_of(id), *form)) : std::nullopt;
}

/// The node with simplified operands. Read and Reduce bring ranges of their own and are done whole.
ExprId ExprSimplifier::rebuild(ExprId id) {
  const Expr expr = b_.kernel().expr(id);
  if (auto *e = std::get_if<Reduce>(&expr)) return reduce(*e);
  if (auto *e = std::get_if<Read>(&expr)) return read(*e);
  return map_operands(
      b_, expr, [this](ExprId operand) { return simplify(operand); }, [this](VarId var) { return b_.var(var); },
      [](VarId var) { return var; }, [](BufferId buffer) { return buffer; });
}

ExprId ExprSimplifier::rewrite(ExprId id) {
  const Expr expr = b_.kernel().expr(id);
  if (auto *e = std::get_if<Binary>(&expr)) return binary(id, *e);
  if (auto *e = std::get_if<Compare>(&expr)) return compare(id, *e);
  if (auto *e = std::get_if<Select>(&expr)) {
    auto known = prove(b_.kernel(), e->cond, ranges_);
    return known ? (*known ? e->a : e->b) : id;
  }
  if (std::holds_alternative<IntConst>(expr) || std::holds_alternative<Broadcast>(expr)) return id;
  return linear(id);
}

ExprId ExprSimplifier::reduce(const Reduce &e) {
  Reduce out = e;
  for (ReduceAxis &axis : out.axes) axis = {axis.var, simplify(axis.begin), simplify(axis.end)};
  Ranges inside = ranges_;
  for (const ReduceAxis &axis : out.axes) inside.push_loop(b_.kernel(), axis.var, axis.begin, axis.end);
  if (is_valid(e.filter)) {
    out.filter = simplify_expr(b_, e.filter, inside);
    inside.push_condition(b_.kernel(), out.filter);
  }
  return b_.reduce(out.op, out.axes, simplify_expr(b_, e.body, inside), out.filter);
}

/// The indices matter only where the guard holds.
ExprId ExprSimplifier::read(const Read &e) {
  ExprId guard = simplify(e.guard);
  Ranges inside = ranges_;
  if (is_valid(guard)) inside.push_condition(b_.kernel(), guard);
  ExprSimplifier indices(b_, inside);
  std::vector<ExprId> out;
  for (ExprId index : e.indices) out.push_back(indices.simplify(index));
  return b_.read(e.buffer, std::move(out), guard, simplify(e.other));
}

ExprId ExprSimplifier::binary(ExprId id, const Binary &e) {
  Kernel &k = b_.kernel();
  if (e.op == BinaryOp::kAnd) return conjunction(id);
  if (e.op == BinaryOp::kOr) {
    auto known = prove(k, id, ranges_);
    return known ? b_.integer(k.type_of(id), *known) : id;
  }
  if (!is_integer(k.type_of(id).scalar)) return id;
  if (e.op == BinaryOp::kMin || e.op == BinaryOp::kMax) return min_max(id, e);
  if (k.type_of(id).scalar != Scalar::kIndex) return id;
  auto divisor = splat_constant(k, e.b);
  bool is_div = e.op == BinaryOp::kDiv;
  if ((is_div || e.op == BinaryOp::kMod) && divisor && *divisor > 0) {
    LinearForm form = to_linear(k, e.a);
    form = is_div ? divide(b_, form, *divisor, ranges_) : modulo(b_, form, *divisor, ranges_);
    return from_linear(b_, recombine(b_, form, ranges_));
  }
  return linear(id);
}

ExprId ExprSimplifier::min_max(ExprId id, const Binary &e) {
  auto difference = subtract(to_linear(b_.kernel(), e.a), to_linear(b_.kernel(), e.b));
  if (!difference) return id;
  Interval range = bounds(b_.kernel(), *difference, ranges_);
  ExprId less = e.op == BinaryOp::kMin ? e.a : e.b;
  ExprId greater = e.op == BinaryOp::kMin ? e.b : e.a;
  if (range.hi && *range.hi <= 0) return less;
  if (range.lo && *range.lo >= 0) return greater;
  return id;
}

/// Drops the conjuncts that the ranges and the other conjuncts prove, one by one.
ExprId ExprSimplifier::conjunction(ExprId id) {
  Kernel &k = b_.kernel();
  std::vector<ExprId> parts = conjuncts(k, id);
  Ranges others = ranges_;
  for (size_t i = 0; i < parts.size();) {
    RangesScope scope(others);
    for (size_t j = 0; j < parts.size(); ++j)
      if (j != i) others.push_condition(k, parts[j]);
    auto known = prove(k, parts[i], others);
    if (known && !*known) return b_.integer(k.type_of(id), 0);
    bool repeated = std::find(parts.begin(), parts.begin() + static_cast<ptrdiff_t>(i), parts[i]) !=
                    parts.begin() + static_cast<ptrdiff_t>(i);
    if (known || repeated)
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(i));
    else
      ++i;
  }
  ExprId all = b_.integer(k.type_of(id), 1);
  for (ExprId part : parts) all = b_.both(all, part);
  return all;
}

ExprId ExprSimplifier::compare(ExprId id, const Compare &e) {
  Kernel &k = b_.kernel();
  Type type = k.type_of(id);
  if (auto known = prove(k, id, ranges_)) return b_.integer(type, *known);
  if (k.type_of(e.a).scalar != Scalar::kIndex) return id;
  auto difference = subtract(to_linear(k, e.a), to_linear(k, e.b));
  if (difference && e.op == CompareOp::kLt) difference = add(*difference, linear_constant(1));
  if (!difference || has_least_value(*difference)) return id;
  if (e.op == CompareOp::kLt || e.op == CompareOp::kLe) return build_order(b_, without_common_factor(*difference));
  // `prove` has decided equalities whose constant the common factor does not divide.
  return build_equality(b_, e.op, without_common_factor(*difference));
}

/// The normal form of sums, products and vectors of them; a value that can only be one number becomes it.
ExprId ExprSimplifier::linear(ExprId id) {
  Type type = b_.kernel().type_of(id);
  if (type.scalar != Scalar::kIndex) return id;
  return from_form(type, to_linear(b_.kernel(), id));
}

ExprId ExprSimplifier::from_form(Type type, const LinearForm &sum) {
  if (sum.is_constant()) return b_.integer(type, sum.constant);
  const LinearForm form = recombine(b_, sum, ranges_);
  const auto value = fixed_value(b_.kernel(), form, ranges_);
  return value ? b_.integer(type, *value) : from_linear(b_, form);
}

} // namespace sparkle
