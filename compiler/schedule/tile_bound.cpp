#include "compiler/schedule/tile_bound.h"

#include <algorithm>
#include <limits>

#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/loop_model.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

/// Sums are rounded in another order here.
constexpr double kRounding = 1 - 1e-9;

/// Part of what tiles cover that falls on vectors of `part` with wanted results.
double share(int64_t extent, int64_t part, int64_t tile) {
  return static_cast<double>(ceil_div(extent, part) * part) / static_cast<double>(ceil_div(extent, tile) * tile);
}

/// Reads of one tensor are staged alike, as the first one of the reduction is.
const ModelAccess *first_read_of(const DefinitionModel &model, const std::string &tensor) {
  for (const ModelAccess &read : model.reads)
    if (read.in_reduction && read.tensor == tensor) return &read;
  return nullptr;
}

} // namespace

TileBound::TileBound(const DefinitionModel &model, const TargetInfo &info) : model_(model), info_(info) {
  std::vector<double> all;
  for (const ModelDim &dim : model.dims) all.push_back(static_cast<double>(dim.extent));
  for (size_t i = 0; i <= model.reads.size(); ++i) {
    const ModelAccess &access = i < model.reads.size() ? model.reads[i] : model.store;
    least_bytes_ += touched_by(access, all).elements * static_cast<double>(access.element_bytes);
  }
  counts_.reads.resize(model.reads.size());
}

double TileBound::seconds(const Tile &tile) {
  return match(
      tile, [&](const TileSpec &spec) { return seconds_of(spec); },
      [&](const WindowTile &window) { return seconds_of(window); });
}

double TileBound::seconds_of(const TileSpec &spec) {
  if (spec.near) return 0; // What is copied depends on the schedule.
  if (spec.roles != known_roles_ || spec.pack_inputs != known_packs_) learn(spec);
  count_loops(spec);
  for (size_t i = 0; i < model_.reads.size(); ++i) count_access(spec, model_.reads[i], facts_[i], counts_.reads[i]);
  count_access(spec, model_.store, facts_.back(), counts_.store);
  return seconds_with(work_of(model_, counts_, info_));
}

/// As predict() concludes.
double TileBound::seconds_with(const Work &work, double sparse_factor) const {
  if (work.refusal != Refusal::kNone) return std::numeric_limits<double>::infinity();
  const double units = std::min(static_cast<double>(info_.units), static_cast<double>(counts_.groups));
  double longest = work.seconds, all = work.seconds;
  for (size_t i = 0; i + 1 < info_.memories.size(); ++i) {
    const MemoryInfo &cache = info_.memories[i], &behind = info_.memories[i + 1];
    if (cache.explicit_fill || behind.explicit_fill || behind.bytes_per_cycle <= 0) continue;
    const double time =
        least_bytes_ * (i > 0 ? sparse_factor : 1) / (behind.bytes_per_cycle * units * info_.clock_ghz * 1e9);
    longest = std::max(longest, time);
    all += time;
  }
  return (longest + kNotOverlapped * (all - longest) + info_.launch_us * 1e-6) * kRounding;
}

void TileBound::learn(const TileSpec &spec) {
  known_roles_ = spec.roles;
  known_packs_ = spec.pack_inputs;
  facts_.clear();
  for (const ModelAccess &read : model_.reads) facts_.push_back(facts_of(spec, read));
  facts_.push_back(facts_of(spec, model_.store));
  along_.clear();
  if (spec.roles->lane != DimRoles::kNoDim) along_.push_back(static_cast<int>(spec.roles->lane));
  batch_groups_ = 1;
  for (size_t d : spec.roles->batch) batch_groups_ *= extent(d);
  for (size_t i = 0; !spec.roles->fuse_rows && i + 1 < spec.roles->rows.size(); ++i)
    batch_groups_ *= extent(spec.roles->rows[i]);
}

