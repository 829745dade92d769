#include "dsl/linear.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/support/checked_math.h"

namespace sparkle::dsl {
namespace {

constexpr auto kI = static_cast<IndexId>(0), kJ = static_cast<IndexId>(1);
constexpr auto kN = static_cast<IntId>(0);

struct Math {
  std::vector<std::optional<IndexRange>> ranges;
  IndexMath math{ranges};
  Math(IndexRange i, IndexRange j) : ranges{i, j} {}
  Linear constant(int64_t value) { return {value, {}}; }
};

TEST(Linear, EqualPartsCancel) {
  Math m({0, 5}, {0, 7});
  const Linear i = m.math.of_index(kI), j = m.math.of_index(kJ);
  const Linear third = *m.math.div(*m.math.add(i, j), m.constant(3));
  const Linear zero = *m.math.sub(*m.math.add(third, i), *m.math.add(i, third));
  EXPECT_EQ(zero, m.constant(0));
}

TEST(Linear, DivisionTakesOutWhatDivides) {
  Math m({0, 5}, {0, 4});
  const Linear i = m.math.of_index(kI), j = m.math.of_index(kJ);
  const Linear form = *m.math.add(*m.math.mul(i, m.constant(4)), j); // j in 0..4
  EXPECT_EQ(*m.math.div(form, m.constant(4)), i);
  EXPECT_EQ(*m.math.mod(form, m.constant(4)), j);
  EXPECT_EQ(*m.math.div(*m.math.sub(form, m.constant(8)), m.constant(4)), *m.math.sub(i, m.constant(2)));
}

TEST(Linear, RefusesBadDivisorsAndOverflow) {
  Math m({0, 5}, {0, 4});
  const Linear i = m.math.of_index(kI);
  EXPECT_EQ(m.math.div(i, m.constant(0)).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(m.math.mod(i, m.constant(-2)).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(m.math.mul(*m.math.mul(i, m.constant(INT64_MAX)), m.constant(2)).error().code, ErrorCode::kShapeOverflow);
  EXPECT_EQ(m.math.add(m.constant(INT64_MAX), m.constant(1)).error().code, ErrorCode::kShapeOverflow);
  EXPECT_EQ(m.math.interval(*m.math.mul(i, m.constant(INT64_MAX))).error().code, ErrorCode::kShapeOverflow);
}

TEST(Linear, OpenDimensionsGiveSymbolicEnds) {
  Math m({0, SymInt::of_symbol(kN)}, {0, 3});
  const Linear form = *m.math.add(m.math.of_index(kI), m.math.of_index(kJ));
  const Interval seen = *m.math.interval(form);
  EXPECT_EQ(seen.least, SymInt(0));
  EXPECT_EQ(seen.greatest, *SymInt::add(SymInt::of_symbol(kN), 1));
  EXPECT_FALSE(SymInt::surely_le(seen.greatest, *SymInt::sub(SymInt::of_symbol(kN), 1)));
  EXPECT_TRUE(SymInt::surely_le(SymInt::of_symbol(kN), seen.greatest));
}

/// A form together with what it must be worth at every (i, j).
struct Checked {
  Linear form;
  std::vector<int64_t> values;
};

class RandomForms {
public:
  explicit RandomForms(unsigned seed) : random_(seed), i_(range()), j_(range()), math_(i_, j_) {}

  Checked make(int depth) {
    if (depth == 0) return leaf();
    Checked a = make(depth - 1), b = make(depth - 1);
    switch (random_() % 6) {
    case 0: return join(*math_.math.add(a.form, b.form), a, b, [](auto x, auto y) { return x + y; });
    case 1: return join(*math_.math.sub(a.form, b.form), a, b, [](auto x, auto y) { return x - y; });
    case 2:
      return join(*math_.math.pick(AtomKind::kMin, a.form, b.form), a, b,
                  [](auto x, auto y) { return std::min(x, y); });
    case 3:
      return join(*math_.math.pick(AtomKind::kMax, a.form, b.form), a, b,
                  [](auto x, auto y) { return std::max(x, y); });
    default: break;
    }
    const int64_t factor = static_cast<int64_t>(random_() % 6) + 1;
    const Linear constant = math_.constant(factor);
    if (random_() % 3 == 0)
      return join(*math_.math.mul(a.form, constant), a, b, [&](auto x, auto) { return x * factor; });
    if (random_() % 2 == 0)
      return join(*math_.math.div(a.form, constant), a, b, [&](auto x, auto) { return floor_div(x, factor); });
    return join(*math_.math.mod(a.form, constant), a, b, [&](auto x, auto) { return floor_mod(x, factor); });
  }

  void check(const Checked &checked) {
    const Interval seen = *math_.math.interval(checked.form);
    size_t at = 0;
    for (int64_t i = i_.begin.constant(); i < i_.end.constant(); ++i)
      for (int64_t j = j_.begin.constant(); j < j_.end.constant(); ++j) {
        const int64_t wanted = checked.values[at++];
        ASSERT_EQ(value_of(checked.form, i, j), wanted);
        ASSERT_LE(seen.least.constant(), wanted);
        ASSERT_GE(seen.greatest.constant(), wanted);
      }
  }

private:
  IndexRange range() {
    const auto begin = static_cast<int64_t>(random_() % 9) - 4;
    return {begin, begin + 1 + static_cast<int64_t>(random_() % 5)};
  }
  template <class F> Checked join(Linear form, const Checked &a, const Checked &b, F f) {
    Checked result{std::move(form), {}};
    for (size_t k = 0; k < a.values.size(); ++k) result.values.push_back(f(a.values[k], b.values[k]));
    return result;
  }
  Checked leaf() {
    const auto kind = random_() % 3;
    const auto number = static_cast<int64_t>(random_() % 11) - 5;
    Checked result{kind == 0   ? math_.math.of_index(kI)
                   : kind == 1 ? math_.math.of_index(kJ)
                               : math_.constant(number),
                   {}};
    for (int64_t i = i_.begin.constant(); i < i_.end.constant(); ++i)
      for (int64_t j = j_.begin.constant(); j < j_.end.constant(); ++j)
        result.values.push_back(kind == 0 ? i : kind == 1 ? j : number);
    return result;
  }
  int64_t value_of(const Linear &form, int64_t i, int64_t j) {
    int64_t sum = form.constant.constant();
    for (const LinearTerm &term : form.terms) {
      const Atom &atom = math_.math.atom(term.atom);
      const auto lhs = [&] { return value_of(atom.lhs, i, j); };
      const auto rhs = [&] { return value_of(atom.rhs, i, j); };
      int64_t value = 0;
      switch (atom.kind) {
      case AtomKind::kIndex: value = atom.index == kI ? i : j; break;
      case AtomKind::kDiv: value = floor_div(lhs(), atom.divisor); break;
      case AtomKind::kMod: value = floor_mod(lhs(), atom.divisor); break;
      case AtomKind::kMin: value = std::min(lhs(), rhs()); break;
      case AtomKind::kMax: value = std::max(lhs(), rhs()); break;
      }
      sum += term.factor * value;
    }
    return sum;
  }

  std::mt19937 random_;
  IndexRange i_, j_;
  Math math_;
};

TEST(Linear, FormsKeepTheirValueAndStayInTheirInterval) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    RandomForms forms(seed);
    forms.check(forms.make(1 + static_cast<int>(seed % 4)));
    if (HasFatalFailure()) return;
  }
}

} // namespace
} // namespace sparkle::dsl
