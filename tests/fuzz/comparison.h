// What a fuzzed result may differ by.
#pragma once

#include <string>

#include "tests/differential/kernel_case.h"

namespace sparkle::test {

/// The first result element of `computed` that is wrong, as a sentence; empty: there is none. Programs that keep whole
/// numbers exact must equal `expected`, the interpreter's results; others may differ by twice the bound of
/// runtime/tolerance.h, for the interpreter rounds as well. `inputs`: as they were before the run.
std::string difference(const Program &imported, TensorSet &inputs, TensorSet &computed, TensorSet &expected);

} // namespace sparkle::test
