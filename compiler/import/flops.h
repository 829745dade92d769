// Counts the operations of a bound kernel (LANGUAGE: the count of operations). Private to import.
#pragma once

#include "compiler/support/result.h"
#include "dsl/bound.h"

namespace sparkle {

struct Flops {
  int64_t nominal = 0;  ///< Over whole boxes.
  int64_t executed = 0; ///< Without the terms that conditions on indices leave out.
};

/// One for every + - * / % min max and function on data, and for every term of a reduction; each as often as the box of
/// its indices has points. Open dimensions count as 0. `executed` is exact while the conditions fall apart into groups
/// whose indices have at most 10^6 points together; larger groups leave nothing out. When not strict, terms of a sum
/// with a factor that reads 0 outside are left out too. Errors: kShapeOverflow.
Result<Flops> count_flops(const dsl::BoundKernel &kernel, bool strict);

} // namespace sparkle
