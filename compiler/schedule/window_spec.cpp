#include "compiler/schedule/window_spec.h"

#include <algorithm>

#include "compiler/schedule/window_model.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Longer reductions are loops; what is unrolled must not take long to compile.
constexpr int64_t kMostTerms = 64;
constexpr int64_t kMostPoints = 160;

class WindowWriter {
public:
  WindowWriter(const std::string &kernel, const DefinitionModel &model, const WindowTile &tile)
      : model_(model), tile_(tile) {
    out_.kernel = kernel;
    out_.placement = Placement::kStored;
  }

  KernelSchedule run() {
    const size_t row = tile_.dims->rows.empty() ? model_.dims.size() : tile_.dims->rows.back();
    const size_t outer = tile_.dims->rows.size() > 1 ? tile_.dims->rows.front() : model_.dims.size();
    std::vector<LoopRef> groups, tile;
    for (size_t d = 0; d < model_.parallel_dims(); ++d) {
      if (is_lane_dim(d) || d == row) continue;
      groups.push_back(split(d, LoopKind::kGroup, d == outer ? tile_.outer : 1, tile));
    }
    std::vector<LoopRef> along;
    if (row < model_.dims.size()) along.push_back(split(row, LoopKind::kSerial, tile_.inner, tile));
    const LoopKind kind = tile_.place == LanePlace::kInside ? LoopKind::kSerial : LoopKind::kGroup;
    const LoopRef lane = split(tile_.dims->lane, kind, tile_.vectors, tile, tile_.lanes);
    if (tile_.place == LanePlace::kOutside) out_.order.push_back(lane);
    append(groups);
    if (tile_.place == LanePlace::kAround) out_.order.push_back(lane);
    append(along);
    if (tile_.place == LanePlace::kInside) out_.order.push_back(lane);
    for (size_t d = model_.parallel_dims(); d < model_.dims.size(); ++d) {
      out_.dims.push_back({model_.dims[d].name, {}, {{LoopKind::kUnrolled, 0}}});
      out_.order.push_back({model_.dims[d].name, 0});
    }
    append(tile);
    write_partition();
    return std::move(out_);
  }

private:
  /// Dimension d as `kind`, unrolled `factor`, lane `lanes`; the inner loops go to `tile`.
  LoopRef split(size_t d, LoopKind kind, int64_t factor, std::vector<LoopRef> &tile, int64_t lanes = 1) {
    DimSchedule dim{model_.dims[d].name, {}, {{kind, 0}}};
    if (d == tile_.dims->lane && tile_.dims->lane_dims.size() > 1) {
      dim.dim = lane_name();
      for (int part : tile_.dims->lane_dims) dim.fused.push_back(model_.dims[static_cast<size_t>(part)].name);
    }
    if (factor > 1) dim.splits.push_back({LoopKind::kUnrolled, factor});
    if (factor > 1) tile.push_back({dim.dim, 1});
    if (lanes > 1) dim.splits.push_back({LoopKind::kLane, lanes});
    if (lanes > 1) tile.push_back({dim.dim, static_cast<int>(dim.splits.size()) - 1});
    out_.dims.push_back(dim);
    return {dim.dim, 0};
  }

  void append(const std::vector<LoopRef> &loops) { out_.order.insert(out_.order.end(), loops.begin(), loops.end()); }

  bool is_lane_dim(size_t d) const {
    return std::ranges::find(tile_.dims->lane_dims, static_cast<int>(d)) != tile_.dims->lane_dims.end();
  }

  std::string lane_name() const {
    std::string name = tile_.dims->lane_dims.size() > 1 ? "p" : model_.dims[tile_.dims->lane].name;
    if (tile_.dims->lane_dims.size() == 1) return name;
    while (std::ranges::any_of(model_.dims, [&](const ModelDim &d) { return d.name == name; })) name += "_";
    return name;
  }

  /// Where borders or tails cut through tiles.
  void write_partition() {
    for (size_t d = 0; d < model_.parallel_dims(); ++d) {
      const bool is_lane = is_lane_dim(d);
      if (is_lane && static_cast<size_t>(tile_.dims->lane_dims.front()) != d)
        continue; // With those that it goes on in.
      bool guarded = false;
      int64_t inside = 1, extent = 1;
      const std::vector<int> alone = {static_cast<int>(d)};
      for (int part : is_lane ? tile_.dims->lane_dims : alone) {
        const auto p = static_cast<size_t>(part);
        extent *= model_.dims[p].extent;
        // Limits of indices that all lanes share are a few scalar operations; those of lanes take the lanes apart.
        guarded |= std::ranges::any_of(model_.reads,
                                       [&](const ModelAccess &r) { return r.guarded[p] || (r.limited[p] && is_lane); });
      }
      const std::string name = is_lane ? lane_name() : model_.dims[d].name;
      for (const DimSchedule &dim : out_.dims)
        for (size_t i = 1; dim.dim == name && i < dim.splits.size(); ++i) inside *= dim.splits[i].factor;
      if (guarded || extent % inside != 0) out_.partition.push_back(name);
    }
  }

  const DefinitionModel &model_;
  const WindowTile &tile_;
  KernelSchedule out_;
};

/// Results that are neighbours along `dim` share elements of `read`, or read neighbouring ones.
bool slides(const DefinitionModel &model, const ModelAccess &read, size_t dim) {
  if (!read.depends[dim] || read.irregular[dim] || read.strides[dim] == 0) return false;
  for (size_t a = model.parallel_dims(); a < model.dims.size(); ++a) {
    if (!read.depends[a] || read.irregular[a] || read.strides[a] == 0) continue;
    const int64_t step = std::abs(read.strides[dim]), tap = std::abs(read.strides[a]);
    if (step % tap == 0 && step <= tap * model.dims[a].extent) return true;
    if (tap % step == 0 && tap < step * model.dims[dim].extent) return true;
  }
  return false;
}

