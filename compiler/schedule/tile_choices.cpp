#include "compiler/schedule/tile_choices.h"

#include <algorithm>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

constexpr int64_t kMaxVectors = 6;
constexpr int64_t kMaxRows = 28;
/// More steps cost compile time and gain nothing: the loop's own instructions are below 1% of eight steps of a tile.
constexpr int64_t kMaxUnrolledSteps = 8;
/// Rows that one worker reads at the same time, where they share nothing: the prefetchers of a cache follow as many.
constexpr int64_t kMostStreams = 8;
constexpr double kLeastCodeShare = 0.25; ///< Of the instruction budget that one unrolled body may take.

class RoleChooser {
public:
  explicit RoleChooser(const DefinitionModel &model, const TargetInfo &info) : model_(model), info_(info) {}

  /// Each output dimension that some access runs along contiguously, or that a packed constant can follow, may hold
  /// lanes.
  std::vector<DimRoles> roles_of_dims() const {
    std::vector<DimRoles> list;
    size_t parallel = model_.parallel_dims();
    for (size_t lane = 0; lane < parallel; ++lane) {
      if (model_.dims[lane].is_open) continue;
      bool useful = model_.store.strides[lane] == 1 || lane + 1 == parallel;
      for (const ModelAccess &read : model_.reads)
        useful |= read.depends[lane] && !read.irregular[lane] &&
                  (read.strides[lane] == 1 || (read.is_constant && read.in_reduction));
      if (!useful) continue;
      DimRoles roles;
      roles.lane = lane;
      for (size_t d = 0; d < parallel; ++d)
        if (d != lane) (is_row(d, lane) ? roles.rows : roles.batch).push_back(d);
      list.push_back(roles);
      if (roles.rows.size() > 1) {
        roles.fuse_rows = true;
        list.push_back(roles);
      }
    }
    return list;
  }

  /// An output dimension that fills the lanes, along which all reads of the reduction lie contiguously (constants can
  /// be laid out so).
  bool has_good_lanes() const {
    if (model_.accumulators == 0) return true;
    for (size_t lane = 0; lane < model_.parallel_dims(); ++lane) {
      bool good = model_.dims[lane].extent >= std::max(info_.lanes, info_.access_lanes) && !model_.dims[lane].is_open;
      for (const ModelAccess &read : model_.reads)
        if (read.in_reduction && read.depends[lane])
          good &= !read.irregular[lane] && (read.strides[lane] == 1 || read.is_constant);
      if (good && any_depends(lane)) return true;
    }
    return false;
  }

  /// Lanes along the axes that some read of the reduction lies along. The fastest output dimension gets registers.
  std::vector<DimRoles> roles_along_axes() const {
    std::vector<DimRoles> list;
    size_t parallel = model_.parallel_dims();
    for (size_t axis = parallel; axis < model_.dims.size(); ++axis) {
      bool useful = std::any_of(model_.reads.begin(), model_.reads.end(), [&](const ModelAccess &r) {
        return r.in_reduction && r.depends[axis] && !r.irregular[axis] && r.strides[axis] == 1;
      });
      if (!useful || model_.dims[axis].extent < 4) continue;
      DimRoles roles;
      roles.axis = axis;
      roles.lane = parallel > 0 ? parallel - 1 : DimRoles::kNoDim;
      for (size_t d = 0; d + 1 < parallel; ++d) (shares_reads(d, roles.lane) ? roles.rows : roles.batch).push_back(d);
      list.push_back(std::move(roles));
    }
    return list;
  }

private:
  bool any_depends(size_t dim) const {
    return std::any_of(model_.reads.begin(), model_.reads.end(),
                       [&](const ModelAccess &r) { return r.in_reduction && r.depends[dim]; });
  }

  /// A tile over both dimensions reads less than its parts: each has a read of its own.
  bool shares_reads(size_t a, size_t b) const {
    bool first = false, second = false;
    for (const ModelAccess &read : model_.reads) {
      first |= read.in_reduction && read.depends[a] && !read.depends[b];
      second |= read.in_reduction && read.depends[b] && !read.depends[a];
    }
    return first && second && !model_.dims[a].is_open;
  }

  /// Reads that lanes run along, of constants or without other dimensions, must not depend on a row.
  bool is_row(size_t dim, size_t lane) const {
    if (model_.dims[dim].is_open) return false;
    if (model_.accumulators == 0) return true;
    for (const ModelAccess &read : model_.reads)
      if (read.in_reduction && read.depends[lane] && !read.depends[dim]) return true;
    bool any = std::any_of(model_.reads.begin(), model_.reads.end(),
                           [&](const ModelAccess &r) { return r.in_reduction && r.depends[lane]; });
    return !any || all_depend(lane, dim);
  }

