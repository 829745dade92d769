// What the straight-line body of a register tile loads, where all loops of the reduction are unrolled: neighbouring
// results of a window share elements, and what the surrounding loop does not change stays in registers.
//
//   order oh ow.0 kh kw ow.1 c     ow.1 = 8, kh = kw = 3: 72 multiply-adds on 30 vectors of the image and 9 weights,
//                                  which do not change from one ow.0 to the next
#pragma once

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/schedule/access_model.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// Lanes may lie this far apart where they are read: they are shuffled out of whole vectors.
inline constexpr int64_t kGreatestLaneStep = 4;

/// Per run of the body, in vectors of the tile's lanes.
struct WindowLoads {
  double loads = 0;      ///< Vector loads, those that stay in registers left out.
  double broadcasts = 0; ///< Loads of one element into all lanes, likewise.
  double registers = 0;  ///< That the body needs to get by with these.
};

/// Counts the places that nested loops reach, each loop in even steps of its own.
class PlaceCounter {
public:
  /// Loops whose steps are not known reach places of their own. The order of loops does not matter.
  void add(int64_t count, bool is_known, int64_t step);
  /// No more than there are.
  double least() const { return count().first; }
  /// All of them, where that can be told without going through them.
  std::optional<double> exact() const;

private:
  struct Walk {
    int64_t step, count;
  };
  std::pair<double, bool> count() const;

  std::array<Walk, 12> walks_; ///< Shortest steps first.
  size_t used_ = 0;
  double own_ = 1;
  bool has_room_ = true;
};

/// Cost of a body over that of one without masks: `has_tail`, lanes do not divide the extent; `tiles` along them.
double mask_factor(bool has_tail, int64_t tiles);

/// Cost of memory over that of a long run, where each run has so many bytes.
double short_run_factor(int64_t bytes);

/// Turns of a load port that one load of `access` takes, where `lanes` run along the dimensions `along` (slowest first)
/// in vectors of `vectors` registers.
double turns_of_load(const DefinitionModel &model, const TargetInfo &info, const ModelAccess &access,
                     const std::vector<int> &along, int64_t lanes, double vectors);

class WindowModel {
public:
  WindowModel(const DefinitionModel &model, const LoopPlan &plan, const TargetInfo &info);

  /// All loops of the reduction are unrolled, and nothing but unrolled and lane loops stands inside the first of them.
  bool is_window() const { return is_window_; }
  /// The fewest loads that the registers allow: with or without held weights, with or without shared elements.
  WindowLoads loads() const;
  /// Vectors (of the machine's lanes) of results of one body, times the accumulators of each.
  double accumulators() const { return accumulators_; }
  /// Part of the vectors of tiles that have wanted results: the others have no code where tails have variants.
  double useful_share() const;
  /// The loop around the body is a serial one over results: what it does not change is loaded before it.
  bool has_inner_serial() const { return around_ && plan_.loops[*around_].kind == LoopKind::kSerial; }

  /// Cost of a byte from far memory over that of one in a long run, where lanes walk what changes. Of any tile.
  double sparse_factor() const;
  /// Runs in which results are stored that do not go on where the last one ended; 0 where they do. Of any tile.
  double broken_store_runs() const;
  /// Cost of a body over that of one without masks.
  double mask_factor() const;

private:
  bool depends(const ModelAccess &access, size_t loop) const;
  bool depends_on_lane(const ModelAccess &access) const;
  /// Of an unrolled loop; nothing where the distance is not known.
  std::optional<int64_t> step(const ModelAccess &access, size_t loop) const;
  bool moves(const ModelAccess &access, size_t loop) const;
  /// Distinct elements (of lane 0) that the unrolled loops from `first` on reach.
  double distinct(const ModelAccess &access, size_t first) const;
  std::vector<int64_t> reached(const ModelAccess &access, size_t first) const; ///< Sorted.
  double points(const ModelAccess &access) const;
  double pages(const ModelAccess &access) const; ///< Of a body.
  double stream_factor() const;
  double crowding() const;
  std::optional<size_t> lane_dim() const;
  double run_factor() const;
  double jump_factor() const;
  bool is_next(size_t dim) const;
  double live(const ModelAccess &access) const;
  bool is_held(const ModelAccess &access) const;
  /// Of one read of the reduction.
  struct ReadFacts {
    bool wide, held;
    double vectors, ports;         ///< Of one element.
    double points, distinct, live; ///< Elements.
  };
  std::vector<ReadFacts> read_facts() const;
  WindowLoads loads(const std::vector<ReadFacts> &reads, bool hold, bool share) const;
  double ports(const ModelAccess &access) const;

  const DefinitionModel &model_;
  const LoopPlan &plan_;
  const TargetInfo &info_;
  bool is_window_ = false;
  size_t body_ = 0; ///< First loop of the body.
  std::optional<size_t> around_;
  double accumulators_ = 1, vectors_per_lane_ = 1;
};

} // namespace sparkle
