#include "compiler/passes/simplify_divmod.h"

#include <algorithm>
#include <numeric>

#include "compiler/support/checked_math.h"

namespace sparkle {

namespace {

/// form = multiple + rest, every coefficient of `multiple` divisible by c.
struct Split {
  LinearForm multiple, rest;
};

Split split_by(const LinearForm &form, int64_t c) {
  Split out;
  out.multiple.lanes = out.rest.lanes = form.lanes;
  for (const LinearTerm &term : form.terms) (term.coefficient % c == 0 ? out.multiple : out.rest).terms.push_back(term);
  (form.lane_stride % c == 0 ? out.multiple : out.rest).lane_stride = form.lane_stride;
  // A constant below c in size stays: `(n + 15) / 16` reads better than `(n - 1) / 16 + 1`.
  bool keep = form.constant > -c && form.constant < c;
  int64_t kept = keep ? form.constant : floor_mod(form.constant, c);
  out.rest.constant = kept;
  out.multiple.constant = form.constant - kept;
  return out;
}

/// All numbers of the form divided by c, which divides them.
LinearForm quotient(LinearForm form, int64_t c) {
  for (LinearTerm &term : form.terms) term.coefficient /= c;
  form.constant /= c;
  form.lane_stride /= c;
  return form;
}

LinearForm splat(int64_t value, int lanes) {
  LinearForm form = linear_constant(value);
  form.lanes = lanes;
  return form;
}

/// q where form stays in [c*q, c*q + c).
std::optional<int64_t> only_period(const Kernel &kernel, const LinearForm &form, int64_t c, const Ranges &ranges) {
  Interval range = bounds(kernel, form, ranges);
  if (!range.is_bounded() || floor_div(*range.lo, c) != floor_div(*range.hi, c)) return std::nullopt;
  return floor_div(*range.lo, c);
}

/// form = g*coarse + fine with g > 1 dividing c, and 0 <= fine < g.
struct Scaled {
  int64_t g;
  LinearForm coarse, fine;
};

std::optional<Scaled> scaled_by(const Kernel &kernel, const LinearForm &form, int64_t g, const Ranges &ranges) {
  Split split = split_by(form, g);
  int64_t remainder = floor_mod(split.rest.constant, g);
  split.multiple.constant = form.constant - remainder;
  split.rest.constant = remainder;
  if (only_period(kernel, split.rest, g, ranges) != 0) return std::nullopt;
  return Scaled{g, quotient(split.multiple, g), split.rest};
}

std::optional<Scaled> find_scaled(const Kernel &kernel, const LinearForm &form, int64_t c, const Ranges &ranges) {
  std::vector<int64_t> factors;
  for (const LinearTerm &term : form.terms) factors.push_back(std::gcd(term.coefficient, c));
  if (form.lane_stride != 0) factors.push_back(std::gcd(form.lane_stride, c));
  std::sort(factors.begin(), factors.end(), std::greater<>());
  for (int64_t g : factors)
    if (g > 1)
      if (auto found = scaled_by(kernel, form, g, ranges)) return found;
  return std::nullopt;
}

ExprId make(Builder &builder, BinaryOp op, const LinearForm &form, int64_t c) {
  return builder.binary(op, from_linear(builder, form), builder.index(c));
}

/// x and a of an atom x/a or x%a.
struct DivMod {
  ExprId x;
  int64_t divisor;
};

std::optional<DivMod> as_div_mod(const Kernel &kernel, ExprId atom, BinaryOp op) {
  auto *e = std::get_if<Binary>(&kernel.expr(atom));
  if (!e || e->op != op || kernel.type_of(atom).scalar != Scalar::kIndex) return std::nullopt;
  auto divisor = splat_constant(kernel, e->b);
  if (!divisor || *divisor <= 0) return std::nullopt;
  return DivMod{e->a, *divisor};
}

/// (x/a + y) / c -> (x + a*y) / (a*c), which is one division less.
std::optional<LinearForm> divide_nested(Builder &builder, const LinearForm &form, int64_t c, const Ranges &ranges) {
  const Kernel &kernel = builder.kernel();
  for (const LinearTerm &term : form.terms) {
    auto inner = as_div_mod(kernel, term.atom, BinaryOp::kDiv);
    auto divisor = inner && term.coefficient == 1 ? checked_mul(c, inner->divisor) : std::nullopt;
    if (!divisor) continue;
    LinearForm rest = form;
    rest.drop(term.atom);
    auto scaled = scale(rest, inner->divisor);
    auto sum = scaled ? add(to_linear(kernel, inner->x), *scaled) : std::nullopt;
    if (sum && sum->lanes == form.lanes) return divide(builder, *sum, *divisor, ranges);
  }
  return std::nullopt;
}

/// Replaces k*(x%a) by k*x where c divides k*a; true when it did.
bool drop_inner_modulo(const Kernel &kernel, LinearForm &form, int64_t c) {
  for (const LinearTerm &term : form.terms) {
    auto inner = as_div_mod(kernel, term.atom, BinaryOp::kMod);
    auto period = inner ? checked_mul(term.coefficient, inner->divisor) : std::nullopt;
    if (!period || *period % c != 0) continue;
    LinearForm rest = form;
    rest.drop(term.atom);
    auto scaled = scale(to_linear(kernel, inner->x), term.coefficient);
    auto sum = scaled ? add(rest, *scaled) : std::nullopt;
    if (!sum) continue;
    form = *sum;
    return true;
  }
  return false;
}

/// Coefficients, reduced to below c in size.
LinearForm reduced(const LinearForm &form, int64_t c) {
  LinearForm out = split_by(form, c).rest;
  for (LinearTerm &term : out.terms) term.coefficient %= c;
  return out;
}

/// Of computing the sum: a quotient or remainder is a multiplication and more.
size_t cost_of(const Kernel &kernel, const LinearForm &form) {
  size_t cost = form.terms.size();
  for (const LinearTerm &term : form.terms)
    if (as_div_mod(kernel, term.atom, BinaryOp::kDiv) || as_div_mod(kernel, term.atom, BinaryOp::kMod)) cost += 2;
  return cost;
}

/// form - coefficient*atom + plus - minus, where that costs less. Costs fall, so `recombine` ends.
std::optional<LinearForm> cheaper(const Kernel &kernel, const LinearForm &form, const LinearTerm &term,
                                  const std::optional<LinearForm> &plus, const std::optional<LinearForm> &minus) {
  if (!plus || !minus) return std::nullopt;
  LinearForm rest = form;
  rest.drop(term.atom);
  auto sum = add(rest, *plus);
  if (sum) sum = subtract(*sum, *minus);
  if (!sum || cost_of(kernel, *sum) >= cost_of(kernel, form)) return std::nullopt;
  return sum;
}

/// k*(x%b) = k*x - k*b*(x/b)
std::optional<LinearForm> expand_modulo(Builder &builder, const LinearForm &form, const LinearTerm &term,
                                        const Ranges &ranges) {
  auto e = as_div_mod(builder.kernel(), term.atom, BinaryOp::kMod);
  auto factor = e ? checked_mul(term.coefficient, e->divisor) : std::nullopt;
  if (!factor) return std::nullopt;
  LinearForm x = to_linear(builder.kernel(), e->x);
  LinearForm whole = divide(builder, x, e->divisor, ranges);
  return cheaper(builder.kernel(), form, term, scale(x, term.coefficient), scale(whole, *factor));
}

/// -k*b*(x/b) = k*(x%b) - k*x
std::optional<LinearForm> contract_modulo(Builder &builder, const LinearForm &form, const LinearTerm &term,
                                          const Ranges &ranges) {
  auto e = as_div_mod(builder.kernel(), term.atom, BinaryOp::kDiv);
  if (!e || term.coefficient % e->divisor != 0 || term.coefficient == INT64_MIN) return std::nullopt;
  int64_t k = -term.coefficient / e->divisor;
  LinearForm x = to_linear(builder.kernel(), e->x);
  LinearForm remainder = modulo(builder, x, e->divisor, ranges);
  return cheaper(builder.kernel(), form, term, scale(remainder, k), scale(x, k));
}

} // namespace

LinearForm divide(Builder &builder, const LinearForm &form, int64_t c, const Ranges &ranges) {
  const Kernel &kernel = builder.kernel();
  if (c == 1) return form;
  if (auto period = only_period(kernel, form, c, ranges)) return splat(*period, form.lanes);
  Split split = split_by(form, c);
  LinearForm whole = quotient(split.multiple, c);
  auto plus_whole = [&](const LinearForm &part) {
    auto sum = add(whole, part);
    return sum ? *sum : linear_atom(kernel, make(builder, BinaryOp::kDiv, form, c));
  };
  if (auto period = only_period(kernel, split.rest, c, ranges)) return plus_whole(splat(*period, form.lanes));
  if (auto scaled = find_scaled(kernel, split.rest, c, ranges))
    return plus_whole(divide(builder, scaled->coarse, c / scaled->g, ranges));
  if (auto nested = divide_nested(builder, split.rest, c, ranges)) return plus_whole(*nested);
  return plus_whole(to_linear(kernel, make(builder, BinaryOp::kDiv, split.rest, c)));
}

LinearForm modulo(Builder &builder, const LinearForm &form, int64_t c, const Ranges &ranges) {
  const Kernel &kernel = builder.kernel();
  LinearForm rest = reduced(form, c);
  while (drop_inner_modulo(kernel, rest, c)) rest = reduced(rest, c);
  for (const LinearForm *candidate : {&form, &std::as_const(rest)}) {
    auto period = only_period(kernel, *candidate, c, ranges);
    auto offset = period ? checked_mul(*period, c) : std::nullopt;
    auto result = offset ? subtract(*candidate, linear_constant(*offset)) : std::nullopt;
    if (result) return *result;
  }
  if (auto scaled = find_scaled(kernel, rest, c, ranges)) {
    auto coarse = scale(modulo(builder, scaled->coarse, c / scaled->g, ranges), scaled->g);
    auto sum = coarse ? add(*coarse, scaled->fine) : std::nullopt;
    if (sum) return *sum;
  }
  return to_linear(kernel, make(builder, BinaryOp::kMod, rest, c));
}

LinearForm recombine(Builder &builder, LinearForm form, const Ranges &ranges) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const LinearTerm &term : form.terms) {
      auto next = expand_modulo(builder, form, term, ranges);
      if (!next) next = contract_modulo(builder, form, term, ranges);
      if (!next) continue;
      form = std::move(*next);
      changed = true;
      break;
    }
  }
  return form;
}

} // namespace sparkle
