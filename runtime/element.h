// One element in memory as a number, for every element type. For fills, files and comparisons, not for speed.
#pragma once

#include "compiler/target/artifact.h"

namespace sparkle {

/// The value of the element of type `element` at `address`, which need not be aligned.
double load_element(const void *address, Scalar element);

/// Floats: rounded once, to nearest even, overflow to infinity. Integers: rounded likewise, saturated, NaN is 0.
/// bool: value != 0.
void store_element(void *address, Scalar element, double value);

} // namespace sparkle
