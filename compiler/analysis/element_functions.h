// What is promised of the functions that `expand` writes as polynomials, on every target: one table for the pass, for
// the tolerance of verification, for the cost model and for the tests.
#pragma once

#include <cstdint>
#include <span>

#include "compiler/ir/nodes.h"

namespace sparkle {

/// An ULP is the distance of the two f32 around the exact result, 2^-149 at least.
struct ElementFunction {
  UnaryOp op;
  double max_ulps;    ///< Largest error of any normal result. Machines may take subnormal operands and results as 0.
  int64_t operations; ///< What it costs, in multiply-adds of a vector.
};

std::span<const ElementFunction> element_functions();
/// Null: the operation is exact, or correctly rounded everywhere.
const ElementFunction *element_function(UnaryOp op);

} // namespace sparkle
