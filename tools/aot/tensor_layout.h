// Extents and strides of tensors whose extents are constants.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle::aot {

inline std::vector<int64_t> shape_of(const Tensor &tensor) {
  std::vector<int64_t> shape;
  for (const Extent &extent : tensor.extents) shape.push_back(extent.value);
  return shape;
}

/// In elements.
inline std::vector<int64_t> strides_of(const Tensor &tensor) {
  return tensor.strides.empty() ? dense_strides(shape_of(tensor)) : tensor.strides;
}

} // namespace sparkle::aot