TileBound::AccessFacts TileBound::facts_of(const TileSpec &spec, const ModelAccess &access) const {
  const DimRoles &roles = *spec.roles;
  const auto depends = [&](size_t d) { return access.depends[d]; };
  AccessFacts facts;
  facts.lane = roles.lane != DimRoles::kNoDim && depends(roles.lane);
  facts.row =
      roles.fuse_rows ? std::ranges::any_of(roles.rows, depends) : !roles.rows.empty() && depends(roles.rows.back());
  facts.axis = roles.axis && depends(*roles.axis);
  const ModelAccess *first = first_read_of(model_, access.tensor);
  facts.is_packed = first && packs(model_, spec, *first);
  const size_t along = roles.axis.value_or(roles.lane);
  facts.contiguous = facts.is_packed || !depends(along) || (!access.irregular[along] && access.strides[along] == 1);
  return facts;
}

void TileBound::count_loops(const TileSpec &spec) {
  const DimRoles &roles = *spec.roles;
  const bool has_lane = roles.lane != DimRoles::kNoDim;
  const bool shares_axis = roles.axis && (spec.lanes > 1 || spec.axis_workers > 1);
  const int64_t results = spec.vectors * spec.rows;
  counts_.lanes = spec.lanes;
  counts_.serial = 1;
  counts_.workers = spec.lane_workers * spec.row_workers * spec.axis_workers;
  counts_.worker_partials = shares_axis ? spec.axis_workers : 1;
  counts_.register_partials = shares_axis ? spec.partials : 1;
  counts_.lane_partials = shares_axis ? spec.lanes : 1;
  counts_.registers = results * counts_.register_partials;
  const int64_t across = spec.vectors * spec.lane_workers * (roles.axis ? 1 : spec.lanes);
  const int64_t lane_groups = has_lane ? ceil_div(extent(roles.lane), across) : 1;
  counts_.groups = batch_groups_ * lane_groups * ceil_div(row_extent(model_, roles), spec.rows * spec.row_workers);
  counts_.steps = counts_.unrolled = 1;
  bool is_unrolled = model_.accumulators > 0;
  for (const UnrolledAxis &axis : unrolled_axes(model_, spec)) {
    is_unrolled &= axis.is_whole;
    counts_.unrolled *= axis.part;
    if (axis.axis != roles.axis) counts_.steps *= extent(axis.axis);
  }
  int64_t tiles_along = lane_groups;
  if (roles.axis) {
    tiles_along = ceil_div(extent(*roles.axis), spec.lanes * spec.axis_workers * spec.partials);
    counts_.steps *= tiles_along * (shares_axis ? 1 : spec.partials);
    counts_.unrolled *= shares_axis ? 1 : spec.partials;
  }
  const ModelDim *along = roles.axis || has_lane ? &model_.dims[roles.axis.value_or(roles.lane)] : nullptr;
  const bool has_tail = along && !along->is_open && along->extent % spec.lanes != 0;
  counts_.mask_factor = mask_factor(has_tail, tiles_along);
  counts_.window.reset();
  if (is_unrolled && model_.nested_terms == 1) count_window(spec);
}

/// Of a body that is the whole reduction; around it are groups, so that nothing is held from one to the next.
WindowLoads TileBound::least_loads(const TileSpec &spec) const {
  const DimRoles &roles = *spec.roles;
  const auto vectors = static_cast<double>(ceil_div(spec.lanes, info_.lanes * model_.narrowing));
  WindowLoads out;
  for (size_t i = 0; i < model_.reads.size(); ++i) {
    const ModelAccess &read = model_.reads[i];
    if (!read.in_reduction) continue;
    PlaceCounter counter;
    const auto add = [&](size_t d, int64_t count, int64_t times, bool is_known) {
      counter.add(count, is_known && !read.irregular[d], read.strides[d] * times);
    };
    if (facts_[i].lane) add(roles.lane, spec.vectors, spec.lanes, true);
    if (facts_[i].row) add(roles.rows.back(), spec.rows, 1, !roles.fuse_rows);
    for (size_t d = model_.parallel_dims(); d < model_.dims.size(); ++d)
      if (read.depends[d]) add(d, extent(d), 1, true);
    if (spec.lanes > 1 && facts_[i].lane)
      out.loads += counter.least() * turns_of_load(model_, info_, read, along_, spec.lanes, vectors);
    else
      out.broadcasts += counter.least();
  }
  return out;
}

