#include "compiler/analysis/element_functions.h"

#include <algorithm>

namespace sparkle {
namespace {

// Measured over all 2^32 operands where multiply-adds are fused, and over samples where they are two roundings
// (tests/differential/functions_test.cpp), with some room left. docs/language.md, 7, repeats the bounds.
constexpr ElementFunction kFunctions[] = {
    {UnaryOp::kSqrt, 1.0, 12}, // Correctly rounded by CPUs; GPUs promise less and correct it.
    {UnaryOp::kRsqrt, 2.0, 24}, {UnaryOp::kExp, 1.5, 18},     {UnaryOp::kLog, 1.5, 24},
    {UnaryOp::kTanh, 2.0, 44},  {UnaryOp::kSigmoid, 3.0, 40}, {UnaryOp::kErf, 1.5, 34},
};

} // namespace

std::span<const ElementFunction> element_functions() { return kFunctions; }

const ElementFunction *element_function(UnaryOp op) {
  const auto *found = std::ranges::find(kFunctions, op, &ElementFunction::op);
  return found == std::end(kFunctions) ? nullptr : found;
}

} // namespace sparkle