  bool all_depend(size_t lane, size_t dim) const {
    return std::all_of(model_.reads.begin(), model_.reads.end(),
                       [&](const ModelAccess &r) { return !r.in_reduction || (r.depends[lane] && r.depends[dim]); });
  }

  const DefinitionModel &model_;
  const TargetInfo &info_;
};

class SpecEnumerator {
public:
  SpecEnumerator(const DefinitionModel &model, const TargetInfo &info, std::vector<Tile> &out)
      : model_(model), info_(info), out_(out) {}

  void enumerate(const DimRoles &roles) {
    if (roles.axis) return enumerate_along(roles);
    if (info_.near_bytes > 0 && is_matrix_like(model_, roles)) enumerate_near(roles);
    enumerate_direct(roles);
  }

private:
  void add(const TileSpec &spec) { out_.emplace_back(spec); }

  /// Fused rows without near memory need addresses that go on in even steps from one row to the next.
  bool rows_are_even(const DimRoles &roles) const {
    if (roles.rows.size() < 2) return true;
    const std::vector<int> rows(roles.rows.begin(), roles.rows.end());
    auto even = [&](const ModelAccess &access) {
      return is_even(model_, access, rows) &&
             std::ranges::none_of(rows, [&](int d) { return access.limited[static_cast<size_t>(d)]; });
    };
    return even(model_.store) && std::all_of(model_.reads.begin(), model_.reads.end(), even);
  }

  std::vector<int64_t> lane_choices(int64_t extent) const {
    int64_t widest = std::max(info_.lanes, info_.access_lanes);
    std::vector<int64_t> list;
    for (int64_t lanes = widest; lanes >= 2; lanes /= 2)
      if (lanes <= extent || lanes == widest) list.push_back(lanes);
    list.push_back(1);
    if (list.size() > 2) list.resize(2);
    return list;
  }

  /// One worker a group: register tiles alone. Several: each has a tile of its own and reads far memory directly.
  void enumerate_direct(const DimRoles &roles) {
    if (roles.fuse_rows && info_.max_workers == 1 && !rows_are_even(roles)) return;
    int64_t rows_limit = std::min<int64_t>(row_extent(model_, roles), info_.max_workers > 1 ? 4 : kMaxRows);
    for (int64_t lanes : lane_choices(model_.dims[roles.lane].extent))
      for (int64_t vectors = 1;
           vectors <= std::min<int64_t>(kMaxVectors, ceil_div(model_.dims[roles.lane].extent, lanes)); ++vectors)
        for (int64_t rows = 1; rows <= rows_limit; ++rows) {
          if (vectors * rows > info_.registers) break;
          if (info_.max_workers > 1 && (vectors > 2 || (rows & (rows - 1)))) continue;
          TileSpec spec;
          spec.roles = &roles;
          spec.lanes = lanes;
          spec.vectors = vectors;
          spec.rows = rows;
          spec.steps = unroll_steps(vectors * rows);
          choose_workers(spec);
          add(spec);
        }
  }

  /// As many as the axis fills, and half of them; or none, where workers can be neighbours in their place.
  std::vector<int64_t> axis_lanes(int64_t extent) const {
    int64_t lanes = std::max(info_.lanes, info_.access_lanes);
    while (lanes / 2 >= extent) lanes /= 2;
    return {lanes, info_.max_workers > 1 ? 1 : std::max<int64_t>(1, lanes / 2)};
  }

  /// Lanes along the reduction: a tile of results, each with some registers of partial ones.
  void enumerate_along(const DimRoles &roles) {
    bool open_lane = roles.lane == DimRoles::kNoDim || model_.dims[roles.lane].is_open;
    int64_t columns_limit = open_lane ? 1 : model_.dims[roles.lane].extent;
    int64_t rows_limit = roles.rows.empty() ? 1 : model_.dims[roles.rows.back()].extent;
    int64_t most = info_.max_workers > 1 ? 8 : info_.registers;
    if (roles.rows.empty()) most = std::min(most, kMostStreams);
    // One long row after the other is what prefetchers follow best.
    bool is_long = model_.dims[*roles.axis].extent >= 4 * kMostStreams * std::max(info_.lanes, info_.access_lanes);
    bool shares = std::any_of(model_.reads.begin(), model_.reads.end(), [&](const ModelAccess &r) {
      return r.in_reduction && !open_lane && !r.depends[roles.lane];
    });
    for (int64_t lanes : axis_lanes(model_.dims[*roles.axis].extent))
      for (int64_t columns : {1, 2, 3, 4, 6})
        for (int64_t rows : {1, 2, 3, 4, 6})
          for (int64_t partials : {8, 4, 2, 1}) {
            if (columns > 1 && !shares && is_long) continue;
            bool needed = partials == 1 || (partials / 2) * lanes < model_.dims[*roles.axis].extent;
            if (columns > columns_limit || rows > rows_limit || columns * rows * partials > most || !needed) continue;
            TileSpec spec;
            spec.roles = &roles;
            spec.lanes = lanes;
            spec.vectors = columns;
            spec.rows = rows;
            spec.partials = partials;
            share_axis(spec);
          }
  }

