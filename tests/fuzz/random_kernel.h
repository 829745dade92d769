// Random kernels in the language, with extents small enough to be interpreted in milliseconds: convolutions with random
// stride, padding, dilation and groups; matrix products; pooling; stencils; chains of definitions. Whole numbers stay
// exact in all of them.
#pragma once

#include "tests/differential/kernel_case.h"
#include "tests/fuzz/random.h"

namespace sparkle::test {

KernelText random_kernel(Random &random);

} // namespace sparkle::test
