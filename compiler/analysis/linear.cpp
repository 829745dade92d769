#include "compiler/analysis/linear.h"

#include <algorithm>
#include <numeric>

#include "compiler/analysis/walk.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"

namespace sparkle {

namespace {

bool is_index(const Kernel &kernel, ExprId id) { return kernel.type_of(id).scalar == Scalar::kIndex; }

std::optional<LinearForm> multiply(const LinearForm &a, const LinearForm &b) {
  if (a.is_constant() && a.lanes == 1) return scale(b, a.constant);
  if (b.is_constant() && b.lanes == 1) return scale(a, b.constant);
  if (a.lanes != b.lanes) return std::nullopt;
  if (a.is_constant()) return scale(b, a.constant);
  if (b.is_constant()) return scale(a, b.constant);
  return std::nullopt;
}

std::optional<LinearForm> binary_form(const Kernel &kernel, const Binary &e) {
  switch (e.op) {
  case BinaryOp::kAdd: return add(to_linear(kernel, e.a), to_linear(kernel, e.b));
  case BinaryOp::kSub: return subtract(to_linear(kernel, e.a), to_linear(kernel, e.b));
  case BinaryOp::kMul: return multiply(to_linear(kernel, e.a), to_linear(kernel, e.b));
  default: return std::nullopt;
  }
}

std::optional<LinearForm> ramp_form(const Kernel &kernel, const Ramp &e) {
  LinearForm form = to_linear(kernel, e.base);
  if (form.lanes != 1) return std::nullopt;
  form.lanes = e.lanes;
  form.lane_stride = e.stride;
  return form;
}

std::optional<LinearForm> broadcast_form(const Kernel &kernel, const Broadcast &e) {
  LinearForm form = to_linear(kernel, e.a);
  if (form.lanes != 1) return std::nullopt;
  form.lanes = e.lanes;
  return form;
}

std::optional<LinearForm> try_linear(const Kernel &kernel, ExprId id) {
  const Expr &expr = kernel.expr(id);
  if (auto *binary = std::get_if<Binary>(&expr)) return binary_form(kernel, *binary);
  if (auto *ramp = std::get_if<Ramp>(&expr)) return ramp_form(kernel, *ramp);
  if (auto *splat = std::get_if<Broadcast>(&expr)) return broadcast_form(kernel, *splat);
  if (auto *unary = std::get_if<Unary>(&expr); unary && unary->op == UnaryOp::kNeg)
    return scale(to_linear(kernel, unary->a), -1);
  return std::nullopt;
}

/// a + sign * b, merging the sorted terms.
std::optional<LinearForm> combine(const LinearForm &a, const LinearForm &b, int64_t sign) {
  auto scaled = scale(b, sign);
  if (!scaled || (a.lanes != b.lanes && a.lanes != 1 && b.lanes != 1)) return std::nullopt;
  LinearForm out;
  out.lanes = std::max(a.lanes, b.lanes);
  auto constant = checked_add(a.constant, scaled->constant);
  auto stride = checked_add(a.lane_stride, scaled->lane_stride);
  if (!constant || !stride) return std::nullopt;
  out.constant = *constant;
  out.lane_stride = *stride;
  auto left = a.terms.begin();
  auto right = scaled->terms.begin();
  while (left != a.terms.end() || right != scaled->terms.end()) {
    if (right == scaled->terms.end() || (left != a.terms.end() && left->atom < right->atom)) {
      out.terms.push_back(*left++);
    } else if (left == a.terms.end() || right->atom < left->atom) {
      out.terms.push_back(*right++);
    } else {
      auto sum = checked_add(left->coefficient, right->coefficient);
      if (!sum) return std::nullopt;
      if (*sum != 0) out.terms.push_back({left->atom, *sum});
      ++left, ++right;
    }
  }
  return out;
}

ExprId scaled_atom(Builder &builder, const LinearTerm &term, bool negate) {
  int64_t factor = negate ? -term.coefficient : term.coefficient;
  return factor == 1 ? term.atom : builder.mul(term.atom, builder.index(factor));
}

std::vector<LinearTerm> in_reading_order(const Kernel &kernel, std::vector<LinearTerm> terms) {
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
  std::vector<ExprId> left, right;
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

std::optional<LinearForm> add(const LinearForm &a, const LinearForm &b) { return combine(a, b, 1); }
std::optional<LinearForm> subtract(const LinearForm &a, const LinearForm &b) { return combine(a, b, -1); }

std::optional<LinearForm> scale(const LinearForm &form, int64_t factor) {
  LinearForm out;
  out.lanes = form.lanes;
  if (factor == 0) return out;
  auto constant = checked_mul(form.constant, factor);
  auto stride = checked_mul(form.lane_stride, factor);
  if (!constant || !stride) return std::nullopt;
  out.constant = *constant;
  out.lane_stride = *stride;
  for (const LinearTerm &term : form.terms) {
    auto product = checked_mul(term.coefficient, factor);
    if (!product) return std::nullopt;
    out.terms.push_back({term.atom, *product});
  }
  return out;
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
  if (auto value = kernel.constant(expr)) {
    LinearForm form = linear_constant(*value);
    form.lanes = kernel.type_of(expr).lanes;
    return form;
  }
  if (is_index(kernel, expr))
    if (auto form = try_linear(kernel, expr)) return *form;
  return linear_atom(kernel, expr);
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
