#include "compiler/analysis/linear.h"

#include <algorithm>
#include <numeric>

#include "compiler/analysis/walk.h"
#include "compiler/support/checked_math.h"

namespace sparkle {

namespace {

bool is_index(const Kernel &kernel, ExprId id) { return kernel.type_of(id).scalar == Scalar::kIndex; }

/// Adds constant + factor * value to a number; false beyond 64 bits.
bool accumulate(int64_t &sum, int64_t value, int64_t factor) {
  const auto product = checked_mul(value, factor);
  const auto total = product ? checked_add(sum, *product) : std::nullopt;
  if (total) sum = *total;
  return total.has_value();
}

/// The lanes of a sum of `lanes` and `more`; false where they do not go together.
bool join_lanes(int &lanes, int more) {
  if (lanes != more && lanes != 1 && more != 1) return false;
  lanes = std::max(lanes, more);
  return true;
}

/// Adds factor * expression to a form, node by node. Each answers false when a number leaves 64 bits or lanes do not
/// go together, and the form is of no more use.
class Collector {
public:
  explicit Collector(const Kernel &kernel) : kernel_(kernel) {}

  bool add(ExprId id, int64_t factor) {
    const Expr &expr = kernel_.expr(id);
    if (const auto *value = std::get_if<IntConst>(&expr)) return add_constant(value->value, value->type.lanes, factor);
    if (!is_index(kernel_, id)) return add_atom(id, factor);
    if (const auto *e = std::get_if<Binary>(&expr)) return add_binary(id, *e, factor);
    if (const auto *e = std::get_if<Ramp>(&expr)) return add_lanes(id, e->base, e->lanes, e->stride, factor);
    if (const auto *e = std::get_if<Broadcast>(&expr)) return add_lanes(id, e->a, e->lanes, 0, factor);
    const auto *unary = std::get_if<Unary>(&expr);
    const bool is_negation = unary && unary->op == UnaryOp::kNeg && factor != INT64_MIN;
    return is_negation ? add(unary->a, -factor) : add_atom(id, factor);
  }

  LinearForm form;

private:
  bool add_constant(int64_t value, int lanes, int64_t factor) {
    return join_lanes(form.lanes, lanes) && accumulate(form.constant, value, factor);
  }

  bool add_atom(ExprId id, int64_t factor) {
    return join_lanes(form.lanes, kernel_.type_of(id).lanes) && form.add_term(id, factor);
  }

  bool add_lanes(ExprId id, ExprId base, int lanes, int64_t stride, int64_t factor) {
    if (kernel_.type_of(base).is_vector()) return add_atom(id, factor);
    return join_lanes(form.lanes, lanes) && accumulate(form.lane_stride, stride, factor) && add(base, factor);
  }

  bool add_binary(ExprId id, const Binary &e, int64_t factor) {
    switch (e.op) {
    case BinaryOp::kAdd: return add(e.a, factor) && add(e.b, factor);
    case BinaryOp::kSub: return factor != INT64_MIN && add(e.a, factor) && add(e.b, -factor);
    case BinaryOp::kMul: return add_product(id, e, factor);
    default: return add_atom(id, factor);
    }
  }

  bool add_product(ExprId id, const Binary &e, int64_t factor) {
    if (const auto c = number(e.b)) return add_multiple(e.a, *c, factor);
    if (const auto c = number(e.a)) return add_multiple(e.b, *c, factor);
    return add_atom(id, factor);
  }

  bool add_multiple(ExprId id, int64_t c, int64_t factor) {
    const auto product = checked_mul(c, factor);
    return product && join_lanes(form.lanes, kernel_.type_of(id).lanes) && (*product == 0 || add(id, *product));
  }

  /// What all lanes of an operand are.
  std::optional<int64_t> number(ExprId id) const {
    const Expr &expr = kernel_.expr(id);
    if (std::holds_alternative<VarRef>(expr)) return std::nullopt;
    if (const auto value = splat_constant(kernel_, id)) return value;
    if (!std::holds_alternative<Binary>(expr) && !std::holds_alternative<Broadcast>(expr)) return std::nullopt;
    const LinearForm inner = to_linear(kernel_, id); // of x - x, say
    return inner.is_constant() ? std::optional(inner.constant) : std::nullopt;
  }

