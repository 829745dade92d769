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

enum class LanePlace : uint8_t {
  kOutside, ///< Its groups change slowest.
  kAround,  ///< Groups just around the loop along the row: what depends on lanes alone is held along a row.
  kInside,  ///< A serial loop inside the one along the row: memory is walked as it lies.
};

/// The dimensions of a tile.
struct WindowDims {
  size_t lane = 0;
  std::vector<int> lane_dims; ///< `lane`, and before it one in which its lanes go on; slowest first.
  std::vector<size_t> rows;   ///< Dimensions along which the window slides, slowest first; at most two.
};

/// The few numbers that make a schedule.
struct WindowTile {
  const WindowDims *dims = nullptr; ///< Of all tiles that have them; they live as long as these.
  int64_t lanes = 1, vectors = 1;
  int64_t outer = 1, inner = 1; ///< Results along the first of two rows and along the last row.
  LanePlace place = LanePlace::kAround;
};

/// Empty: no window, or a machine whose workers share tiles.
std::vector<WindowDims> window_dims(const DefinitionModel &model, const TargetInfo &info);
/// All tiles of these dimensions that are worth a prediction.
std::vector<WindowTile> window_tiles(const DefinitionModel &model, const TargetInfo &info, const WindowDims &dims);

/// Writes the schedule of definition `kernel`.
KernelSchedule to_schedule(const std::string &kernel, const DefinitionModel &model, const WindowTile &tile);

} // namespace sparkle
