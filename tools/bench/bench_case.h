// What is measured: a line of a list of shapes, an operator and a layout, as a kernel's text.
#pragma once

#include <string_view>

#include "compiler/support/result.h"
#include "runtime/shape_list.h"
#include "tools/bench/conv_text.h"

namespace sparkle::bench {

enum class Op : uint8_t {
  kConv,    ///< Bias and ReLU included; depthwise and grouped by the shape.
  kMaxPool, ///< Windows of the shape; its output channels and groups mean nothing.
  kAvgPool, ///< The mean of what lies inside.
};

struct BenchCase {
  ConvolutionShape shape;
  Op op = Op::kConv;
  ImageLayout layout = ImageLayout::kChannelsLast;
  std::string element = "f32"; ///< Of images, as the language names it; convolutions: `f32` alone.
};

/// `conv`, `maxpool`, `avgpool`; `nhwc`, `nchw`, for every number of spatial dimensions.
std::string_view name_of(Op op);
std::string_view name_of(ImageLayout layout);
/// kInvalidInput: no such name.
Result<Op> op_named(std::string_view name);
Result<ImageLayout> layout_named(std::string_view name);

CaseText kernel_text(const BenchCase &bench);
/// `112x112x32 k3x3 s1`: what a table says of a shape beside its name.
std::string summary(const BenchCase &bench);
/// Multiplications and additions (convolutions), comparisons or additions (pooling), padding counted.
int64_t operations(const BenchCase &bench);
/// Elements of `src`, `wei`, `bias` or `dst`; 0 where the operator has no such tensor.
int64_t element_count(const BenchCase &bench, std::string_view tensor);

} // namespace sparkle::bench