  const Kernel &kernel_;
};

std::optional<LinearForm> combine(const LinearForm &a, const LinearForm &b, int64_t sign) {
  LinearForm out = a;
  return out.add_scaled(b, sign) ? std::optional(std::move(out)) : std::nullopt;
}

ExprId scaled_atom(Builder &builder, const LinearTerm &term, bool negate) {
  int64_t factor = negate ? -term.coefficient : term.coefficient;
  return factor == 1 ? term.atom : builder.mul(term.atom, builder.index(factor));
}

using Terms = decltype(LinearForm::terms);

Terms in_reading_order(const Kernel &kernel, Terms terms) {
  std::sort(terms.begin(), terms.end(), [&](const LinearTerm &a, const LinearTerm &b) {
    // Positive terms come first, so that the text starts with what is added to.
    if ((a.coefficient > 0) != (b.coefficient > 0)) return a.coefficient > 0;
    if (a.coefficient != b.coefficient)
      return a.coefficient > 0 ? a.coefficient > b.coefficient : a.coefficient < b.coefficient;
    return compare_exprs(kernel, a.atom, b.atom) < 0;
  });
  return terms;
}

std::strong_ordering compare_children(const Kernel &kernel, const Expr &a, const Expr &b) {
  SmallVector<ExprId, 4> left, right;
  for_each_child(a, [&](ExprId id) { left.push_back(id); });
  for_each_child(b, [&](ExprId id) { right.push_back(id); });
  if (auto order = left.size() <=> right.size(); order != 0) return order;
  for (size_t i = 0; i < left.size(); ++i)
    if (auto order = compare_exprs(kernel, left[i], right[i]); order != 0) return order;
  return std::strong_ordering::equal;
}

/// What tells apart two nodes of one kind beside their operands.
int64_t own_key(const Expr &expr) {
  if (auto *e = std::get_if<IntConst>(&expr)) return e->value;
  if (auto *e = std::get_if<Unary>(&expr)) return static_cast<int64_t>(e->op);
  if (auto *e = std::get_if<Binary>(&expr)) return static_cast<int64_t>(e->op);
  if (auto *e = std::get_if<Compare>(&expr)) return static_cast<int64_t>(e->op);
  if (auto *e = std::get_if<Cast>(&expr)) return static_cast<int64_t>(e->type.scalar);
  if (auto *e = std::get_if<Ramp>(&expr)) return e->stride;
  return 0;
}

} // namespace

int64_t LinearForm::coefficient(ExprId atom) const {
  for (const LinearTerm &term : terms)
    if (term.atom == atom) return term.coefficient;
  return 0;
}

bool LinearForm::add_term(ExprId atom, int64_t factor) {
  if (factor == 0) return true;
  LinearTerm *at = terms.end();
  while (at != terms.begin() && atom < (at - 1)->atom) --at;
  if (at == terms.begin() || (at - 1)->atom != atom) {
    terms.insert(at, {atom, factor});
    return true;
  }
  --at;
  const auto sum = checked_add(at->coefficient, factor);
  if (!sum) return false;
  at->coefficient = *sum;
  if (*sum == 0) terms.erase(at);
  return true;
}

bool LinearForm::add_scaled(const LinearForm &other, int64_t factor) {
  if (!join_lanes(lanes, other.lanes) || !accumulate(constant, other.constant, factor)) return false;
  if (!accumulate(lane_stride, other.lane_stride, factor)) return false;
  for (const LinearTerm &term : other.terms) {
    const auto product = checked_mul(term.coefficient, factor);
    if (!product || !add_term(term.atom, *product)) return false;
  }
  return true;
}

void LinearForm::drop(ExprId atom) {
  for (LinearTerm &term : terms)
    if (term.atom == atom) return static_cast<void>(terms.erase(&term));
}

std::optional<LinearForm> add(const LinearForm &a, const LinearForm &b) { return combine(a, b, 1); }
std::optional<LinearForm> subtract(const LinearForm &a, const LinearForm &b) { return combine(a, b, -1); }

std::optional<LinearForm> scale(const LinearForm &form, int64_t factor) {
  LinearForm out;
  return out.add_scaled(form, factor) ? std::optional(std::move(out)) : std::nullopt;
}

LinearForm linear_constant(int64_t value) {
  LinearForm form;
  form.constant = value;
  return form;
}

LinearForm linear_atom(const Kernel &kernel, ExprId atom) {
  LinearForm form;
  form.lanes = kernel.type_of(atom).lanes;
  form.terms.push_back({atom, 1});
  return form;
}

LinearForm to_linear(const Kernel &kernel, ExprId expr) {
  Collector collector(kernel);
  return collector.add(expr, 1) ? std::move(collector.form) : linear_atom(kernel, expr);
}

ExprId from_linear(Builder &builder, const LinearForm &form) {
  ExprId sum = kNoId<ExprId>;
  for (const LinearTerm &term : in_reading_order(builder.kernel(), form.terms)) {
    if (!is_valid(sum)) {
      sum = scaled_atom(builder, term, false);
    } else if (term.coefficient < 0 && term.coefficient != INT64_MIN) {
      sum = builder.sub(sum, scaled_atom(builder, term, true));
    } else {
      sum = builder.add(sum, scaled_atom(builder, term, false));
    }
  }
  if (!is_valid(sum)) {
    sum = builder.index(form.constant);
  } else if (form.constant < 0 && form.constant != INT64_MIN) {
    sum = builder.sub(sum, builder.index(-form.constant));
  } else if (form.constant != 0) {
    sum = builder.add(sum, builder.index(form.constant));
  }
  int lanes = builder.kernel().type_of(sum).lanes;
  if (form.lanes == 1 || (lanes == form.lanes && form.lane_stride == 0)) return sum;
  if (lanes == 1)
    return form.lane_stride == 0 ? builder.broadcast(sum, form.lanes) : builder.ramp(sum, form.lane_stride, form.lanes);
  return builder.add(builder.ramp(builder.index(0), form.lane_stride, form.lanes), sum);
}

std::optional<int64_t> splat_constant(const Kernel &kernel, ExprId expr) {
  if (auto *splat = std::get_if<Broadcast>(&kernel.expr(expr))) return kernel.constant(splat->a);
  return kernel.constant(expr);
}

std::optional<int64_t> coefficient_of(const Kernel &kernel, ExprId expr, VarId var) {
  int64_t found = 0;
  for (const LinearTerm &term : to_linear(kernel, expr).terms) {
    auto *ref = std::get_if<VarRef>(&kernel.expr(term.atom));
    if (ref && ref->var == var) found = term.coefficient;
    if (!ref && uses_var(kernel, term.atom, var)) return std::nullopt;
  }
  return found;
}

int64_t common_factor(const LinearForm &form) {
  uint64_t factor = 0;
  auto magnitude = [](int64_t v) { return v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v); };
  for (const LinearTerm &term : form.terms) factor = std::gcd(factor, magnitude(term.coefficient));
  factor = std::gcd(factor, magnitude(form.lane_stride));
  return factor > static_cast<uint64_t>(INT64_MAX) ? 1 : static_cast<int64_t>(factor);
}

