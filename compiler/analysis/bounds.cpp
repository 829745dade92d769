// Bounds of linear forms. A sum of intervals forgets that its terms belong together (ow - ow_o*14), so besides it the
// terms are replaced by what bounds them - a loop variable by its bounds, min(a, b) by a, c*(x/c) by x - and the
// tightest wins.
#include <algorithm>

#include "compiler/analysis/interval.h"
#include "compiler/support/checked_math.h"

namespace sparkle {

namespace {

/// Forms looked at per query: a limit on the time that nested min and max can take, not tuned. Beyond it bounds stay
/// true, but may be less tight.
constexpr int kBudget = 200;

enum class End { kLower, kUpper };

using Bound = std::optional<int64_t>;

/// One end of a form, and the value from which on it is tight enough to stop looking; none: as tight as it gets.
struct Query {
  End end;
  Bound goal;

  bool is_tighter(int64_t a, int64_t b) const { return end == End::kLower ? a > b : a < b; }
  bool is_met(Bound bound) const { return goal && bound && !is_tighter(*goal, *bound); }
  /// The end of an atom with this coefficient that counts.
  bool wants_upper(int64_t coefficient) const { return (coefficient > 0) == (end == End::kUpper); }
};

class Bounder {
public:
  Bounder(const Kernel &kernel, const Ranges &ranges) : k_(kernel), ranges_(ranges) {}

  Interval interval(const LinearForm &form) { return {lower(form), upper(form)}; }
  Interval interval(ExprId id) { return interval(to_linear(k_, id)); }
  Bound lower(const LinearForm &form, Bound goal = {}) { return bound(form, {End::kLower, goal}); }
  Bound upper(const LinearForm &form, Bound goal = {}) { return bound(form, {End::kUpper, goal}); }

private:
  struct Known {
    ExprId atom;
    Interval interval;
  };

  Bound bound(const LinearForm &form, const Query &query) { return tightest(form, query, ranges_.facts().size()); }

  Bound tightest(const LinearForm &form, const Query &query, size_t facts) {
    Bound best = sum_of_terms(form, query.end);
    if (--budget_ < 0 || query.is_met(best)) return best;
    for (const LinearTerm &term : form.terms) {
      replace(form, term, query, [&](const LinearForm &other) { take(best, tightest(other, query, facts), query); });
      if (query.is_met(best)) return best;
    }
    for (size_t i = facts; i-- > 0 && budget_ > 0 && !query.is_met(best);) {
      const Ranges::Fact &fact = ranges_.facts()[i];
      auto other = fact.is_relative() ? apply(fact, form, query) : std::nullopt;
      if (!other) continue;
      take(best, tightest(*other, query, i), query);
      if (fact.is_exact) break; // Nothing is lost by the exchange, so there is no use in doing without it.
    }
    return best;
  }

  static void take(Bound &best, Bound candidate, const Query &query) {
    if (candidate && (!best || query.is_tighter(*candidate, *best))) best = candidate;
  }

  Bound sum_of_terms(const LinearForm &form, End end) {
    Bound sum = form.constant;
    const auto add_scaled = [&](const Interval &range, int64_t factor) {
      const Bound of_range = (factor > 0) == (end == End::kUpper) ? range.hi : range.lo;
      const Bound product = of_range ? checked_mul(*of_range, factor) : of_range;
      sum = product ? checked_add(*sum, *product) : std::nullopt;
      return sum.has_value();
    };
    for (const LinearTerm &term : form.terms)
      if (!add_scaled(of_atom(term.atom), term.coefficient)) return std::nullopt;
    if (form.lane_stride != 0) add_scaled({0, form.lanes - 1}, form.lane_stride);
    return sum;
  }

  /// Calls `use` with the form with `term` replaced by something at least (for the upper end) or at most (lower) as
  /// large.
  template <class Use> void replace(const LinearForm &form, const LinearTerm &term, const Query &query, Use &&use) {
    auto *e = std::get_if<Binary>(&k_.expr(term.atom));
    if (!e || budget_ <= 0) return;
    const bool atom_upper = query.wants_upper(term.coefficient);
    if (e->op == (atom_upper ? BinaryOp::kMin : BinaryOp::kMax)) {
      for (const ExprId side : {e->a, e->b})
        if (const auto other = exchange(form, term.atom, to_linear(k_, side), term.coefficient)) use(*other);
    }
    if (e->op != BinaryOp::kDiv) return;
    const auto divisor = splat_constant(k_, e->b);
    if (!divisor || *divisor <= 0 || term.coefficient % *divisor != 0) return;
    // x - (c-1) <= c*(x/c) <= x
    const int64_t factor = term.coefficient / *divisor;
    const auto slack = atom_upper ? std::optional<int64_t>(0) : checked_mul(-factor, *divisor - 1);
    auto other = slack ? exchange(form, term.atom, to_linear(k_, e->a), factor) : std::nullopt;
    if (!other) return;
    const auto constant = checked_add(other->constant, *slack);
    if (!constant) return;
    other->constant = *constant;
    use(*other);
  }

