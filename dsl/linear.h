// Index arithmetic at bind time: linear forms over indices and opaque parts (`/`, `%`, `min`, `max`), and the interval
// that a form takes over the box of its indices (LANGUAGE: bounds). Equal parts cancel because forms are normal.
#pragma once

#include <optional>
#include <vector>

#include "compiler/support/result.h"
#include "dsl/sym_int.h"

namespace sparkle::dsl {

enum class AtomId : uint32_t {};

struct LinearTerm {
  AtomId atom;
  int64_t factor; ///< Not 0.
  bool operator==(const LinearTerm &) const = default;
};

/// constant + sum of factor * atom; atoms ascending.
struct Linear {
  SymInt constant;
  std::vector<LinearTerm> terms;
  bool is_constant() const { return terms.empty(); }
  bool operator==(const Linear &) const = default;
};

enum class AtomKind { kIndex, kDiv, kMod, kMin, kMax };

/// An index, or an operation on forms that is not linear. `divisor` > 0 with kDiv and kMod.
struct Atom {
  AtomKind kind = AtomKind::kIndex;
  IndexId index = kNoId<IndexId>;
  Linear lhs, rhs;
  int64_t divisor = 0;
  bool operator==(const Atom &) const = default;
};

/// Both ends belong to it.
struct Interval {
  SymInt least, greatest;
};

/// [begin, end)
struct IndexRange {
  SymInt begin, end;
  bool operator==(const IndexRange &) const = default;
  bool surely_empty() const { return SymInt::surely_le(end, begin); }
};

/// Errors: kShapeOverflow; kInvalidInput (a divisor that is not positive); kUnsupported (an open dimension must be
/// given).
class IndexMath {
public:
  explicit IndexMath(const std::vector<std::optional<IndexRange>> &ranges) : ranges_(ranges) {}

  Linear of_index(IndexId index);
  Result<Linear> add(const Linear &a, const Linear &b);
  Result<Linear> sub(const Linear &a, const Linear &b);
  Result<Linear> mul(const Linear &a, const Linear &b);
  /// Rounds down.
  Result<Linear> div(const Linear &a, const Linear &b) { return divide(AtomKind::kDiv, a, b); }
  Result<Linear> mod(const Linear &a, const Linear &b) { return divide(AtomKind::kMod, a, b); }
  Result<Linear> pick(AtomKind min_or_max, const Linear &a, const Linear &b);

  /// Fails also when the range of an index is not known yet.
  Result<Interval> interval(const Linear &form);
  const Atom &atom(AtomId id) const { return atoms_[id]; }

private:
  Result<Linear> divide(AtomKind kind, const Linear &a, const Linear &b);
  Result<Linear> scale(const Linear &a, int64_t factor);
  Linear of_atom(Atom atom);
  Result<Interval> atom_interval(const Atom &atom);
  Result<Interval> divided_interval(const Atom &atom);

  const std::vector<std::optional<IndexRange>> &ranges_;
  IdTable<AtomId, Atom> atoms_;
};

} // namespace sparkle::dsl
