// TileSpec: the few numbers that make a schedule. The cost model enumerates them; to_schedule writes the schedule out.
#pragma once

#include <optional>
#include <vector>

#include "compiler/schedule/access_model.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// How the output dimensions take part. Lane dimension: neighbouring lanes, and vectors of them in registers. Rows:
/// dimensions whose elements share what the lane dimension's reads bring (pixels of a convolution, rows of a matrix).
/// Batch: the others.
///
/// Where lanes run along an axis of the reduction instead, the lane dimension keeps its registers and workers but no
/// lanes; kNoDim where the definition has no dimension.
struct DimRoles {
  static constexpr size_t kNoDim = static_cast<size_t>(-1);
  size_t lane = 0;
  std::vector<size_t> rows; ///< Slowest first; the last one is in the register tile, all of them where `fuse_rows`.
  std::vector<size_t> batch;
  bool fuse_rows = false;
  std::optional<size_t> axis; ///< Of the reduction, that lanes and workers run along.
};

struct TileSpec {
  const DimRoles *roles = nullptr; ///< Of all specs that have them; they live as long as these.
  int64_t lanes = 1;
  int64_t vectors = 1;      ///< Registers along the lane dimension, of `lanes` each.
  int64_t rows = 1;         ///< Registers along the rows.
  int64_t lane_workers = 1; ///< Workers along the lane dimension.
  int64_t row_workers = 1;
  int64_t partials = 1;            ///< Registers along the axis, for one result.
  int64_t axis_workers = 1;        ///< Workers along the axis.
  int64_t steps = 1;               ///< Unrolled steps of the innermost reduction axis, or of all of them fused.
  bool near = false;               ///< Both operands go through near memory; the reduction is fused into one dimension.
  bool pack_inputs = false;        ///< Panels not of constants alone: of what changes, in each run.
  bool lane_groups_outside = true; ///< Groups along the lane dimension change slowest: its panels stay in cache.
};

/// Writes the schedule of definition `kernel`.
KernelSchedule to_schedule(const std::string &kernel, const DefinitionModel &model, const TileSpec &spec,
                           const TargetInfo &info);

/// Unrolled steps of one axis of the reduction.
struct UnrolledAxis {
  size_t axis = 0;
  int64_t part = 1; ///< A divisor of the extent.
  bool is_whole = false;
};
/// How `spec.steps` fall on the axes, innermost first; none on DimRoles::axis. Of specs without near memory.
std::vector<UnrolledAxis> unrolled_axes(const DefinitionModel &model, const TileSpec &spec);

/// The schedule packs what `read` reads before the kernel: constants that lanes run along are laid out as they are
/// read, once; other operands with TileSpec::pack_inputs.
bool packs(const DefinitionModel &model, const TileSpec &spec, const ModelAccess &read);

/// Reads of the reduction, each along the lane dimension or along rows but not both: a matrix product at heart.
bool is_matrix_like(const DefinitionModel &model, const DimRoles &roles);

} // namespace sparkle
