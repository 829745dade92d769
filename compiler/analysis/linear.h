// Linear forms: an index expression as constant + sum of coefficient * atom (+ lane number * stride, for vectors).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "compiler/ir/builder.h"
#include "compiler/support/small_vector.h"

namespace sparkle {

struct LinearTerm {
  ExprId atom;
  int64_t coefficient; ///< Never 0.
  bool operator==(const LinearTerm &) const = default;
};

/// constant + sum of terms + lane * lane_stride. Atoms are scalars: variables and what is not linear (x/c, x%c, min,
/// max, select, products of variables), each at most once. A vector that is no ramp or broadcast is an atom of its own
/// lanes.
struct LinearForm {
  SmallVector<LinearTerm, 6> terms; ///< Sorted by atom.
  int64_t constant = 0;
  int64_t lane_stride = 0;
  int lanes = 1;

  bool is_constant() const { return terms.empty() && lane_stride == 0; }
  /// Coefficient of an atom; 0 where it does not occur.
  int64_t coefficient(ExprId atom) const;
  /// Adds factor * atom, of as many lanes. False, and the form is of no more use, when a number leaves 64 bits.
  bool add_term(ExprId atom, int64_t factor);
  /// Adds factor * other. False, and the form is of no more use, when a number leaves 64 bits, or when lanes differ and
  /// neither is 1.
  bool add_scaled(const LinearForm &other, int64_t factor);
  /// Without the term of an atom.
  void drop(ExprId atom);
  bool operator==(const LinearForm &) const = default;
};

/// Nothing when a number leaves 64 bits, or when lanes differ and neither is 1.
std::optional<LinearForm> add(const LinearForm &a, const LinearForm &b);
std::optional<LinearForm> subtract(const LinearForm &a, const LinearForm &b);
std::optional<LinearForm> scale(const LinearForm &form, int64_t factor);

LinearForm linear_constant(int64_t value);
LinearForm linear_atom(const Kernel &kernel, ExprId atom);

/// Any expression of an integer type. Where a number would leave 64 bits, and for types other than `index`, the
/// expression itself is the atom.
LinearForm to_linear(const Kernel &kernel, ExprId expr);

/// An expression of type `index` with the form's lanes: the largest coefficient first, equal ones in the order of
/// `compare_exprs`, the constant last.
ExprId from_linear(Builder &builder, const LinearForm &form);

/// The number that every lane of `expr` is, else nothing. Sees through broadcasts.
std::optional<int64_t> splat_constant(const Kernel &kernel, ExprId expr);

/// What `var` is multiplied by; nothing when it also occurs inside another atom (x/c) or the form is not linear in it.
std::optional<int64_t> coefficient_of(const Kernel &kernel, ExprId expr, VarId var);

/// Greatest common divisor of all coefficients and the lane stride (not of the constant); 0 for a constant.
int64_t common_factor(const LinearForm &form);
/// True when `expr` is provably a multiple of n > 0 (every lane of it).
bool is_multiple_of(const Kernel &kernel, ExprId expr, int64_t n);

/// A total order that follows the text, not the ids: the same in every copy of a kernel.
std::strong_ordering compare_exprs(const Kernel &kernel, ExprId a, ExprId b);

} // namespace sparkle