  /// Workers along the axis, and the others of a group along the results.
  void share_axis(TileSpec &spec) {
    if (info_.max_workers == 1) return add(spec);
    int64_t steps = ceil_div(model_.dims[*spec.roles->axis].extent, spec.lanes * spec.partials);
    int64_t most = std::min<int64_t>(info_.max_workers, info_.team_workers * 16);
    for (int64_t sharers = 1; sharers <= most && (sharers == 1 || sharers < 2 * steps); sharers *= 4) {
      spec.axis_workers = sharers;
      spec.lane_workers = spec.row_workers = 1;
      int64_t others = std::max<int64_t>(1, info_.team_workers * 4 / sharers);
      if (spec.roles->lane != DimRoles::kNoDim)
        while (spec.lane_workers < others && spec.lane_workers * spec.vectors < model_.dims[spec.roles->lane].extent)
          spec.lane_workers *= 2;
      add(spec);
    }
  }

  /// As many steps as fit a part of the instruction cache, so that loop control and address arithmetic vanish.
  int64_t unroll_steps(int64_t tile) const {
    double budget = static_cast<double>(info_.code_bytes) * kLeastCodeShare /
                    (9.0 * static_cast<double>(tile) * static_cast<double>(model_.operations));
    return std::clamp<int64_t>(static_cast<int64_t>(budget), 1, kMaxUnrolledSteps);
  }

  /// Workers first along the lanes, up to a few teams; then along rows.
  void choose_workers(TileSpec &spec) const {
    if (info_.max_workers == 1) return;
    int64_t wanted = std::min<int64_t>(info_.max_workers, std::max<int64_t>(info_.team_workers * 4, 64));
    int64_t along = ceil_div(model_.dims[spec.roles->lane].extent, spec.lanes * spec.vectors);
    while (spec.lane_workers * 2 <= wanted && spec.lane_workers < along) spec.lane_workers *= 2;
    int64_t rows = ceil_div(row_extent(model_, *spec.roles), spec.rows);
    while (spec.lane_workers * spec.row_workers * 2 <= wanted && spec.row_workers < rows) spec.row_workers *= 2;
  }

  void enumerate_near(const DimRoles &roles) {
    if (!roles.fuse_rows && roles.rows.size() > 1) return;
    int64_t lane_extent = model_.dims[roles.lane].extent, rows_extent = row_extent(model_, roles);
    for (int64_t vectors : {1, 2})
      for (int64_t rows : {2, 4, 8})
        for (int64_t lane_workers : {2, 4, 8, 16, 32})
          for (int64_t row_workers : {2, 4, 8, 16, 32}) {
            int64_t workers = lane_workers * row_workers;
            if (workers < info_.team_workers || workers > std::min(info_.max_workers, 512)) continue;
            TileSpec spec;
            spec.roles = &roles;
            spec.near = true;
            spec.lanes = info_.access_lanes;
            spec.vectors = vectors;
            spec.rows = rows;
            spec.lane_workers = lane_workers;
            spec.row_workers = row_workers;
            // A tile twice as large as the problem is never the best.
            if (vectors * spec.lanes * lane_workers >= 2 * lane_extent && lane_workers > 2) continue;
            if (rows * row_workers >= 2 * rows_extent && row_workers > 2) continue;
            for (int64_t steps : {8, 16, 32}) {
              if (steps > 8 && steps >= 2 * model_.terms()) continue;
              spec.steps = steps;
              add(spec);
            }
          }
  }

  const DefinitionModel &model_;
  const TargetInfo &info_;
  std::vector<Tile> &out_;
};

} // namespace

int64_t row_extent(const DefinitionModel &model, const DimRoles &roles) {
  if (roles.rows.empty()) return 1;
  if (!roles.fuse_rows) return model.dims[roles.rows.back()].extent;
  int64_t product = 1;
  for (size_t d : roles.rows) product *= model.dims[d].extent;
  return product;
}

TileChoices tile_choices(const DefinitionModel &model, const TargetInfo &info) {
  TileChoices out;
  const RoleChooser chooser(model, info);
  out.roles = chooser.roles_of_dims();
  if (!chooser.has_good_lanes())
    for (DimRoles &roles : chooser.roles_along_axes()) out.roles.push_back(std::move(roles));
  SpecEnumerator enumerator(model, info, out.tiles);
  for (const DimRoles &roles : out.roles) enumerator.enumerate(roles);
  out.windows = window_dims(model, info);
  for (const WindowDims &dims : out.windows)
    for (const WindowTile &tile : window_tiles(model, info, dims)) out.tiles.emplace_back(tile);
  return out;
}

} // namespace sparkle