namespace {

/// A product is a multiple of n when its factors' known divisors together are.
bool atom_is_multiple(const Kernel &kernel, ExprId atom, int64_t n) {
  if (n == 1) return true;
  auto *e = std::get_if<Binary>(&kernel.expr(atom));
  if (!e) return false;
  auto both = [&] { return is_multiple_of(kernel, e->a, n) && is_multiple_of(kernel, e->b, n); };
  if (e->op == BinaryOp::kMin || e->op == BinaryOp::kMax) return both();
  if (e->op == BinaryOp::kMul) return is_multiple_of(kernel, e->a, n) || is_multiple_of(kernel, e->b, n);
  if (e->op == BinaryOp::kMod) return both();
  return false;
}

} // namespace

bool is_multiple_of(const Kernel &kernel, ExprId expr, int64_t n) {
  SPARKLE_CHECK(n > 0, "divisibility by a number that is not positive");
  LinearForm form = to_linear(kernel, expr);
  if (form.constant % n != 0 || form.lane_stride % n != 0) return false;
  return std::all_of(form.terms.begin(), form.terms.end(), [&](const LinearTerm &term) {
    int64_t rest = n / std::gcd(n, term.coefficient % n);
    return rest == 1 || atom_is_multiple(kernel, term.atom, rest);
  });
}

std::strong_ordering compare_exprs(const Kernel &kernel, ExprId a, ExprId b) {
  if (a == b) return std::strong_ordering::equal;
  const Expr &left = kernel.expr(a);
  const Expr &right = kernel.expr(b);
  if (auto order = left.index() <=> right.index(); order != 0) return order;
  if (auto *ref = std::get_if<VarRef>(&left))
    return kernel.var(ref->var).name.compare(kernel.var(std::get<VarRef>(right).var).name) <=> 0;
  if (auto order = own_key(left) <=> own_key(right); order != 0) return order;
  return compare_children(kernel, left, right);
}

} // namespace sparkle