void TileBound::count_window(const TileSpec &spec) {
  const double wide = static_cast<double>(ceil_div(spec.lanes, info_.lanes * model_.narrowing));
  WindowCounts window;
  window.accumulators = static_cast<double>(spec.vectors * spec.rows) * wide *
                        static_cast<double>(std::max(1, model_.accumulators - model_.counts));
  window.loads = least_loads(spec);
  window.loads.registers = window.accumulators + 1;
  const int64_t lane_tile = spec.lanes * spec.vectors * spec.lane_workers;
  window.useful_share = share(extent(spec.roles->lane), spec.lanes, lane_tile) *
                        share(row_extent(model_, *spec.roles), 1, spec.rows * spec.row_workers);
  counts_.window = window;
}

void TileBound::count_access(const TileSpec &spec, const ModelAccess &access, const AccessFacts &facts,
                             AccessCounts &counts) const {
  counts.registers =
      (facts.lane ? spec.vectors : 1) * (facts.row ? spec.rows : 1) * (facts.axis ? counts_.register_partials : 1);
  counts.reuse = counts_.registers / counts.registers;
  counts.workers =
      (facts.lane ? spec.lane_workers : 1) * (facts.row ? spec.row_workers : 1) * (facts.axis ? spec.axis_workers : 1);
  counts.along_lanes = spec.lanes > 1 && (spec.roles->axis ? facts.axis : facts.lane);
  counts.contiguous = spec.lanes == 1 || facts.contiguous;
  counts.is_packed = facts.is_packed;
  counts.worker_distance = counts_.workers > 1 ? worker_distance(spec, access) : 0;
}

/// Of the innermost worker loop.
int64_t TileBound::worker_distance(const TileSpec &spec, const ModelAccess &access) const {
  const DimRoles &roles = *spec.roles;
  if (spec.axis_workers > 1) return std::abs(access.strides[*roles.axis]) * spec.lanes * access.element_bytes;
  if (spec.lane_workers > 1)
    return std::abs(access.strides[roles.lane]) * (roles.axis ? 1 : spec.lanes) * access.element_bytes;
  return std::abs(access.strides[roles.rows.back()]) * spec.rows * access.element_bytes;
}

double TileBound::seconds_of(const WindowTile &tile) {
  const WindowDims &dims = *tile.dims;
  int64_t lane_extent = 1;
  for (const int d : dims.lane_dims) lane_extent *= extent(static_cast<size_t>(d));
  const int64_t lane_tiles = ceil_div(lane_extent, tile.lanes * tile.vectors);
  const int64_t row_tiles = dims.rows.empty() ? 1 : ceil_div(extent(dims.rows.back()), tile.inner);
  count_loops(tile, lane_tiles, row_tiles);
  counts_.mask_factor = mask_factor(lane_extent % tile.lanes != 0, lane_tiles);

  WindowCounts window;
  window.accumulators = static_cast<double>(counts_.registers * std::max(1, model_.accumulators - model_.counts)) *
                        static_cast<double>(ceil_div(tile.lanes, info_.lanes * model_.narrowing));
  window.useful_share = share(lane_extent, tile.lanes, tile.lanes * tile.vectors);
  if (!dims.rows.empty()) window.useful_share *= share(extent(dims.rows.back()), 1, tile.inner);
  if (dims.rows.size() > 1) window.useful_share *= share(extent(dims.rows.front()), 1, tile.outer);
  // The serial loop just around the body, whose changes alone reach it.
  std::optional<size_t> around;
  if (row_tiles > 1) around = dims.rows.back();
  if (tile.place == LanePlace::kInside && lane_tiles > 1) around = dims.lane;
  window.loads = least_loads(tile, around);
  window.loads.registers = window.accumulators + 1;
  counts_.window = window;
  return seconds_with(work_of(model_, counts_, info_), least_sparse_factor(tile, lane_tiles, row_tiles));
}

