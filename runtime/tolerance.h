// How far a computed result may lie from the exact one, derived from the program: no fixed epsilon.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

/// Rounding errors of a program's results. With terms of total magnitude m (reference/sampled.h, Sample) a result lies
/// within `relative` * m of the exact value: n * eps, n the operations that one term passes through at most (the
/// standard bound for sums in any order: Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
struct Tolerance {
  double relative = 0;
  /// Whole numbers stay exact: only + - * min max, comparisons, and constants that are multiples of a power of two.
  bool keeps_whole_numbers = false;
  /// With whole inputs, results of a magnitude up to this are exact in any order.
  double exact_magnitude = 0;
  /// A float becomes an integer somewhere: a rounding error may decide between neighbours.
  bool rounds_to_integers = false;
};

/// `symbols`: values by SymbolId.
Tolerance tolerance_of(const Program &imported, const std::vector<int64_t> &symbols);

/// What an element of `element` may differ by. `whole_inputs`: all inputs are whole numbers.
double allowed_error(const Tolerance &tolerance, Scalar element, double magnitude, bool whole_inputs);

} // namespace sparkle
