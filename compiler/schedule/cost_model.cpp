#include "compiler/schedule/cost_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "compiler/analysis/imported.h"
#include "compiler/schedule/far_traffic.h"
#include "compiler/schedule/loop_model.h"
#include "compiler/schedule/tile_bound.h"
#include "compiler/schedule/tile_choices.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

/// Schedules that are tried with panels of all operands; uses of each element that can pay for making them.
constexpr size_t kPackedTrials = 8;
constexpr int64_t kLeastReuse = 64;

/// Branch and bound: what has the least bound is predicted first, until no bound is below the best that was found.
class Search {
public:
  Search(const Kernel &kernel, const TargetInfo &info, PatternSet forbidden, const TensorBounds &tensors,
         const ScheduleFilter &accepts)
      : kernel_(kernel), info_(info), forbidden_(forbidden), accepts_(accepts), model_(model_of(kernel, tensors)),
        planner_(kernel), choices_(tile_choices(model_, info)) {}

  std::vector<ScheduleCandidate> run(size_t count) {
    const bool may_pack = !accepts_ && may_pack_inputs();
    kept_ = std::max(count, may_pack ? kPackedTrials : 1);
    try_tiles();
    sort();
    if (may_pack) pack_inputs_of_best();
    if (found_.empty()) add_plain();
    std::vector<ScheduleCandidate> list;
    for (size_t i = 0; i < std::min(found_.size(), std::max<size_t>(1, count)); ++i)
      list.push_back(i < kPackedTrials ? told(std::move(found_[i].candidate)) : std::move(found_[i].candidate));
    return list;
  }

private:
  struct Found {
    ScheduleCandidate candidate;
    const TileSpec *spec; ///< nullptr: of a window, or with panels of operands that change.
    size_t number;        ///< In the order in which equals are preferred.
  };

  /// With hints and working sets.
  ScheduleCandidate told(ScheduleCandidate candidate) const {
    if (auto plan = planner_.plan(candidate.schedule); plan && !forbidden_.contains(Pattern::kPrefetch))
      candidate.schedule.prefetches = hints_ahead(model_, *plan, info_);
    if (!forbidden_.contains(Pattern::kStream)) candidate.schedule.store = store_of_far_result(kernel_, model_, info_);
    candidate.prediction = predict(model_, planner_, candidate.schedule, info_);
    return candidate;
  }

  void sort() {
    std::ranges::sort(found_, {}, [](const Found &f) { return std::pair(f.candidate.prediction.seconds, f.number); });
  }

  double limit() const { return best_.size() < kept_ ? std::numeric_limits<double>::infinity() : best_.back(); }

  void try_tiles() {
    std::vector<double> bounds(choices_.tiles.size(), 0);
    // Of a schedule without some of its patterns nothing is known beforehand.
    TileBound bound(model_, info_);
    for (size_t i = 0; i < bounds.size() && forbidden_.empty(); ++i) bounds[i] = bound.seconds(choices_.tiles[i]);
    std::vector<size_t> order(bounds.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return bounds[i]; });
    for (const size_t i : order) {
      if (bounds[i] > limit() || std::isinf(bounds[i])) break;
      match(
          choices_.tiles[i], [&](const TileSpec &spec) { try_orders(spec, &spec, i); },
          [&](const WindowTile &tile) { try_schedule(to_schedule(kernel_.name, model_, tile), nullptr, 2 * i); });
    }
  }

  void try_orders(const TileSpec &spec, const TileSpec *kept, size_t number) {
    TileSpec ordered = spec;
    for (const bool outside : {true, false}) {
      if (!outside && spec.roles->rows.empty()) continue;
      ordered.lane_groups_outside = outside;
      try_schedule(to_schedule(kernel_.name, model_, ordered, info_), kept, 2 * number + (outside ? 0 : 1));
    }
  }

  void try_schedule(KernelSchedule schedule, const TileSpec *spec, size_t number) {
    if (!forbidden_.empty()) {
      Result<KernelSchedule> allowed = without(kernel_, schedule, forbidden_);
      if (!allowed) return;
      schedule = std::move(*allowed);
    }
    const double most = limit();
    Prediction prediction = predict(model_, planner_, schedule, info_, most);
    const double seconds = prediction.seconds;
    if (!std::isfinite(seconds) || seconds > most || (accepts_ && !accepts_(schedule))) return;
    best_.insert(std::upper_bound(best_.begin(), best_.end(), seconds), seconds);
    best_.resize(std::min(best_.size(), kept_));
    found_.push_back({{std::move(schedule), std::move(prediction)}, spec, number});
  }

  /// Panels of operands that change are made in each run, and pay where each element is used often.
  bool may_pack_inputs() const {
    return info_.max_workers == 1 && model_.accumulators > 0 &&
           std::ranges::any_of(choices_.roles, [&](const DimRoles &roles) { return may_pack_inputs(roles); });
  }

  bool may_pack_inputs(const DimRoles &roles) const {
    if (roles.axis || row_extent(model_, roles) < kLeastReuse) return false;
    TileSpec spec;
    spec.roles = &roles;
    spec.pack_inputs = true;
    return std::ranges::any_of(
        model_.reads, [&](const ModelAccess &r) { return r.in_reduction && !r.is_constant && packs(model_, spec, r); });
  }

  void pack_inputs_of_best() {
    std::vector<const TileSpec *> best;
    for (size_t i = 0; i < std::min(found_.size(), kPackedTrials); ++i)
      if (const TileSpec *spec = found_[i].spec;
          spec && may_pack_inputs(*spec->roles) && std::ranges::find(best, spec) == best.end())
        best.push_back(spec);
    for (size_t i = 0; i < best.size(); ++i) {
      TileSpec packed = *best[i];
      packed.pack_inputs = true;
      try_orders(packed, nullptr, choices_.tiles.size() + i);
    }
    sort();
  }

  /// The kernel as it stands: one serial loop per dimension. For definitions of a single element.
  void add_plain() {
    KernelSchedule plain;
    plain.kernel = kernel_.name;
    plain.clip = !forbidden_.contains(Pattern::kClip);
    Prediction prediction = predict(model_, planner_, plain, info_);
    found_.push_back({{std::move(plain), std::move(prediction)}, nullptr, 0});
  }

  const Kernel &kernel_;
  const TargetInfo &info_;
  PatternSet forbidden_;
  const ScheduleFilter &accepts_;
  DefinitionModel model_;
  LoopPlanner planner_;
  TileChoices choices_;
  std::vector<Found> found_;
  size_t kept_ = 1;          ///< Candidates that anybody may ask for.
  std::vector<double> best_; ///< Seconds of so many, the best so far.
};

} // namespace

std::vector<ScheduleCandidate> enumerate_schedules(const Kernel &kernel, const TargetInfo &info, size_t count,
                                                   PatternSet forbidden, const TensorBounds &tensors) {
  return Search(kernel, info, forbidden, tensors, {}).run(count);
}

KernelSchedule choose_kernel_schedule(const Kernel &kernel, const TargetInfo &info, PatternSet forbidden,
                                      const TensorBounds &tensors) {
  return std::move(enumerate_schedules(kernel, info, 1, forbidden, tensors).front().schedule);
}

KernelSchedule choose_accepted_schedule(const Kernel &kernel, const TargetInfo &info, const ScheduleFilter &accepts,
                                        const TensorBounds &tensors) {
  return std::move(Search(kernel, info, {}, tensors, accepts).run(1).front().schedule);
}

} // namespace sparkle