  static std::optional<LinearForm> exchange(const LinearForm &form, ExprId atom, const LinearForm &by, int64_t factor) {
    std::optional<LinearForm> out = form;
    out->drop(atom);
    if (!out->add_scaled(by, factor)) out.reset();
    return out;
  }

  std::optional<LinearForm> apply(const Ranges::Fact &fact, const LinearForm &form, const Query &query) {
    for (const LinearTerm &term : form.terms) {
      auto *ref = std::get_if<VarRef>(&k_.expr(term.atom));
      if (!ref || ref->var != fact.var) continue;
      const std::optional<LinearForm> &by = query.wants_upper(term.coefficient) ? fact.upper : fact.lower;
      // A constant end is in the plain sum already.
      if (!by || by->is_constant()) return std::nullopt;
      return exchange(form, term.atom, *by, term.coefficient);
    }
    return std::nullopt;
  }

  Interval of_atom(ExprId id) {
    for (const Known &known : known_)
      if (known.atom == id) return known.interval;
    const Interval interval = find_atom(id);
    known_.push_back({id, interval});
    return interval;
  }

  Interval find_atom(ExprId id) {
    Interval by_type = values_of(k_.type_of(id).scalar);
    const Expr &expr = k_.expr(id);
    if (auto *ref = std::get_if<VarRef>(&expr)) return intersect(by_type, ranges_.interval(k_, ref->var));
    if (auto *e = std::get_if<Binary>(&expr)) return intersect(by_type, of_binary(*e, k_.type_of(id).scalar));
    if (auto *e = std::get_if<Select>(&expr)) return intersect(by_type, of_select(*e));
    if (auto *e = std::get_if<Broadcast>(&expr)) return of_atom_or_form(e->a);
    if (auto *e = std::get_if<Cast>(&expr)) return of_cast(*e, by_type);
    return by_type;
  }

  Interval of_atom_or_form(ExprId id) { return is_integer(k_.type_of(id).scalar) ? interval(id) : Interval{}; }

  Interval of_select(const Select &e) {
    if (!is_integer(k_.type_of(e.a).scalar)) return {};
    if (auto known = prove(k_, e.cond, ranges_)) return interval(*known ? e.a : e.b);
    return hull(interval(e.a), interval(e.b));
  }

  Interval of_cast(const Cast &e, const Interval &by_type) {
    if (!is_integer(k_.type_of(e.a).scalar)) return by_type;
    Interval operand = interval(e.a);
    // Narrowing saturates, so the ends move into the type's range like the value itself.
    auto clamp = [&](Bound bound) -> Bound {
      if (!bound) return bound;
      if (by_type.lo && *bound < *by_type.lo) return by_type.lo;
      if (by_type.hi && *bound > *by_type.hi) return by_type.hi;
      return bound;
    };
    return intersect(by_type, {clamp(operand.lo), clamp(operand.hi)});
  }

  Interval of_binary(const Binary &e, Scalar scalar) {
    if (!is_integer(scalar)) return {};
    Interval a = interval(e.a);
    if (e.op == BinaryOp::kDiv || e.op == BinaryOp::kMod) {
      auto divisor = splat_constant(k_, e.b);
      if (divisor && *divisor > 0) return e.op == BinaryOp::kDiv ? divide(a, *divisor) : modulo(a, *divisor);
      if (e.op == BinaryOp::kMod) return {0, minus_one(interval(e.b).hi)};
      return a.lo && *a.lo >= 0 ? Interval{0, a.hi} : Interval{};
    }
    Interval b = interval(e.b);
    if (e.op == BinaryOp::kMin) return {known_min(a.lo, b.lo), either_min(a.hi, b.hi)};
    if (e.op == BinaryOp::kMax) return {either_max(a.lo, b.lo), known_max(a.hi, b.hi)};
    // Sums of indices only get here when their numbers overflowed; those of other types wrap beyond their range.
    if (scalar == Scalar::kIndex) return e.op == BinaryOp::kMul ? multiply(a, b) : Interval{};
    return without_wrapping(e.op, a, b, values_of(scalar));
  }

  static Interval without_wrapping(BinaryOp op, const Interval &a, const Interval &b, const Interval &type) {
    if (!a.is_bounded() || !b.is_bounded()) return {};
    Interval all;
    if (op == BinaryOp::kAdd) all = add(a, b);
    if (op == BinaryOp::kSub) all = add(a, scale(b, -1));
    if (op == BinaryOp::kMul) all = multiply(a, b);
    return is_within(all, type) ? all : Interval{};
  }

  static Interval divide(const Interval &a, int64_t divisor) {
    auto end = [&](Bound bound) { return bound ? Bound(floor_div(*bound, divisor)) : bound; };
    return {end(a.lo), end(a.hi)};
  }

  static Interval modulo(const Interval &a, int64_t divisor) {
    bool one_period = a.is_bounded() && floor_div(*a.lo, divisor) == floor_div(*a.hi, divisor);
    if (one_period) return {floor_mod(*a.lo, divisor), floor_mod(*a.hi, divisor)};
    return {0, divisor - 1};
  }