/// Reads of the reduction that change between runs run along the lanes; weights may, or are the same for all lanes.
bool runs_along(const DefinitionModel &model, size_t lane) {
  bool any = false;
  for (const ModelAccess &read : model.reads) {
    if (!read.in_reduction) continue;
    const bool along = read.depends[lane];
    if (along && (read.irregular[lane] || read.strides[lane] < 1 || read.strides[lane] > kGreatestLaneStep))
      return false;
    if (!along && !read.is_constant) return false;
    any |= along;
  }
  return any && model.store.strides[lane] == 1;
}

/// Two: the widest that the dimension fills, or a part of; and half of it.
std::vector<int64_t> lane_choices(int64_t extent, int64_t widest) {
  std::vector<int64_t> list;
  for (int64_t lanes = widest; lanes >= 2 && list.size() < 2; lanes /= 2)
    if (lanes <= extent || (list.empty() && lanes / 2 < extent)) list.push_back(lanes);
  return list;
}

/// Lanes of a short dimension go on in the one before it, where that is one even walk through memory for all accesses:
/// the colours of pixels.
std::vector<int> lane_dims(const DefinitionModel &model, const TargetInfo &info, size_t lane) {
  const std::vector<int> alone = {static_cast<int>(lane)};
  if (lane == 0 || model.dims[lane].extent >= info.lanes || model.dims[lane - 1].is_open) return alone;
  const std::vector<int> joined = {static_cast<int>(lane) - 1, static_cast<int>(lane)};
  const auto even = [&](const ModelAccess &access) { return is_even(model, access, joined); };
  return even(model.store) && std::ranges::all_of(model.reads, even) ? joined : alone;
}

} // namespace

bool is_short_reduction(const DefinitionModel &model) {
  return model.accumulators > 0 && model.nested_terms == 1 && model.terms() <= kMostTerms;
}

std::vector<WindowDims> window_dims(const DefinitionModel &model, const TargetInfo &info) {
  std::vector<WindowDims> list;
  if (info.max_workers > 1 || !is_short_reduction(model)) return list;
  if (std::any_of(model.dims.begin(), model.dims.end(), [](const ModelDim &d) { return d.is_reduction && d.is_open; }))
    return list;
  for (size_t lane = 0; lane < model.parallel_dims(); ++lane) {
    if (model.dims[lane].is_open || !runs_along(model, lane)) continue;
    WindowDims dims{lane, lane_dims(model, info, lane), {}};
    const auto is_lane = [&](size_t d) {
      return std::ranges::find(dims.lane_dims, static_cast<int>(d)) != dims.lane_dims.end();
    };
    for (size_t d = 0; d < model.parallel_dims(); ++d) {
      const bool row = !is_lane(d) && !model.dims[d].is_open &&
                       std::any_of(model.reads.begin(), model.reads.end(), [&](const ModelAccess &r) {
                         return r.in_reduction && r.depends[lane] && slides(model, r, d);
                       });
      if (row) dims.rows.push_back(d);
    }
    const bool along_lanes = std::any_of(model.reads.begin(), model.reads.end(), [&](const ModelAccess &r) {
      return r.in_reduction &&
             std::ranges::any_of(dims.lane_dims, [&](int d) { return slides(model, r, static_cast<size_t>(d)); });
    });
    if (dims.rows.empty() && !along_lanes) continue;
    if (dims.rows.size() > 2) dims.rows.erase(dims.rows.begin(), dims.rows.end() - 2);
    list.push_back(std::move(dims));
  }
  return list;
}

std::vector<WindowTile> window_tiles(const DefinitionModel &model, const TargetInfo &info, const WindowDims &dims) {
  std::vector<WindowTile> list;
  const int64_t accumulators = std::max(1, model.accumulators - model.counts), terms = model.terms() * accumulators;
  int64_t lane_extent = 1;
  for (int d : dims.lane_dims) lane_extent *= model.dims[static_cast<size_t>(d)].extent;
  const int64_t inner_extent = dims.rows.empty() ? 1 : model.dims[dims.rows.back()].extent;
  const int64_t outer_extent = dims.rows.size() > 1 ? model.dims[dims.rows.front()].extent : 1;
  for (int64_t lanes : lane_choices(lane_extent, info.lanes * model.narrowing))
    for (int64_t vectors = 1; vectors <= std::min<int64_t>(4, ceil_div(lane_extent, lanes)); vectors *= 2)
      for (int64_t outer = 1; outer <= std::min<int64_t>(4, outer_extent); outer *= 2)
        for (int64_t inner = 1; inner <= std::min<int64_t>(16, inner_extent); inner += inner < 8 ? 1 : 2) {
          const int64_t results = vectors * outer * inner;
          if (results > 1 && results * terms > kMostPoints) break;
          if (results * accumulators + 2 > info.registers) break;
          for (LanePlace place : {LanePlace::kOutside, LanePlace::kAround, LanePlace::kInside})
            list.push_back({&dims, lanes, vectors, outer, inner, place});
        }
  return list;
}

KernelSchedule to_schedule(const std::string &kernel, const DefinitionModel &model, const WindowTile &tile) {
  return WindowWriter(kernel, model, tile).run();
}

} // namespace sparkle
