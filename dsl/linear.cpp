#include "dsl/linear.h"

#include <algorithm>

#include "compiler/support/checked_math.h"

namespace sparkle::dsl {
namespace {

Error overflow() { return {ErrorCode::kShapeOverflow, "leaves 64 bits"}; }
Error needs_dimension() {
  return {ErrorCode::kUnsupported, "depends on a dimension that was left open; it must be given"};
}

std::optional<SymInt> lesser(const SymInt &a, const SymInt &b) {
  if (SymInt::surely_le(a, b)) return a;
  if (SymInt::surely_le(b, a)) return b;
  return std::nullopt;
}
std::optional<SymInt> greater(const SymInt &a, const SymInt &b) {
  if (SymInt::surely_le(a, b)) return b;
  if (SymInt::surely_le(b, a)) return a;
  return std::nullopt;
}

/// form = divisor * whole + rest, with every factor and constant of rest in [0, divisor).
struct Split {
  Linear whole, rest;
};

Split split(const Linear &form, int64_t divisor) {
  Split parts;
  for (const LinearTerm &term : form.terms) {
    if (const int64_t q = floor_div(term.factor, divisor); q != 0) parts.whole.terms.push_back({term.atom, q});
    if (const int64_t r = floor_mod(term.factor, divisor); r != 0) parts.rest.terms.push_back({term.atom, r});
  }
  SymInt whole = floor_div(form.constant.constant(), divisor), rest = floor_mod(form.constant.constant(), divisor);
  for (const auto &[symbol, factor] : form.constant.terms()) {
    // Quotients and remainders are no larger than the factor: nothing here can overflow.
    const SymInt one = SymInt::of_symbol(symbol);
    whole = *SymInt::add(whole, *SymInt::mul(one, floor_div(factor, divisor)));
    rest = *SymInt::add(rest, *SymInt::mul(one, floor_mod(factor, divisor)));
  }
  parts.whole.constant = whole;
  parts.rest.constant = rest;
  return parts;
}

/// Keeps only terms whose factor the divisor divides on the `whole` side; the others stay together in `rest`, so that
/// `(2*x + 3) / 2` becomes `x + 3/2` but `3*x / 2` is not torn apart.
Split split_exactly(const Linear &form, int64_t divisor) {
  Linear divisible, other;
  for (const LinearTerm &term : form.terms) (term.factor % divisor == 0 ? divisible : other).terms.push_back(term);
  divisible.constant = form.constant;
  Split parts = split(divisible, divisor);
  parts.rest.terms = std::move(other.terms);
  return parts;
}

} // namespace

Linear IndexMath::of_atom(Atom atom) {
  for (uint32_t i = 0; i < atoms_.size(); ++i)
    if (atoms_[static_cast<AtomId>(i)] == atom) return {0, {{static_cast<AtomId>(i), 1}}};
  return {0, {{atoms_.add(std::move(atom)), 1}}};
}

Linear IndexMath::of_index(IndexId index) { return of_atom({AtomKind::kIndex, index, {}, {}, 0}); }

Result<Linear> IndexMath::add(const Linear &a, const Linear &b) {
  const auto constant = SymInt::add(a.constant, b.constant);
  if (!constant) return overflow();
  Linear sum{*constant, {}};
  auto i = a.terms.begin(), j = b.terms.begin();
  while (i != a.terms.end() || j != b.terms.end()) {
    if (j == b.terms.end() || (i != a.terms.end() && i->atom < j->atom))
      sum.terms.push_back(*i++);
    else if (i == a.terms.end() || j->atom < i->atom)
      sum.terms.push_back(*j++);
    else {
      const auto factor = checked_add(i->factor, j->factor);
      if (!factor) return overflow();
      if (*factor != 0) sum.terms.push_back({i->atom, *factor});
      ++i, ++j;
    }
  }
  return sum;
}

Result<Linear> IndexMath::scale(const Linear &a, int64_t factor) {
  const auto constant = SymInt::mul(a.constant, factor);
  if (!constant) return overflow();
  Linear product{*constant, {}};
  for (const LinearTerm &term : a.terms) {
    const auto own = checked_mul(term.factor, factor);
    if (!own) return overflow();
    if (*own != 0) product.terms.push_back({term.atom, *own});
  }
  return product;
}

Result<Linear> IndexMath::sub(const Linear &a, const Linear &b) {
  SPARKLE_TRY(const Linear negated, scale(b, -1));
  return add(a, negated);
}

Result<Linear> IndexMath::mul(const Linear &a, const Linear &b) {
  const bool right = b.is_constant() && b.constant.is_constant();
  const bool left = a.is_constant() && a.constant.is_constant();
  if (right) return scale(a, b.constant.constant());
  if (left) return scale(b, a.constant.constant());
  return needs_dimension();
}

Result<Linear> IndexMath::divide(AtomKind kind, const Linear &a, const Linear &b) {
  if (!b.is_constant() || !b.constant.is_constant()) return needs_dimension();
  const int64_t divisor = b.constant.constant();
  if (divisor <= 0)
    return Error{ErrorCode::kInvalidInput, "divides by " + std::to_string(divisor) + "; a divisor is positive"};
  Split parts = split_exactly(a, divisor);
  if (const auto known = interval(parts.rest);
      known && SymInt::surely_le(0, known->least) && SymInt::surely_le(known->greatest, divisor - 1))
    return kind == AtomKind::kDiv ? parts.whole : parts.rest;
  if (parts.rest.is_constant()) return needs_dimension();
  const Linear opaque = of_atom({kind, kNoId<IndexId>, parts.rest, {}, divisor});
  return kind == AtomKind::kDiv ? add(parts.whole, opaque) : opaque;
}

Result<Linear> IndexMath::pick(AtomKind kind, const Linear &a, const Linear &b) {
  const auto left = interval(a), right = interval(b);
  if (left && right) {
    const bool a_less = SymInt::surely_le(left->greatest, right->least);
    const bool b_less = SymInt::surely_le(right->greatest, left->least);
    if (a_less || b_less) return (kind == AtomKind::kMin) == a_less ? a : b;
  }
  if (a.is_constant() && b.is_constant()) return needs_dimension();
  return of_atom({kind, kNoId<IndexId>, a, b, 0});
}

Result<Interval> IndexMath::divided_interval(const Atom &atom) {
  SPARKLE_TRY(const Interval inner, interval(atom.lhs));
  if (atom.kind == AtomKind::kMod) return Interval{0, atom.divisor - 1};
  if (!inner.least.is_constant() || !inner.greatest.is_constant()) return needs_dimension();
  return Interval{floor_div(inner.least.constant(), atom.divisor), floor_div(inner.greatest.constant(), atom.divisor)};
}

Result<Interval> IndexMath::atom_interval(const Atom &atom) {
  if (atom.kind == AtomKind::kIndex) {
    const auto &range = ranges_[index_of(atom.index)];
    if (!range) return needs_dimension();
    const auto last = SymInt::sub(range->end, 1);
    if (!last) return overflow();
    return Interval{range->begin, *last};
  }
  if (atom.kind == AtomKind::kDiv || atom.kind == AtomKind::kMod) return divided_interval(atom);
  SPARKLE_TRY(const Interval a, interval(atom.lhs));
  SPARKLE_TRY(const Interval b, interval(atom.rhs));
  const auto choose = atom.kind == AtomKind::kMin ? lesser : greater;
  const auto least = choose(a.least, b.least), greatest = choose(a.greatest, b.greatest);
  if (!least || !greatest) return needs_dimension();
  return Interval{*least, *greatest};
}

Result<Interval> IndexMath::interval(const Linear &form) {
  Interval sum{form.constant, form.constant};
  for (const LinearTerm &term : form.terms) {
    SPARKLE_TRY(const Interval part, atom_interval(atoms_[term.atom]));
    const bool up = term.factor > 0;
    const auto low = SymInt::mul(up ? part.least : part.greatest, term.factor);
    const auto high = SymInt::mul(up ? part.greatest : part.least, term.factor);
    const auto least = low ? SymInt::add(sum.least, *low) : std::nullopt;
    const auto greatest = high ? SymInt::add(sum.greatest, *high) : std::nullopt;
    if (!least || !greatest) return overflow();
    sum = {*least, *greatest};
  }
  return sum;
}

} // namespace sparkle::dsl
