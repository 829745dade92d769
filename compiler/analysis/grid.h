// The grid of a kernel: its group, team and worker loops.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/builder.h"

namespace sparkle {

struct GridLoop {
  StmtId stmt;
  VarId var;
  ExprId begin, end;
  /// end - begin where that is a number.
  std::optional<int64_t> extent;
};

/// Loops of each kind, outermost first. Kernels without loops of a kind run with one group, team or worker.
struct Grid {
  std::vector<GridLoop> groups, teams, workers;
  /// What runs in each worker: the body of the innermost grid loop (or the kernel's).
  StmtId worker_body;
};

/// Follows the nest from the kernel's body inwards, past allocations and other statements beside it. Of several nests
/// side by side the first one counts.
Grid grid_of(const Kernel &kernel);

/// Products of extents; nothing when one of them is symbolic.
std::optional<int64_t> group_count(const Grid &grid);
std::optional<int64_t> team_count(const Grid &grid);
/// Workers of a group: teams times workers of a team.
std::optional<int64_t> worker_count(const Grid &grid);

/// Number of the running worker in its group, from 0: the innermost worker loop is the fastest, the outermost team loop
/// the slowest. Needs constant extents. `builder` builds in the kernel that `grid` is of.
ExprId worker_number(Builder &builder, const Grid &grid);
/// The number of the running group in raster order, likewise; extents may be symbolic.
ExprId group_number(Builder &builder, const Grid &grid);

} // namespace sparkle
