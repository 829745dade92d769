// What whole numbers definitions can compute, from the types of what they read: sums of a few bytes with known weights
// take 16 bits, whatever their type. For the cost model, which counts how many of them a register holds.
#pragma once

#include <map>

#include "compiler/analysis/interval.h"
#include "compiler/ir/kernel.h"

namespace sparkle {

/// Of tensors whose type does not say it: what their elements may be.
using TensorBounds = std::map<TensorId, Interval>;

/// Of a value of an integer type at stage kImported; without ends where it is not known or may wrap. Reductions are
/// added up term by term. `ranges`: of the definition's dimensions.
Interval value_bounds(const Kernel &kernel, ExprId value, const Ranges &ranges, const TensorBounds &tensors);

/// Of the lets of whole numbers. Needs stage kImported.
TensorBounds tensor_bounds(const Program &program);

/// All values take 16 bits or fewer, with or without a sign.
bool fits_16_bits(const Interval &values);

} // namespace sparkle
