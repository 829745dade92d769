// Simplification of one expression under known ranges; `simplify`, `hoist` and `flatten` share it.
#pragma once

#include "compiler/analysis/interval.h"
#include "compiler/ir/builder.h"
#include "compiler/support/function_ref.h"
#include "compiler/support/id_map.h"

namespace sparkle {

/// Index arithmetic comes out as a sum of coefficient * atom in the order of `from_linear`; comparisons of index values
/// with positive terms on the left, negative ones on the right and coefficients without a common factor. Rules (floor
/// semantics, c > 0 constant; the ranges decide the conditions):
///   x / c -> q, x % c -> x - c*q        where x stays in [c*q, c*q + c)
///   (x*c1 + y) / c -> x*(c1/c) + y/c    where c divides c1; the same for %, whose multiples of c vanish
///   (x*g + y) / c -> x / (c/g)          where 0 <= y < g and g divides c; (x*g + y) % c -> g*(x % (c/g)) + y
///   (x/a + y) / c -> (x + a*y) / (a*c);    (k*(x%a) + y) % c -> (k*x + y) % c where c divides k*a
///   k*(x%b) + k*b*(x/b) -> k*x, also through (p/B)%A and p/(A*B);    k*x - k*b*(x/b) -> k*(x%b)
///   min, max, select, comparisons and conjuncts that the ranges decide
/// Builds in the builder's kernel. The object remembers results: it is valid while `ranges` is unchanged.
class ExprSimplifier {
public:
  ExprSimplifier(Builder &builder, const Ranges &ranges) : b_(builder), ranges_(ranges) {}

  ExprId simplify(ExprId id);
  /// The same for a node whose operands are simplified.
  ExprId rewrite(ExprId id);
  /// And for a sum of simplified atoms.
  ExprId from_form(Type type, const LinearForm &sum);
  /// Forgets results; to be called when the ranges changed.
  void ranges_changed() { memo_.clear(); }

private:
  std::optional<ExprId> linear_root(ExprId id);
  ExprId rebuild(ExprId id);
  ExprId reduce(const Reduce &e);
  ExprId read(const Read &e);
  ExprId binary(ExprId id, const Binary &e);
  ExprId min_max(ExprId id, const Binary &e);
  ExprId conjunction(ExprId id);
  ExprId compare(ExprId id, const Compare &e);
  ExprId linear(ExprId id);

  Builder &b_;
  const Ranges &ranges_;
  IdMap<ExprId, ExprId> memo_;
};

/// The form with each atom replaced by what `atom_form` gives for it; nothing when a number leaves 64 bits.
std::optional<LinearForm> with_atoms(const LinearForm &form, FunctionRef<LinearForm(ExprId)> atom_form);

inline ExprId simplify_expr(Builder &builder, ExprId id, const Ranges &ranges) {
  return ExprSimplifier(builder, ranges).simplify(id);
}

} // namespace sparkle
