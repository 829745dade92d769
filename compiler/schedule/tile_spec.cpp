#include "compiler/schedule/tile_spec.h"

#include <algorithm>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Bytes of machine code of one multiply-add with its operand's load.
constexpr double kCodeBytesPerOperation = 9;
/// Of the instruction budget that the parts of a tile may take together: all but the middle ones keep guards.
constexpr double kPartsCodeShare = 1.0 / 16;

bool runs_along(const DimRoles &roles, const ModelAccess &read) {
  return std::ranges::any_of(roles.rows, [&](size_t d) { return read.depends[d]; });
}

class ScheduleWriter {
public:
  ScheduleWriter(const std::string &kernel, const DefinitionModel &model, const TileSpec &spec, const TargetInfo &info)
      : model_(model), spec_(spec), info_(info) {
    out_.kernel = kernel;
    out_.placement = Placement::kStored;
  }

  KernelSchedule run() {
    write_dims();
    write_order();
    write_stagings();
    write_partition();
    return std::move(out_);
  }

private:
  const std::string &name(size_t dim) const { return model_.dims[dim].name; }

  std::string unique(std::string wanted) const {
    auto taken = [&] {
      return std::any_of(model_.dims.begin(), model_.dims.end(), [&](const ModelDim &d) { return d.name == wanted; });
    };
    while (taken()) wanted += "_";
    return wanted;
  }

  std::vector<size_t> reductions() const {
    std::vector<size_t> list;
    for (size_t d = 0; d < model_.dims.size(); ++d)
      if (model_.dims[d].is_reduction) list.push_back(d);
    return list;
  }

  /// Adds a split unless it would be one iteration; returns its loop.
  std::optional<LoopRef> split(DimSchedule &dim, LoopKind kind, int64_t factor) {
    if (factor == 1) return std::nullopt;
    dim.splits.push_back({kind, factor});
    return LoopRef{dim.dim, static_cast<int>(dim.splits.size()) - 1};
  }

  void write_dims() {
    const DimRoles &roles = *spec_.roles;
    if (roles.lane != DimRoles::kNoDim) write_lane_dim();
    if (!roles.rows.empty()) write_rows();
    for (size_t d : roles.batch) {
      out_.dims.push_back({name(d), {}, {{LoopKind::kGroup, 0}}});
      batch_groups_.push_back({name(d), 0});
    }
    for (size_t i = 0; !roles.fuse_rows && i + 1 < roles.rows.size(); ++i) {
      out_.dims.push_back({name(roles.rows[i]), {}, {{LoopKind::kGroup, 0}}});
      row_groups_.push_back({name(roles.rows[i]), 0});
    }
    if (is_valid_row_) row_groups_.push_back({row_name_, 0});
    write_reductions();
  }

  void write_lane_dim() {
    DimSchedule lane{name(spec_.roles->lane), {}, {{LoopKind::kGroup, 0}}};
    // Registers outside workers: what neighbouring workers touch at once is contiguous.
    lane_unrolled_ = split(lane, LoopKind::kUnrolled, spec_.vectors);
    lane_worker_ = split(lane, LoopKind::kWorker, spec_.lane_workers);
    if (!spec_.roles->axis) lane_ = split(lane, LoopKind::kLane, spec_.lanes);
    lane_group_ = LoopRef{lane.dim, 0};
    out_.dims.push_back(lane);
  }

  void write_rows() {
    const DimRoles &roles = *spec_.roles;
    DimSchedule row;
    bool fuse = roles.fuse_rows && roles.rows.size() > 1;
    row.dim = fuse ? unique("p") : name(roles.rows.back());
    if (fuse)
      for (size_t d : roles.rows) row.fused.push_back(name(d));
    row.splits.push_back({LoopKind::kGroup, 0});
    // Wide accesses along the rows want a few neighbouring rows in one worker; the rest of its rows lie further apart.
    int64_t inner = spec_.near ? std::min<int64_t>(spec_.rows, info_.access_lanes) : spec_.rows;
    row_outer_ = split(row, LoopKind::kUnrolled, spec_.rows / inner);
    row_worker_ = split(row, LoopKind::kWorker, spec_.row_workers);
    row_inner_ = split(row, LoopKind::kUnrolled, inner);
    row_name_ = row.dim;
    is_valid_row_ = true;
    out_.dims.push_back(std::move(row));
  }

