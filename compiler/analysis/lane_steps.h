// How far the lanes of an index vector lie apart.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

/// The value of lane i less that of lane 0, for each lane of `index`, where all are constants: {0, 2, 4, 6} of
/// `ramp(x, 2, 4)`, {0, 0, 1, 1} of `broadcast(x, 4) + ramp(0, 1, 4) / broadcast(2, 4)`. {0} of a scalar. Nothing where
/// they are not known, or leave 64 bits. Such an index is made of ramps, broadcasts, constants and binary operations.
std::optional<std::vector<int64_t>> lane_steps(const Kernel &kernel, ExprId index);

/// What neighbouring lanes differ by, if that is the same for all; 0 of one lane.
std::optional<int64_t> common_step(const std::vector<int64_t> &steps);

} // namespace sparkle
