// Convolution shapes as kernels: the text that a user of the language would write for them.
#pragma once

#include "runtime/shape_list.h"
#include "tests/differential/kernel_case.h"

namespace sparkle::test {

enum class ImageLayout : uint8_t { kChannelsLast, kChannelsFirst };

/// dst = max(conv(src, wei) + bias, 0) of a shape, `outside skip`. Depthwise shapes divide the channel, grouped
/// ones have a dimension of groups.
KernelText conv_text(const ConvolutionShape &shape, ImageLayout layout);

} // namespace sparkle::test