  void write_reductions() {
    std::vector<size_t> axes = reductions();
    if (axes.empty()) return;
    if (spec_.near) {
      DimSchedule k;
      k.dim = axes.size() > 1 ? unique("k") : name(axes.front());
      if (axes.size() > 1)
        for (size_t d : axes) k.fused.push_back(name(d));
      k.splits = {{LoopKind::kSerial, 0}, {LoopKind::kUnrolled, spec_.steps}};
      reduction_serial_ = {{k.dim, 0}};
      reduction_unrolled_ = {{k.dim, 1}};
      out_.dims.push_back(std::move(k));
      return;
    }
    for (const UnrolledAxis &axis : unrolled_axes(model_, spec_))
      axis.axis == spec_.roles->axis ? write_shared_axis() : write_axis(axis);
    std::reverse(reduction_serial_.begin(), reduction_serial_.end());
    std::reverse(reduction_unrolled_.begin(), reduction_unrolled_.end());
  }

  /// Neighbouring lanes, then neighbouring workers, touch neighbouring elements.
  void write_shared_axis() {
    DimSchedule dim{name(*spec_.roles->axis), {}, {{LoopKind::kSerial, 0}}};
    reduction_serial_.push_back({dim.dim, 0});
    axis_unrolled_ = split(dim, LoopKind::kUnrolled, spec_.partials);
    axis_worker_ = split(dim, LoopKind::kWorker, spec_.axis_workers);
    lane_ = split(dim, LoopKind::kLane, spec_.lanes);
    out_.dims.push_back(std::move(dim));
  }

  void write_axis(const UnrolledAxis &axis) {
    DimSchedule dim{name(axis.axis), {}, {}};
    if (axis.is_whole) {
      dim.splits = {{LoopKind::kUnrolled, 0}};
      reduction_unrolled_.push_back({dim.dim, 0});
    } else {
      dim.splits = {{LoopKind::kSerial, 0}};
      reduction_serial_.push_back({dim.dim, 0});
      if (axis.part > 1) {
        dim.splits.push_back({LoopKind::kUnrolled, axis.part});
        reduction_unrolled_.push_back({dim.dim, 1});
      }
    }
    out_.dims.push_back(std::move(dim));
  }

  void append(const std::vector<LoopRef> &loops) { out_.order.insert(out_.order.end(), loops.begin(), loops.end()); }
  void append(const std::optional<LoopRef> &loop) {
    if (loop) out_.order.push_back(*loop);
  }

  void write_order() {
    append(batch_groups_);
    if (spec_.lane_groups_outside) append(lane_group_);
    append(row_groups_);
    if (!spec_.lane_groups_outside) append(lane_group_);
    append(row_worker_);
    append(lane_worker_);
    append(axis_worker_);
    append(reduction_serial_);
    append(reduction_unrolled_);
    append(row_outer_);
    append(row_inner_);
    append(lane_unrolled_);
    append(axis_unrolled_);
    append(lane_);
  }

  void write_stagings() {
    std::vector<std::string> done;
    for (const ModelAccess &read : model_.reads) {
      if (!read.in_reduction || std::find(done.begin(), done.end(), read.tensor) != done.end()) continue;
      done.push_back(read.tensor);
      if (packs(model_, spec_, read)) stage_far(read);
    }
    if (!spec_.near) return;
    done.clear();
    for (MemoryLevel level : {MemoryLevel::kNear, MemoryLevel::kRegister})
      for (const ModelAccess &read : model_.reads) {
        std::string key = read.tensor + std::to_string(static_cast<int>(level));
        if (!read.in_reduction || std::find(done.begin(), done.end(), key) != done.end()) continue;
        done.push_back(key);
        level == MemoryLevel::kNear ? stage_near(read) : stage_register(read);
      }
  }

  bool depends_on(const ModelAccess &read, const LoopRef &loop) const {
    for (const DimSchedule &dim : out_.dims) {
      if (dim.dim != loop.dim) continue;
      for (size_t d = 0; d < model_.dims.size(); ++d) {
        bool part = dim.fused.empty() ? name(d) == dim.dim
                                      : std::find(dim.fused.begin(), dim.fused.end(), name(d)) != dim.fused.end();
        if (part && read.depends[d]) return true;
      }
    }
    return false;
  }

  void add_layout(Staging &staging, const ModelAccess &read, const std::vector<LoopRef> &loops) const {
    for (const LoopRef &loop : loops)
      if (depends_on(read, loop)) staging.layout.push_back(loop);
  }
  void add_layout(Staging &staging, const ModelAccess &read, const std::optional<LoopRef> &loop) const {
    if (loop) add_layout(staging, read, std::vector<LoopRef>{*loop});
  }

  void stage_far(const ModelAccess &read) {
    Staging staging;
    staging.tensor = read.tensor;
    staging.level = MemoryLevel::kFar;
    add_layout(staging, read, lane_group_);
    add_layout(staging, read, reduction_serial_);
    add_layout(staging, read, reduction_unrolled_);
    add_layout(staging, read, lane_unrolled_);
    add_layout(staging, read, lane_worker_);
    add_layout(staging, read, lane_);
    out_.stagings.push_back(std::move(staging));
  }

