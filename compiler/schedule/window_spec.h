// Schedules of windows: reductions of few terms in which neighbouring results share elements (depthwise convolutions,
// pooling, stencils). The whole reduction is unrolled inside a tile of results, and the tile moves along a row:
//
//   order n oh.0 oc.0 ow.0 kh kw oh.1 ow.1 oc.1
//
// Weights that do not change along the row stay in registers, elements of the image are loaded once a tile.
#pragma once

#include <vector>

#include "compiler/schedule/access_model.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// A reduction of so few terms that it can be unrolled as a whole.
bool is_short_reduction(const DefinitionModel &model);

/// All that are worth a prediction; empty: no window, or a machine whose workers share tiles.
std::vector<KernelSchedule> window_schedules(const std::string &kernel, const DefinitionModel &model,
                                             const TargetInfo &info);

} // namespace sparkle
