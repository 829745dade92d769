// The tiles of a definition that are worth a prediction.
#pragma once

#include <variant>
#include <vector>

#include "compiler/schedule/tile_spec.h"
#include "compiler/schedule/window_spec.h"

namespace sparkle {

using Tile = std::variant<TileSpec, WindowTile>;

/// In the order in which equals are preferred. TileSpec::lane_groups_outside is left open.
struct TileChoices {
  std::vector<DimRoles> roles;     ///< Of the specs.
  std::vector<WindowDims> windows; ///< Of the windows.
  std::vector<Tile> tiles;

  TileChoices() = default;
  TileChoices(TileChoices &&) = default; // Tiles point into the other lists.
  TileChoices &operator=(TileChoices &&) = delete;
};

TileChoices tile_choices(const DefinitionModel &model, const TargetInfo &info);

/// Of the dimension that the rows of the tile run along.
int64_t row_extent(const DefinitionModel &model, const DimRoles &roles);

} // namespace sparkle
