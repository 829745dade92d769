// Subscripts of vector arrays: which element and which component a scalar index means, without a division at run time
// where linear forms prove that none is needed.
#pragma once

#include <unordered_map>

#include "compiler/analysis/interval.h"
#include "compiler/ir/builder.h"

namespace sparkle::vulkan {

/// What provably divides index expressions, looking through variables bound by Let.
class Divisors {
public:
  explicit Divisors(const Kernel &kernel);

  /// True when the scalar part of the form (lane 0) is a multiple of n: 2 or 4.
  bool divides(const Kernel &kernel, const LinearForm &form, int64_t n) const;
  /// The greatest power of two up to 4 that provably divides an atom.
  int64_t of_atom(const Kernel &kernel, ExprId atom) const;

private:
  int64_t of_form(const Kernel &kernel, const LinearForm &form) const;
  std::unordered_map<VarId, int64_t> lets_;
};

/// index = quotient * n + remainder, 0 <= remainder < n.
struct QuotientRemainder {
  ExprId quotient, remainder;
};

/// n: a power of two. The expressions are added to the builder's kernel.
QuotientRemainder divide_index(Builder &builder, const Ranges &ranges, const Divisors &divisors, ExprId index,
                               int64_t n);

/// Lane `lane` of an expression as a scalar expression; vector variables become Shuffles of one lane.
ExprId lane_of(Builder &builder, ExprId expr, int lane);

/// The scalar that all lanes of an expression are, or nothing.
std::optional<ExprId> uniform_lane(const Kernel &kernel, ExprId expr);

} // namespace sparkle::vulkan
