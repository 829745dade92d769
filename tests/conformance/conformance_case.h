// Small kernels, at least one for each operation of the language, with what they must compute.
#pragma once

#include <functional>

#include "tests/differential/kernel_case.h"

namespace sparkle::test {

struct ConformanceCase {
  std::string name; ///< Letters and digits.
  KernelText kernel;
  /// Texts of schedules, each of which gets a run; empty: the automatic one alone. An empty text is the automatic one.
  std::vector<std::string> schedules;
  std::function<void(TensorSet &)> fill; ///< Absent: whole numbers.
  /// dst[i] from the elements i of the tensors a and b, in double precision; absent: the interpreter alone knows.
  std::function<double(double a, double b)> formula;
  double tolerance = 0; ///< Relative, of what `formula` and the interpreter say; 0: equal.
};

/// One value at a time: unary and binary operations, comparisons, select, conversions.
std::vector<ConformanceCase> pointwise_cases();
/// Reductions, filters, what lies outside, tails, streaming stores, empty extents, open extents.
std::vector<ConformanceCase> kernel_cases();
/// Elements of 8 and 16 bits: conversions, copies, values that keep their type, sums.
std::vector<ConformanceCase> storage_cases();

} // namespace sparkle::test
