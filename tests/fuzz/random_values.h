// Random kernels about values: elements of every type, several definitions and results, element functions, casts with
// rounding and saturation. Sums of what is exact stay exact: fuzz_case.h compares them for equality, and what a
// function or a division had a part in within the derived bound.
#pragma once

#include "tests/differential/kernel_case.h"
#include "tests/fuzz/random.h"

namespace sparkle::test {

KernelText random_values(Random &random);

} // namespace sparkle::test
