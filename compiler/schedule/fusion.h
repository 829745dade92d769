// Which definitions share the group loops of which other one (`place at`), and how much of each a group needs. Shared
// by `place`, which computes them tile by tile, and the cost model.
//   dst[y, x] with `split y: group, serial 8` reads bx[y + i - 2, x], i in 0..5: a group reads rows 8 t - 2 ... 8 t
//   + 9.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/analysis/tile_hull.h"
#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"

namespace sparkle {

/// A group loop of the consumer: one group computes `tile` neighbouring elements along `dim`.
struct SharedLoop {
  std::string dim;
  size_t source = 0; ///< Of the consumer's Definition::dims.
  int64_t tile = 1;
  std::optional<int64_t> count; ///< Tiles; nothing where the extent is open, and `tile` is 1 then.
};

/// What a group needs of one dimension of a let: elements step * t + first ... step * t + first + rows - 1 for number t
/// of its tile along `loop`. They may lie outside the let.
struct TiledDim {
  int loop = -1; ///< In Fusion::loops; -1: the whole dimension, the rest has no meaning then.
  int64_t step = 1;
  int64_t first = 0;
  int64_t rows = 1;
};

struct FusedLet {
  size_t kernel = 0; ///< In Program::kernels.
  TensorId tensor = kNoId<TensorId>;
  std::vector<TiledDim> dims;
  std::vector<int64_t> tile; ///< Extents of a group's tile, outermost first; dimensions of one row are left out.
  int64_t elements = 1;      ///< Of one group.
  int64_t near_elements = 1; ///< The same, with what `skew` leaves between rows.
  double repeats = 1;        ///< Times that each element is computed, on average.
};

struct Fusion {
  size_t consumer = 0;           ///< In Program::kernels.
  std::vector<SharedLoop> loops; ///< Outermost first: all its group loops.
  std::vector<FusedLet> lets;    ///< In the order of Program::kernels.
  const FusedLet *find(TensorId tensor) const;
};

/// The lets that `schedule` places at loops, by consumer. `program` is at stage kImported, its inlined lets are gone.
/// Errors: kBadSchedule, with the name of the let.
Result<std::vector<Fusion>> plan_fusions(const Program &program, const Schedule &schedule);

/// Group loops in an entry: the first dimensions of the lets that are placed at it.
size_t shared_loop_count(const KernelSchedule &consumer);

/// The entry of a let placed at a loop for the kernel that `place` left of it, whose first `shared` dimensions are the
/// tiles: they become its group loops, outermost, and its other group loops become serial.
KernelSchedule share_groups(KernelSchedule entry, const Kernel &kernel, size_t shared);

} // namespace sparkle
