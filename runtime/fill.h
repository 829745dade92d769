// Contents for host tensors: seeded random numbers and patterns. Element k (row-major) depends on the seed and k alone.
#pragma once

#include "runtime/tensor.h"

namespace sparkle {

/// Every element = value, converted as HostTensor::set does.
void fill_constant(HostTensor &tensor, double value);

/// Uniform in [low, high), independent for each element, rounded to the element type.
void fill_uniform(HostTensor &tensor, uint64_t seed, double low = -1, double high = 1);

/// Whole numbers, uniform in [low, high]: small ones keep sums of products exact, so that results compare equal.
/// Needs low <= high.
void fill_integers(HostTensor &tensor, uint64_t seed, int64_t low = -2, int64_t high = 2);

/// Element k = k mod `period`: a ramp that shows misplaced elements. Needs period > 0.
void fill_ramp(HostTensor &tensor, int64_t period = 251);

/// 1 where the sum of the coordinates is even, else 0.
void fill_checkerboard(HostTensor &tensor);

} // namespace sparkle