  static Bound minus_one(Bound a) { return a ? checked_sub(*a, 1) : a; }
  static Bound known_min(Bound a, Bound b) { return a && b ? Bound(std::min(*a, *b)) : std::nullopt; }
  static Bound known_max(Bound a, Bound b) { return a && b ? Bound(std::max(*a, *b)) : std::nullopt; }
  static Bound either_min(Bound a, Bound b) { return a && b ? Bound(std::min(*a, *b)) : a ? a : b; }
  static Bound either_max(Bound a, Bound b) { return a && b ? Bound(std::max(*a, *b)) : a ? a : b; }

  const Kernel &k_;
  const Ranges &ranges_;
  int budget_ = kBudget;
  SmallVector<Known, 12> known_; ///< Atoms seen.
};

std::optional<bool> prove_compare(const Kernel &kernel, const Compare &e, const Ranges &ranges) {
  Scalar scalar = kernel.type_of(e.a).scalar;
  if (!is_integer(scalar) && scalar != Scalar::kBool) return std::nullopt;
  auto difference = subtract(to_linear(kernel, e.a), to_linear(kernel, e.b));
  if (!difference) return std::nullopt;
  Bounder bounder(kernel, ranges);
  if (e.op == CompareOp::kEq || e.op == CompareOp::kNe) {
    const Interval range = bounder.interval(*difference);
    int64_t factor = common_factor(*difference);
    bool never = !range.contains(0) || (factor > 1 && difference->constant % factor != 0);
    if (never) return e.op == CompareOp::kNe;
    if (range.is_point()) return e.op == CompareOp::kEq;
    return std::nullopt;
  }
  const int64_t limit = e.op == CompareOp::kLt ? -1 : 0;
  if (const Bound most = bounder.upper(*difference, limit); most && *most <= limit) return true;
  if (const Bound least = bounder.lower(*difference, limit + 1); least && *least > limit) return false;
  return std::nullopt;
}

std::optional<bool> prove_binary(const Kernel &kernel, const Binary &e, const Ranges &ranges) {
  if (e.op != BinaryOp::kAnd && e.op != BinaryOp::kOr) return std::nullopt;
  auto a = prove(kernel, e.a, ranges);
  auto b = prove(kernel, e.b, ranges);
  // The value that decides alone: false for `and`, true for `or`.
  bool decisive = e.op == BinaryOp::kOr;
  if ((a && *a == decisive) || (b && *b == decisive)) return decisive;
  if (a && b) return !decisive;
  return std::nullopt;
}

} // namespace

Interval bounds(const Kernel &kernel, const LinearForm &form, const Ranges &ranges) {
  return Bounder(kernel, ranges).interval(form);
}

std::optional<int64_t> lower_bound(const Kernel &kernel, const LinearForm &form, const Ranges &ranges) {
  return form.is_constant() ? form.constant : Bounder(kernel, ranges).lower(form);
}

std::optional<int64_t> upper_bound(const Kernel &kernel, const LinearForm &form, const Ranges &ranges) {
  return form.is_constant() ? form.constant : Bounder(kernel, ranges).upper(form);
}

std::optional<int64_t> fixed_value(const Kernel &kernel, const LinearForm &form, const Ranges &ranges) {
  if (form.is_constant()) return form.constant;
  if (form.lane_stride != 0) return std::nullopt;
  // Variables that no fact ties to others move by themselves: one that moves is enough, and most do.
  const auto is_tied = [&](const LinearTerm &term) {
    const auto *ref = std::get_if<VarRef>(&kernel.expr(term.atom));
    return !ref || std::ranges::any_of(ranges.facts(), [&](const Ranges::Fact &fact) {
      return fact.var == ref->var && fact.is_relative();
    });
  };
  if (std::ranges::none_of(form.terms, is_tied)) {
    const VarId first = std::get<VarRef>(kernel.expr(form.terms.front().atom)).var;
    if (!ranges.interval(kernel, first).is_point()) return std::nullopt;
  }
  const Interval range = bounds(kernel, form, ranges);
  return range.is_point() ? range.lo : std::nullopt;
}

Interval bounds(const Kernel &kernel, ExprId expr, const Ranges &ranges) {
  return bounds(kernel, to_linear(kernel, expr), ranges);
}

std::optional<bool> prove(const Kernel &kernel, ExprId cond, const Ranges &ranges) {
  if (auto value = kernel.constant(cond)) return *value != 0;
  const Expr &expr = kernel.expr(cond);
  if (auto *e = std::get_if<Broadcast>(&expr)) return prove(kernel, e->a, ranges);
  if (auto *e = std::get_if<Compare>(&expr)) return prove_compare(kernel, *e, ranges);
  if (auto *e = std::get_if<Binary>(&expr)) return prove_binary(kernel, *e, ranges);
  auto *e = std::get_if<Unary>(&expr);
  if (!e || e->op != UnaryOp::kNot) return std::nullopt;
  auto operand = prove(kernel, e->a, ranges);
  return operand ? std::optional<bool>(!*operand) : std::nullopt;
}

} // namespace sparkle
