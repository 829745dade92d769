#include "compiler/schedule/pattern.h"

#include <algorithm>
#include <functional>

#include "compiler/schedule/loop_plan.h"

namespace sparkle {
namespace {

constexpr std::array<std::string_view, kPatterns.size()> kNames{
    "place",    "groups",          "vectorize", "tile",    "far",  "near",
    "register", "unroll",          "prefetch",  "overlap", "skew", "partition",
    "clip",     "split_reduction", "stream"};

bool is_worker(const Split &split) { return split.kind == LoopKind::kWorker || split.kind == LoopKind::kTeam; }

/// Takes patterns away from one schedule, step by step.
class Neutralizer {
public:
  Neutralizer(KernelSchedule schedule, const LoopPlan &plan) : out_(std::move(schedule)) {
    for (const PlannedDim &dim : plan.dims)
      if (dim.is_reduction) reductions_.push_back(dim.name);
  }

  KernelSchedule run(PatternSet patterns) {
    const auto off = [&](Pattern pattern) { return patterns.contains(pattern); };
    if (off(Pattern::kPlace)) out_.placement = Placement::kStored, out_.at = {};
    if (off(Pattern::kGroups)) remove_groups();
    if (off(Pattern::kVectorize)) remove_lanes();
    if (off(Pattern::kFar)) remove_stagings(MemoryLevel::kFar);
    if (off(Pattern::kNear)) remove_stagings(MemoryLevel::kNear);
    if (off(Pattern::kRegister)) remove_stagings(MemoryLevel::kRegister);
    if (off(Pattern::kTile)) remove_tiles();
    if (off(Pattern::kUnroll)) remove_unrolling();
    if (off(Pattern::kUnroll) || off(Pattern::kNear)) join_reductions();
    if (off(Pattern::kPrefetch)) out_.prefetches.clear();
    for (Staging &staging : out_.stagings) {
      if (off(Pattern::kOverlap)) staging.buffers = 1, staging.ahead = 0;
      if (off(Pattern::kSkew)) staging.skew = 0;
    }
    if (off(Pattern::kSkew)) out_.at.skew.clear();
    if (off(Pattern::kPartition)) out_.partition.clear();
    if (off(Pattern::kClip)) out_.clip = false;
    if (off(Pattern::kSplitReduction)) out_.split_reduction = 1;
    if (off(Pattern::kStream)) out_.store = StoreKind::kPlain;
    if (off(Pattern::kTile)) remove_plain_dims();
    return std::move(out_);
  }

private:
  bool is_reduction(const DimSchedule &dim) const {
    return std::ranges::find(reductions_, dim.dim) != reductions_.end();
  }

  void remove_groups() {
    for (const DimSchedule &dim : out_.dims)
      if (std::ranges::any_of(dim.splits, is_worker)) return;
    for (DimSchedule &dim : out_.dims)
      for (Split &split : dim.splits)
        if (split.kind == LoopKind::kGroup) split.kind = LoopKind::kSerial;
  }

  void remove_lanes() {
    drop_splits([](const DimSchedule &, const Split &split) { return split.kind == LoopKind::kLane; });
    for (Staging &staging : out_.stagings) staging.lanes = 1;
  }

  void remove_stagings(MemoryLevel level) {
    std::erase_if(out_.stagings, [&](const Staging &staging) { return staging.level == level; });
  }

  /// What is left of an output dimension: its group or serial loop, workers, lanes.
  void remove_tiles() {
    drop_splits([&](const DimSchedule &dim, const Split &split) {
      return !is_reduction(dim) &&
             (split.kind == LoopKind::kUnrolled || split.kind == LoopKind::kSerial || split.kind == LoopKind::kGroup);
    });
    for (DimSchedule &dim : out_.dims)
      if (!is_reduction(dim) && !dim.splits.empty() && dim.splits.front().kind == LoopKind::kUnrolled)
        dim.splits.front().kind = LoopKind::kSerial;
    out_.order.clear();
    // A register that holds one element of a tensor is what a load is anyway.
    std::erase_if(out_.stagings, [](const Staging &staging) {
      return staging.level == MemoryLevel::kRegister && staging.layout.empty();
    });
  }

