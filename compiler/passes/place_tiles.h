// Definitions that share group loops, each computed by tiles of these. Private to `place`.
#pragma once

#include "compiler/schedule/fusion.h"

namespace sparkle {

/// Rewrites the lets and the consumer of one fusion, and the extents of the lets' tensors.
void tile_lets(Program &program, const Fusion &fusion);

} // namespace sparkle