/// Of what WindowModel counts, that lanes are not walked as they lie.
double TileBound::least_sparse_factor(const WindowTile &tile, int64_t lane_tiles, int64_t row_tiles) const {
  const bool walks =
      std::ranges::any_of(model_.reads, [](const ModelAccess &r) { return r.in_reduction && !r.is_constant; });
  const bool may_go_on = tile.place == LanePlace::kInside || row_tiles == 1 || lane_tiles == 1;
  return walks && !may_go_on ? short_run_factor(tile.lanes * tile.vectors * model_.store.element_bytes) : 1;
}

void TileBound::count_loops(const WindowTile &tile, int64_t lane_tiles, int64_t row_tiles) {
  const WindowDims &dims = *tile.dims;
  counts_.lanes = tile.lanes;
  counts_.registers = tile.vectors * tile.outer * tile.inner;
  counts_.workers = counts_.worker_partials = counts_.register_partials = counts_.lane_partials = 1;
  counts_.steps = counts_.unrolled = model_.terms();
  const bool inside = tile.place == LanePlace::kInside;
  counts_.serial = row_tiles * (inside ? lane_tiles : 1);
  counts_.groups = inside ? 1 : lane_tiles;
  for (size_t d = 0; d < model_.parallel_dims(); ++d) {
    if (std::ranges::find(dims.lane_dims, static_cast<int>(d)) != dims.lane_dims.end()) continue;
    if (!dims.rows.empty() && d == dims.rows.back()) continue;
    const bool is_outer = dims.rows.size() > 1 && d == dims.rows.front();
    counts_.groups *= is_outer ? ceil_div(extent(d), tile.outer) : extent(d);
  }
  counts_.store.contiguous = !model_.store.irregular[dims.lane];
}

WindowLoads TileBound::least_loads(const WindowTile &tile, std::optional<size_t> around) const {
  const std::vector<int> &along = tile.dims->lane_dims;
  const auto vectors = static_cast<double>(ceil_div(tile.lanes, info_.lanes * model_.narrowing));
  const auto depends = [](const ModelAccess &read, const std::vector<int> &dims) {
    return std::ranges::any_of(dims, [&](int d) { return read.depends[static_cast<size_t>(d)]; });
  };
  WindowLoads out;
  for (const ModelAccess &read : model_.reads) {
    if (!read.in_reduction) continue;
    const bool wide = tile.lanes > 1 && depends(read, along);
    const bool changes = around && (*around == tile.dims->lane ? depends(read, along) : read.depends[*around]);
    if (around && !changes) continue; // Held in registers, as it may be.
    const double elements = least_elements(tile, read);
    if (wide)
      out.loads += elements * turns_of_load(model_, info_, read, along, tile.lanes, vectors);
    else
      out.broadcasts += elements;
  }
  return out;
}

/// As WindowModel counts them.
double TileBound::least_elements(const WindowTile &tile, const ModelAccess &read) const {
  const WindowDims &dims = *tile.dims;
  PlaceCounter counter;
  const auto add = [&](size_t d, int64_t count, int64_t times, bool is_known) {
    if (read.depends[d]) counter.add(count, is_known && !read.irregular[d], read.strides[d] * times);
  };
  add(dims.lane, tile.vectors, tile.lanes, dims.lane_dims.size() == 1);
  if (!dims.rows.empty()) add(dims.rows.back(), tile.inner, 1, true);
  if (dims.rows.size() > 1) add(dims.rows.front(), tile.outer, 1, true);
  for (size_t d = model_.parallel_dims(); d < model_.dims.size(); ++d) add(d, extent(d), 1, true);
  return counter.least();
}

} // namespace sparkle