  bool has_far(const std::string &tensor) const {
    return std::any_of(out_.stagings.begin(), out_.stagings.end(),
                       [&](const Staging &s) { return s.tensor == tensor && s.level == MemoryLevel::kFar; });
  }

  void stage_near(const ModelAccess &read) {
    Staging staging;
    staging.tensor = read.tensor;
    staging.level = MemoryLevel::kNear;
    staging.at = reduction_serial_.back();
    bool rows = runs_along(*spec_.roles, read);
    std::vector<LoopRef> across;
    for (const auto &loop :
         rows ? std::vector{row_outer_, row_worker_, row_inner_} : std::vector{lane_unrolled_, lane_worker_, lane_})
      if (loop) across.push_back(*loop);
    staging.layout = reduction_unrolled_;
    staging.layout.insert(staging.layout.end(), across.begin(), across.end());
    choose_walk(read, rows, across, staging);
    staging.buffers = 2;
    staging.ahead = 1;
    out_.stagings.push_back(std::move(staging));
  }

  /// Copies run along what lies together in far memory, as wide as proofs allow.
  void choose_walk(const ModelAccess &read, bool rows, const std::vector<LoopRef> &across, Staging &staging) const {
    std::vector<size_t> axes = reductions();
    size_t last_axis = axes.back();
    auto wide = [&](int64_t extent, int64_t tile) {
      return extent % info_.access_lanes == 0 && tile % info_.access_lanes == 0 ? info_.access_lanes : 1;
    };
    if (has_far(read.tensor)) { // Panels lie in the order of the layout.
      staging.lanes = static_cast<int>(wide(spec_.lanes * spec_.vectors * spec_.lane_workers,
                                            spec_.lanes > 1 ? spec_.lanes : spec_.vectors * spec_.lane_workers));
      if (spec_.lanes == 1) staging.lanes = 1;
      return;
    }
    if (read.strides[last_axis] == 1 && !read.irregular[last_axis]) {
      staging.walk = across;
      staging.walk.insert(staging.walk.end(), reduction_unrolled_.begin(), reduction_unrolled_.end());
      staging.lanes = static_cast<int>(wide(model_.dims[last_axis].extent, spec_.steps));
      // Neighbouring workers store to rows of near memory: an odd number of wide words keeps them in different banks.
      staging.skew = info_.near_banks > 0 ? info_.access_lanes : 0;
      return;
    }
    size_t lane = rows ? spec_.roles->rows.back() : spec_.roles->lane;
    bool lanes_inside = !rows && read.strides[lane] == 1 && !read.irregular[lane] && !read.guarded[lane] &&
                        !read.limited[lane] && spec_.lanes > 1;
    if (lanes_inside) staging.lanes = static_cast<int>(wide(model_.dims[lane].extent, spec_.lanes));
  }

  void stage_register(const ModelAccess &read) {
    Staging staging;
    staging.tensor = read.tensor;
    staging.level = MemoryLevel::kRegister;
    staging.at = reduction_unrolled_.back();
    bool rows = runs_along(*spec_.roles, read);
    for (const auto &loop : rows ? std::vector{row_outer_, row_inner_} : std::vector{lane_unrolled_, lane_})
      if (loop) staging.layout.push_back(*loop);
    int64_t inner = rows ? std::min<int64_t>(spec_.rows, info_.access_lanes) : spec_.lanes;
    bool last_is_wide = rows ? row_inner_.has_value() : lane_.has_value();
    staging.lanes = last_is_wide ? static_cast<int>(inner) : 1;
    out_.stagings.push_back(std::move(staging));
  }

  /// Where guards cut through tiles: tiles of rows, tails, and the reduction axes of the same guards.
  void write_partition() {
    if (spec_.near) return; // Copies carry the guards.
    double code = tile_code_bytes();
    for (const DimSchedule &dim : out_.dims) {
      bool guarded = false;
      for (const ModelAccess &read : model_.reads)
        for (size_t d = 0; d < model_.dims.size(); ++d)
          guarded |= name(d) == dim.dim && (read.guarded[d] || (read.limited[d] && has_lanes(dim)));
      bool tail = !dim.fused.empty();
      int64_t inner = 1;
      for (size_t i = 1; i < dim.splits.size(); ++i) inner *= dim.splits[i].factor;
      for (size_t d = 0; d < model_.dims.size(); ++d) tail |= name(d) == dim.dim && model_.dims[d].extent % inner != 0;
      const bool wanted = (guarded && inner_loops_see(dim)) || (tail && inner > 1);
      if (wanted && has_room_for_parts(dim, code)) out_.partition.push_back(dim.dim);
    }
  }

