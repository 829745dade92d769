// Layouts are bound, not written (LANGUAGE 3): gives the arguments of an imported program other strides than dense
// row-major ones, for which the code is then specialised.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"

namespace sparkle {

/// By name of the tensor: distances in elements, one for each dimension, in the order written.
using StridesByName = std::map<std::string, std::vector<int64_t>>;

/// Changes nothing on failure. kInvalidInput: an unknown name or a tensor that is no argument, another number of
/// strides than dimensions, a negative stride, a result of which two elements would share memory; kShapeOverflow: the
/// farthest element leaves 63 bits. Stride 0 repeats an element and is for inputs only.
Status set_strides(Program &imported, const StridesByName &strides);

} // namespace sparkle
