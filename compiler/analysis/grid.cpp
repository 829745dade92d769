#include "compiler/analysis/grid.h"

#include <algorithm>

#include "compiler/analysis/linear.h"
#include "compiler/support/checked_math.h"

namespace sparkle {

namespace {

bool is_grid_kind(LoopKind kind) {
  return kind == LoopKind::kGroup || kind == LoopKind::kTeam || kind == LoopKind::kWorker;
}

/// The first grid loop at or below `at` that is not inside another statement than blocks and other loops.
StmtId first_grid_loop(const Kernel &kernel, StmtId at) {
  const Stmt &stmt = kernel.stmt(at);
  if (auto *loop = std::get_if<For>(&stmt)) return is_grid_kind(loop->kind) ? at : first_grid_loop(kernel, loop->body);
  if (auto *branch = std::get_if<If>(&stmt)) return first_grid_loop(kernel, branch->then_body);
  auto *block = std::get_if<Block>(&stmt);
  if (!block) return kNoId<StmtId>;
  for (StmtId child : block->stmts)
    if (StmtId found = first_grid_loop(kernel, child); is_valid(found)) return found;
  return kNoId<StmtId>;
}

std::optional<int64_t> constant_extent(const Kernel &kernel, const For &loop) {
  auto extent = subtract(to_linear(kernel, loop.end), to_linear(kernel, loop.begin));
  if (!extent || !extent->is_constant()) return std::nullopt;
  return std::max<int64_t>(extent->constant, 0);
}

std::vector<GridLoop> &loops_of_kind(Grid &grid, LoopKind kind) {
  if (kind == LoopKind::kGroup) return grid.groups;
  return kind == LoopKind::kTeam ? grid.teams : grid.workers;
}

std::optional<int64_t> product_of_extents(const std::vector<GridLoop> &loops) {
  std::optional<int64_t> product = 1;
  for (const GridLoop &loop : loops) {
    if (!loop.extent || !product) return std::nullopt;
    product = checked_mul(*product, *loop.extent);
  }
  return product;
}

ExprId append_digits(Builder &builder, ExprId number, const std::vector<GridLoop> &loops) {
  for (const GridLoop &loop : loops) {
    ExprId extent = loop.extent ? builder.index(*loop.extent) : builder.sub(loop.end, loop.begin);
    number = builder.add(builder.mul(number, extent), builder.sub(builder.var(loop.var), loop.begin));
  }
  return number;
}

} // namespace

Grid grid_of(const Kernel &kernel) {
  Grid grid;
  grid.worker_body = kernel.body;
  if (!is_valid(kernel.body)) return grid;
  for (StmtId at = first_grid_loop(kernel, kernel.body); is_valid(at);) {
    const For &loop = std::get<For>(kernel.stmt(at));
    loops_of_kind(grid, loop.kind).push_back({at, loop.var, loop.begin, loop.end, constant_extent(kernel, loop)});
    grid.worker_body = loop.body;
    at = first_grid_loop(kernel, loop.body);
  }
  return grid;
}

std::optional<int64_t> group_count(const Grid &grid) { return product_of_extents(grid.groups); }
std::optional<int64_t> team_count(const Grid &grid) { return product_of_extents(grid.teams); }

std::optional<int64_t> worker_count(const Grid &grid) {
  auto teams = team_count(grid);
  auto workers = product_of_extents(grid.workers);
  return teams && workers ? checked_mul(*teams, *workers) : std::nullopt;
}

ExprId worker_number(Builder &builder, const Grid &grid) {
  ExprId number = append_digits(builder, builder.index(0), grid.teams);
  return append_digits(builder, number, grid.workers);
}

ExprId group_number(Builder &builder, const Grid &grid) {
  return append_digits(builder, builder.index(0), grid.groups);
}

} // namespace sparkle