  /// A tile of fused rows meets all edges of the box: each axis has its first, its middle and its last part, and all
  /// of these times those of the other axes. Along one dimension one axis alone cuts the tile.
  bool has_room_for_parts(const DimSchedule &dim, double &code) const {
    const auto axis = std::find_if(model_.dims.begin(), model_.dims.end(),
                                   [&](const ModelDim &d) { return d.name == dim.dim && d.is_reduction; });
    if (!spec_.roles->fuse_rows || axis == model_.dims.end()) return true;
    const double parts = static_cast<double>(std::min<int64_t>(axis->extent, 3)) * code;
    if (parts > static_cast<double>(info_.code_bytes) * kPartsCodeShare) return false;
    code = parts;
    return true;
  }

  double tile_code_bytes() const {
    const int64_t registers = spec_.rows * spec_.vectors * ceil_div(spec_.lanes, info_.lanes);
    return kCodeBytesPerOperation * static_cast<double>(registers * spec_.steps * model_.operations);
  }

  /// Limits of indices that all lanes share are a few scalar operations; those of lanes take the lanes apart.
  static bool has_lanes(const DimSchedule &dim) {
    return std::any_of(dim.splits.begin(), dim.splits.end(), [](const Split &s) { return s.kind == LoopKind::kLane; });
  }

  /// Loops of one iteration a tile are clipped, not partitioned; reduction axes matter beside a tiled dimension.
  bool inner_loops_see(const DimSchedule &dim) const {
    bool reduction = std::any_of(model_.dims.begin(), model_.dims.end(),
                                 [&](const ModelDim &d) { return d.name == dim.dim && d.is_reduction; });
    return reduction ? spec_.rows > 1 || spec_.lanes > 1 : dim.splits.size() > 1;
  }

  const DefinitionModel &model_;
  const TileSpec &spec_;
  const TargetInfo &info_;
  KernelSchedule out_;
  std::optional<LoopRef> lane_group_;
  std::vector<LoopRef> batch_groups_, row_groups_, reduction_serial_, reduction_unrolled_;
  std::optional<LoopRef> lane_unrolled_, lane_worker_, lane_, row_outer_, row_worker_, row_inner_, axis_unrolled_,
      axis_worker_;
  std::string row_name_;
  bool is_valid_row_ = false;
};

} // namespace

KernelSchedule to_schedule(const std::string &kernel, const DefinitionModel &model, const TileSpec &spec,
                           const TargetInfo &info) {
  return ScheduleWriter(kernel, model, spec, info).run();
}

std::vector<UnrolledAxis> unrolled_axes(const DefinitionModel &model, const TileSpec &spec) {
  std::vector<UnrolledAxis> list;
  int64_t left = spec.steps;
  for (size_t d = model.dims.size(); d-- > 0 && model.dims[d].is_reduction;) {
    if (d == spec.roles->axis) {
      list.push_back({d, 1, false});
      continue;
    }
    const int64_t extent = model.dims[d].extent;
    if (extent <= left && !model.dims[d].is_open) { // While that is within the wanted number of steps.
      list.push_back({d, extent, true});
      left /= extent;
      continue;
    }
    int64_t part = left;
    while (part > 1 && extent % part != 0) --part;
    list.push_back({d, part, false});
    left = 1;
  }
  return list;
}

bool packs(const DefinitionModel &model, const TileSpec &spec, const ModelAccess &read) {
  const DimRoles &roles = *spec.roles;
  if (roles.axis) return false; // As they lie, lanes run along them.
  if (!(read.is_constant || spec.pack_inputs) || !read.depends[roles.lane] || runs_along(roles, read)) return false;
  if (std::ranges::any_of(read.irregular, [](bool irregular) { return irregular; })) return false;
  if (std::ranges::any_of(roles.batch, [&](size_t d) { return read.depends[d]; })) return false;
  for (size_t d = model.parallel_dims(); d < model.dims.size(); ++d)
    if (read.depends[d]) return true;
  return false;
}

bool is_matrix_like(const DefinitionModel &model, const DimRoles &roles) {
  bool lane_read = false, row_read = false;
  for (const ModelAccess &read : model.reads) {
    if (!read.in_reduction) continue;
    bool lane = read.depends[roles.lane];
    bool rows = std::any_of(roles.rows.begin(), roles.rows.end(), [&](size_t d) { return read.depends[d]; });
    if (lane == rows) return false;
    lane_read |= lane;
    row_read |= rows;
  }
  return lane_read && row_read && model.accumulators == 1 && model.nested_terms == 1;
}

} // namespace sparkle
