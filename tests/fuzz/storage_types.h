// The same kernels over elements of 8 and 16 bits: inputs that are read as f16, bf16, i8 or u8, and results that are
// rounded or saturated to them.
#pragma once

#include "tests/differential/kernel_case.h"
#include "tests/fuzz/random.h"

namespace sparkle::test {

/// `kernel` of random_kernel.h with some of its f32 and i32 tensors changed; the kernel itself where the change would
/// be none in the language (a negative bound for unsigned elements).
KernelText with_storage_types(const KernelText &kernel, Random &random);

} // namespace sparkle::test
