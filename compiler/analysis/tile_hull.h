// Where an index lies while a tile is computed: intervals that move with the number of the tile.
//   y in [8 t, 8 t + 7]:  clamp(y + i - 2, 0, H - 1) with i in 0..5 lies in [8 t - 2, 8 t + 9]
#pragma once

#include <unordered_map>
#include <vector>

#include "compiler/analysis/interval.h"

namespace sparkle {

/// The sum of steps[i] * (number of tile along loop i), plus a value in `offset`.
struct TileHull {
  std::vector<int64_t> steps; ///< As long as TileHulls::counts.
  Interval offset;
  bool operator==(const TileHull &) const = default;
  bool moves() const;
};

/// What is known where a tile is computed. Always true, not always tight.
class TileHulls {
public:
  /// `counts`: tiles along each loop, from 0; nothing where that is not known.
  explicit TileHulls(std::vector<std::optional<int64_t>> counts) : counts_(std::move(counts)) {}

  void set(VarId var, TileHull hull) { vars_[var] = std::move(hull); }
  TileHull fixed(Interval interval) const { return {std::vector<int64_t>(counts_.size(), 0), interval}; }

  /// Hull of an `index` expression of stage kImported. Axes of reductions are known after `add_axes`.
  TileHull of(const Kernel &kernel, ExprId expr) const;
  /// Sets the axes of all reductions below `expr`.
  void add_axes(const Kernel &kernel, ExprId expr);
  /// Of min(max(position, lo), hi): it stays in step with the tiles.
  TileHull clamped(const TileHull &position, Interval limits) const;

private:
  TileHull binary(const Kernel &kernel, const Binary &expr) const;
  TileHull smaller(const TileHull &a, const TileHull &b) const;
  TileHull either(const TileHull &a, const TileHull &b) const;
  TileHull quotient(const TileHull &a, int64_t divisor) const;
  TileHull remainder(const TileHull &a, int64_t divisor) const;
  /// Over all tiles.
  Interval range(const TileHull &hull) const;
  /// How far `b` lies beyond the steps of `a`, over all tiles.
  Interval beside(const TileHull &a, const TileHull &b) const;

  std::vector<std::optional<int64_t>> counts_;
  std::unordered_map<VarId, TileHull> vars_;
};

/// The smallest hull of both; nothing when they move differently.
std::optional<TileHull> join(const TileHull &a, const TileHull &b);

/// What keeps an index inside a tensor leaves alone in its middle: the x of min(max(x, lo), hi) with constant limits,
/// and of reflections at the edges, min(x, c - x) and max(x, c - x); of the two sides the one that grows. Nothing for
/// other expressions.
std::optional<ExprId> clamped_value(const Kernel &kernel, ExprId expr);

} // namespace sparkle
