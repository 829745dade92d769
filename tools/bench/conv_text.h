// Convolution shapes as kernels: the text that a user of the language would write for them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/shape_list.h"

namespace sparkle::bench {

enum class ImageLayout : uint8_t { kChannelsLast, kChannelsFirst };

/// The text of one kernel, and its dimensions and `int` parameters.
struct CaseText {
  std::string text;
  std::map<std::string, int64_t> values;
};

/// dst = max(conv(src, wei) + bias, 0) of a shape, `outside skip`. Depthwise shapes divide the channel, grouped
/// ones have a dimension of groups.
CaseText conv_text(const ConvolutionShape &shape, ImageLayout layout);

} // namespace sparkle::bench
