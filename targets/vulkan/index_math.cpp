#include "targets/vulkan/index_math.h"

#include <numeric>

#include "compiler/analysis/walk.h"
#include "compiler/support/match.h"

namespace sparkle::vulkan {
namespace {

constexpr int64_t kWidestVector = 4;

const VarRef *as_var(const Kernel &kernel, ExprId id) { return std::get_if<VarRef>(&kernel.expr(id)); }

/// `3 - x`, not `x * (-1) + 3`.
ExprId readable_sum(Builder &builder, const LinearForm &form) {
  bool all_negative = form.constant > 0 && !form.terms.empty();
  for (const LinearTerm &term : form.terms) all_negative = all_negative && term.coefficient < 0;
  if (!all_negative) return from_linear(builder, form);
  LinearForm terms = form;
  terms.constant = 0;
  auto positive = scale(terms, -1);
  if (!positive) return from_linear(builder, form);
  return builder.sub(builder.index(form.constant), from_linear(builder, *positive));
}

/// Two parts of one index, the one that would need a sign in front last.
ExprId sum_of(Builder &builder, const LinearForm &whole, ExprId part) {
  bool all_negative = !whole.terms.empty() && whole.constant <= 0;
  for (const LinearTerm &term : whole.terms) all_negative = all_negative && term.coefficient < 0;
  auto positive = all_negative ? scale(whole, -1) : std::nullopt;
  if (positive) return builder.sub(part, from_linear(builder, *positive));
  return builder.add(readable_sum(builder, whole), part);
}

} // namespace

Divisors::Divisors(const Kernel &kernel) {
  for_each_stmt(kernel, kernel.body, [&](StmtId id) {
    auto *let = std::get_if<Let>(&kernel.stmt(id));
    if (let && kernel.var(let->var).type == kIndexType)
      lets_[let->var] = of_form(kernel, to_linear(kernel, let->value));
  });
}

int64_t Divisors::of_atom(const Kernel &kernel, ExprId atom) const {
  if (auto *ref = as_var(kernel, atom)) {
    auto found = lets_.find(ref->var);
    return found == lets_.end() ? 1 : found->second;
  }
  for (int64_t n : {kWidestVector, kWidestVector / 2}) {
    if (is_multiple_of(kernel, atom, n)) return n;
  }
  return 1;
}

int64_t Divisors::of_form(const Kernel &kernel, const LinearForm &form) const {
  int64_t divisor = std::gcd(kWidestVector, form.constant);
  for (const LinearTerm &term : form.terms) {
    divisor = std::gcd(divisor, std::gcd(term.coefficient, kWidestVector) * of_atom(kernel, term.atom));
  }
  return divisor;
}

bool Divisors::divides(const Kernel &kernel, const LinearForm &form, int64_t n) const {
  return of_form(kernel, form) % n == 0;
}

QuotientRemainder divide_index(Builder &builder, const Ranges &ranges, const Divisors &divisors, ExprId index,
                               int64_t n) {
  Kernel &k = builder.kernel();
  LinearForm whole, rest;
  for (const LinearTerm &term : to_linear(k, index).terms) {
    if (term.coefficient % n == 0) {
      whole.terms.push_back({term.atom, term.coefficient / n});
    } else {
      rest.terms.push_back(term);
    }
  }
  int64_t constant = to_linear(k, index).constant;
  // What of the constant goes with the rest must keep the rest small; the remainder of the constant does.
  rest.constant = ((constant % n) + n) % n;
  whole.constant = (constant - rest.constant) / n;

  ExprId rest_expr = readable_sum(builder, rest);
  if (rest.terms.empty()) return {readable_sum(builder, whole), rest_expr};

  LinearForm varying = rest;
  varying.constant = 0;
  bool rest_is_multiple = divisors.divides(k, varying, n);
  if (rest_is_multiple) {
    ExprId part = builder.div(from_linear(builder, varying), builder.index(n));
    return {sum_of(builder, whole, part), builder.index(rest.constant)};
  }
  Interval range = bounds(k, rest, ranges);
  if (range.lo && range.hi && *range.lo >= 0 && *range.hi < n) return {readable_sum(builder, whole), rest_expr};
  ExprId part = builder.div(rest_expr, builder.index(n));
  return {sum_of(builder, whole, part), builder.mod(rest_expr, builder.index(n))};
}

std::optional<ExprId> uniform_lane(const Kernel &kernel, ExprId expr) {
  if (!kernel.type_of(expr).is_vector()) return expr;
  if (auto *splat = std::get_if<Broadcast>(&kernel.expr(expr))) return splat->a;
  return std::nullopt;
}

ExprId lane_of(Builder &builder, ExprId id, int lane) {
  Kernel &k = builder.kernel();
  if (auto scalar = uniform_lane(k, id)) return *scalar;
  const Expr expr = k.expr(id); // A copy: the table grows below.
  auto of = [&](ExprId e) { return lane_of(builder, e, lane); };
  return match(
      expr, [&](const Ramp &e) { return builder.add(e.base, builder.integer(k.type_of(e.base), e.stride * lane)); },
      [&](const Unary &e) { return builder.unary(e.op, of(e.a)); },
      [&](const Binary &e) { return builder.binary(e.op, of(e.a), of(e.b)); },
      [&](const Compare &e) { return builder.compare(e.op, of(e.a), of(e.b)); },
      [&](const Select &e) { return builder.select(of(e.cond), of(e.a), of(e.b)); },
      [&](const Fma &e) { return builder.fma(of(e.a), of(e.b), of(e.c)); },
      [&](const Cast &e) { return builder.cast(e.type.with_lanes(1), of(e.a)); },
      [&](const Bitcast &e) { return builder.bitcast(e.type.with_lanes(1), of(e.a)); },
      [&](const Shuffle &e) {
        int from = e.indices[lane];
        for (ExprId input : e.inputs) {
          int lanes = k.type_of(input).lanes;
          if (from < lanes) return lane_of(builder, input, from);
          from -= lanes;
        }
        SPARKLE_CHECK(false, "shuffle index out of range");
      },
      [&](const auto &) {
        return k.intern(Shuffle{{id}, {lane}});
      });
}

} // namespace sparkle::vulkan
