// Times that no schedule of a tile stays below, from its few numbers alone: neither the schedule nor its loops are
// written out. What is left out of the prediction is memory beyond what has to be moved once, and of windows what does
// not stay in registers for want of them.
#pragma once

#include "compiler/schedule/tile_choices.h"
#include "compiler/schedule/work_model.h"

namespace sparkle {

class TileBound {
public:
  TileBound(const DefinitionModel &model, const TargetInfo &info);

  /// No more than the prediction of any schedule that is written for `tile`, whatever TileSpec::lane_groups_outside;
  /// infinity only where all of them are refused.
  double seconds(const Tile &tile);

private:
  /// What depends on the dimensions of a tile, but not on its numbers.
  struct AccessFacts {
    bool lane = false, row = false, axis = false; ///< Depends on them, where they are in the tile.
    bool contiguous = false;                      ///< Along the lanes, as it lies.
    bool is_packed = false;
  };

  double seconds_of(const TileSpec &spec);
  double seconds_of(const WindowTile &tile);
  double seconds_with(const Work &work, double sparse_factor = 1) const;
  void learn(const TileSpec &spec);
  AccessFacts facts_of(const TileSpec &spec, const ModelAccess &access) const;
  void count_loops(const TileSpec &spec);
  void count_access(const TileSpec &spec, const ModelAccess &access, const AccessFacts &facts,
                    AccessCounts &counts) const;
  int64_t worker_distance(const TileSpec &spec, const ModelAccess &access) const;
  void count_window(const TileSpec &spec);
  WindowLoads least_loads(const TileSpec &spec) const;
  void count_loops(const WindowTile &tile, int64_t lane_tiles, int64_t row_tiles);
  WindowLoads least_loads(const WindowTile &tile, std::optional<size_t> around) const;
  double least_sparse_factor(const WindowTile &tile, int64_t lane_tiles, int64_t row_tiles) const;
  double least_elements(const WindowTile &tile, const ModelAccess &read) const;
  int64_t extent(size_t dim) const { return model_.dims[dim].extent; }

  const DefinitionModel &model_;
  const TargetInfo &info_;
  double least_bytes_ = 0; ///< Of all elements that are read or written.
  const DimRoles *known_roles_ = nullptr;
  bool known_packs_ = false;
  std::vector<AccessFacts> facts_; ///< Of `known_roles_`: of each read, then of the store.
  std::vector<int> along_;         ///< Of `known_roles_`: the dimension of the lanes, if there is one.
  int64_t batch_groups_ = 1;       ///< Of `known_roles_`: iterations of the group loops that have no tile.
  TileCounts counts_;              ///< Kept for its memory.
};

} // namespace sparkle