  void remove_unrolling() {
    for (DimSchedule &dim : out_.dims)
      for (Split &split : dim.splits)
        if (is_reduction(dim) && split.kind == LoopKind::kUnrolled) split.kind = LoopKind::kSerial;
  }

  /// Serial loops of one axis that nothing happens between are one loop.
  void join_reductions() {
    drop_splits([&](const DimSchedule &dim, const Split &) {
      const auto is_serial = [](const Split &split) { return split.kind == LoopKind::kSerial; };
      return is_reduction(dim) && std::ranges::all_of(dim.splits, is_serial) && !is_staged_at(dim.dim);
    });
  }

  bool is_staged_at(const std::string &dim) const {
    return std::ranges::any_of(out_.stagings,
                               [&](const Staging &staging) { return staging.at && staging.at->dim == dim; });
  }

  /// Removes the splits (but for the first one, which covers the rest) that `is_dropped`; as they were before.
  void drop_splits(const std::function<bool(const DimSchedule &, const Split &)> &is_dropped) {
    for (DimSchedule &dim : out_.dims) {
      const DimSchedule before = dim;
      for (size_t s = before.splits.size(); s-- > 1;)
        if (is_dropped(before, before.splits[s])) drop(dim, s);
      if (dim.splits.size() < before.splits.size()) dim.splits.front().factor = 0;
      const bool is_lane = !dim.splits.empty() && dim.splits.front().kind == LoopKind::kLane;
      if (is_lane && is_dropped(before, before.splits.front())) dim.splits.front().kind = LoopKind::kUnrolled;
    }
  }

  void drop(DimSchedule &dim, size_t at) {
    const int split = static_cast<int>(at);
    dim.splits.erase(dim.splits.begin() + split);
    const auto adjust = [&](std::vector<LoopRef> &refs) {
      std::erase_if(refs, [&](const LoopRef &ref) { return ref.dim == dim.dim && ref.split == split; });
      for (LoopRef &ref : refs) shift(ref, dim.dim, split);
    };
    adjust(out_.order);
    for (Staging &staging : out_.stagings) {
      adjust(staging.layout);
      adjust(staging.walk);
      if (staging.at) shift(*staging.at, dim.dim, split - 1);
    }
    for (PrefetchHint &hint : out_.prefetches) shift(hint.at, dim.dim, split - 1);
  }

  static void shift(LoopRef &ref, const std::string &dim, int last_kept) {
    if (ref.dim == dim && ref.split > last_kept) --ref.split;
  }

  /// One serial loop is what a dimension without an entry has.
  void remove_plain_dims() {
    std::erase_if(out_.dims, [&](const DimSchedule &dim) {
      const bool is_plain = dim.splits.size() == 1 && dim.splits.front() == Split{};
      if (!is_plain || (!dim.fused.empty() && is_referred_to(dim.dim))) return false;
      if (!dim.fused.empty()) std::erase(out_.partition, dim.dim);
      return true;
    });
  }

  bool is_referred_to(const std::string &dim) const {
    const auto names = [&](const LoopRef &ref) { return ref.dim == dim; };
    return is_staged_at(dim) || std::ranges::any_of(out_.order, names) ||
           std::ranges::any_of(out_.stagings, [&](const Staging &s) { return std::ranges::any_of(s.layout, names); }) ||
           std::ranges::any_of(out_.prefetches, [&](const PrefetchHint &hint) { return hint.at.dim == dim; });
  }

  KernelSchedule out_;
  std::vector<std::string> reductions_;
};

} // namespace

std::string_view name_of(Pattern pattern) { return kNames[static_cast<size_t>(pattern)]; }

Result<KernelSchedule> without(const Kernel &kernel, const KernelSchedule &schedule, PatternSet patterns) {
  SPARKLE_TRY(const LoopPlan plan, plan_loops(kernel, schedule));
  return Neutralizer(schedule, plan).run(patterns);
}

Result<PatternSet> patterns_of(const Kernel &kernel, const KernelSchedule &schedule) {
  SPARKLE_TRY(const LoopPlan plan, plan_loops(kernel, schedule));
  PatternSet used;
  for (const Pattern pattern : kPatterns)
    if (Neutralizer(schedule, plan).run(pattern) != schedule) used.add(pattern);
  return used;
}

} // namespace sparkle
