// Convolution shapes as kernels for tests.
#pragma once

#include "tests/differential/kernel_case.h"
#include "tools/bench/conv_text.h"

namespace sparkle::test {

using bench::ImageLayout;

inline KernelText conv_kernel(const ConvolutionShape &shape, ImageLayout layout) {
  bench::CaseText kernel = bench::conv_text(shape, layout);
  return {std::move(kernel.text), std::move(kernel.values), {}};
}

} // namespace sparkle::test
