#include "tests/fuzz/random_schedule.h"

#include <algorithm>
#include <set>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/walk.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/schedule/loop_plan.h"
#include "tests/fuzz/random_placement.h"

namespace sparkle::test {
namespace {

/// Larger register tiles only cost compile time.
constexpr int64_t kMostAccumulators = 96;
constexpr int64_t kMostWorkers = 64;
constexpr int64_t kMostUnrolled = 64;

/// A tensor and the variables its reads depend on.
struct ReadTensor {
  std::string name;
  VarSet vars;
  bool in_reduction = false; ///< Read for each term; else in the epilogue alone.
};

std::vector<ReadTensor> tensors_read(const Kernel &kernel) {
  std::vector<ReadTensor> tensors;
  for (ExprId id : reads_of(kernel, definition_of(kernel).store->value)) {
    const std::string &name = kernel.buffer(std::get<Read>(kernel.expr(id)).buffer).name;
    auto found = std::ranges::find(tensors, name, &ReadTensor::name);
    if (found == tensors.end()) found = tensors.insert(found, {name, {}, false});
    found->vars.merge(vars_of(kernel, id));
  }
  for (ExprId reduce : main_reduces(kernel, definition_of(kernel)))
    for (ExprId id : reads_of(kernel, reduce))
      for (ReadTensor &tensor : tensors)
        tensor.in_reduction |= tensor.name == kernel.buffer(std::get<Read>(kernel.expr(id)).buffer).name;
  return tensors;
}

class Maker {
public:
  Maker(const Kernel &kernel, const TargetInfo &info, Random &random) : kernel_(kernel), info_(info), random_(random) {
    out_.kernel = kernel.name;
    out_.placement = Placement::kStored;
  }

  KernelSchedule run() {
    const Result<LoopPlan> neutral = plan_loops(kernel_, out_);
    if (!neutral) return out_;
    sources_ = neutral->sources;
    make_dims();
    make_order();
    const Result<LoopPlan> plan = plan_loops(kernel_, out_);
    if (!plan) return out_; // Its refusal is counted where the schedule is used.
    for (const ReadTensor &tensor : tensors_read(kernel_)) make_stagings(*plan, tensor);
    for (const DimSchedule &dim : out_.dims)
      if (random_.chance(1, 5)) out_.partition.push_back(dim.dim);
    out_.clip = random_.chance(3, 4);
    if (random_.chance(1, 4)) out_.store = StoreKind::kStreaming;
    return out_;
  }

private:
  bool has_workers() const { return info_.max_workers > 1; }
  /// Lanes and workers may have partial results.
  bool shares_reductions() const { return !kernel_.strict; }

  std::vector<std::string> names(bool reductions) const {
    std::vector<std::string> names;
    for (const PlannedSource &source : sources_)
      if (source.is_reduction == reductions && source.extent) names.push_back(source.name);
    return names;
  }

  void make_dims() {
    for (bool reductions : {false, true}) {
      std::vector<std::string> left = names(reductions);
      if (left.size() > 1 && random_.chance(1, 4)) {
        if (random_.chance(1, 3)) random_.shuffle(left);
        const auto count = random_.in(2, static_cast<int64_t>(left.size()));
        std::vector<std::string> fused(left.begin(), left.begin() + count);
        left.erase(left.begin(), left.begin() + count);
        out_.dims.push_back({reductions ? "fr" : "fo", std::move(fused), {}});
      }
      for (const std::string &name : left)
        if (random_.chance(4, 5)) out_.dims.push_back({name, {}, {}});
    }
    random_.shuffle(out_.dims);
    choose_lane_dim();
    for (size_t i = 0; i < out_.dims.size(); ++i) make_splits(out_.dims[i], i == lane_dim_);
  }

  bool is_reduction(const DimSchedule &dim) const {
    const std::string &name = dim.fused.empty() ? dim.dim : dim.fused.front();
    return std::ranges::find(sources_, name, &PlannedSource::name)->is_reduction;
  }

  int64_t extent(const DimSchedule &dim) const {
    int64_t extent = 1;
    for (const std::string &name : dim.fused.empty() ? std::vector<std::string>{dim.dim} : dim.fused)
      extent *= *std::ranges::find(sources_, name, &PlannedSource::name)->extent;
    return extent;
  }

  /// Mostly the contiguous dimension, as in schedules that people write.
  void choose_lane_dim() {
    lane_dim_ = out_.dims.size();
    if (info_.access_lanes <= 1 || random_.chance(1, 6)) return;
    const std::string &last =
        definition_of(kernel_).dims.empty() ? std::string() : definition_of(kernel_).dims.back().name;
    if (shares_reductions() && random_.chance(1, 3)) {
      for (size_t i = 0; i < out_.dims.size(); ++i)
        if (is_reduction(out_.dims[i]) && (lane_dim_ == out_.dims.size() || random_.chance(1, 2))) lane_dim_ = i;
      if (lane_dim_ < out_.dims.size()) return;
    }
    for (size_t i = 0; i < out_.dims.size(); ++i) {
      if (is_reduction(out_.dims[i])) continue;
      const DimSchedule &dim = out_.dims[i];
      const bool is_last = dim.dim == last || (!dim.fused.empty() && dim.fused.back() == last);
      if (is_last || lane_dim_ == out_.dims.size() || random_.chance(1, 5)) lane_dim_ = i;
      if (is_last && random_.chance(4, 5)) return;
    }
  }

  void make_splits(DimSchedule &dim, bool has_lanes) {
    const bool reduction = is_reduction(dim);
    int64_t left = extent(dim);
    std::vector<Split> inner;
    const auto count = random_.in(0, 2);
    for (int64_t i = 0; i < count && left > 1; ++i) add_inner(inner, reduction, left);
    if (has_lanes) {
      const int64_t lanes = random_lanes();
      inner.push_back({LoopKind::kLane, lanes});
      left = (left + lanes - 1) / lanes;
    }
    dim.splits.push_back({outer_kind(reduction, left), random_.chance(1, 12) ? left + random_.in(0, 1) : 0});
    dim.splits.insert(dim.splits.end(), inner.begin(), inner.end());
  }

  int64_t random_lanes() {
    int64_t lanes = std::max(2, info_.access_lanes);
    while (lanes > 2 && random_.chance(1, 3)) lanes /= 2;
    return lanes;
  }

  void add_inner(std::vector<Split> &inner, bool reduction, int64_t &left) {
    Split split{LoopKind::kSerial, random_.in(2, 4)};
    if (random_.chance(2, 3)) split.kind = LoopKind::kUnrolled;
    const bool shares = !reduction || (shares_reductions() && random_.chance(1, 2));
    if (shares && has_workers() && random_.chance(2, 5))
      split = {LoopKind::kWorker, random_.pick(std::vector<int64_t>{2, 3, 4, 8})};
    if (!reduction && has_workers() && random_.chance(1, 16)) split = {LoopKind::kTeam, 2};
    if (!fits(split)) return;
    left = (left + split.factor - 1) / split.factor;
    inner.push_back(split);
  }

  /// Keeps the products of workers and of unrolled loops within the limits.
  bool fits(const Split &split) {
    const bool is_worker = split.kind == LoopKind::kWorker || split.kind == LoopKind::kTeam;
    if (!is_worker && split.kind != LoopKind::kUnrolled) return true;
    int64_t &product = is_worker ? workers_ : unrolled_;
    if (product * split.factor > (is_worker ? std::min<int64_t>(kMostWorkers, info_.max_workers) : kMostUnrolled))
      return false;
    product *= split.factor;
    return true;
  }

  LoopKind outer_kind(bool reduction, int64_t factor) {
    if (factor <= 4 && random_.chance(1, 4) && fits({LoopKind::kUnrolled, factor})) return LoopKind::kUnrolled;
    if (reduction) return LoopKind::kSerial;
    if (has_workers() && random_.chance(1, 6) && fits({LoopKind::kWorker, factor})) return LoopKind::kWorker;
    return random_.chance(3, 5) ? LoopKind::kGroup : LoopKind::kSerial;
  }

  static int rank(LoopKind kind) {
    switch (kind) {
    case LoopKind::kGroup: return 0;
    case LoopKind::kTeam: return 1;
    case LoopKind::kWorker: return 2;
    case LoopKind::kSerial:
    case LoopKind::kUnrolled: return 3;
    case LoopKind::kLane: return 4;
    }
    return 5;
  }

  /// Groups, teams and workers first, lanes last, all else in any order that keeps the accumulators few.
  void make_order() {
    if (random_.chance(1, 4)) return;
    const Result<LoopPlan> plan = plan_loops(kernel_, out_);
    if (!plan) return;
    std::vector<PlannedLoop> loops = plan->loops;
    random_.shuffle(loops);
    std::ranges::stable_sort(loops, {}, [](const PlannedLoop &loop) { return rank(loop.kind); });
    if (accumulators(*plan, loops) > kMostAccumulators || random_.chance(1, 3))
      std::ranges::stable_sort(loops, {}, [](const PlannedLoop &loop) {
        return rank(loop.kind) * 2 + (loop.kind == LoopKind::kSerial && !loop.is_reduction ? 0 : 1);
      });
    for (const PlannedLoop &loop : loops) out_.order.push_back({plan->dims[loop.dim].name, loop.split});
  }

  static int64_t accumulators(const LoopPlan &plan, const std::vector<PlannedLoop> &loops) {
    int64_t product = 1;
    bool inside = false;
    for (const PlannedLoop &loop : loops) {
      inside |= (loop.is_reduction && loop.kind != LoopKind::kWorker) || loop.kind == LoopKind::kUnrolled;
      if (inside && (!loop.is_reduction || loop.is_partial) && loop.kind != LoopKind::kLane)
        product *= std::max<int64_t>(1, plan.dims[loop.dim].factors[loop.split]);
    }
    return product;
  }

  bool depends(const LoopPlan &plan, const PlannedLoop &loop, const ReadTensor &tensor) const {
    const PlannedDim &dim = plan.dims[loop.dim];
    return std::ranges::any_of(dim.sources, [&](int s) { return tensor.vars.contains(plan.sources[s].var); });
  }

  /// Near memory holds what all workers read.
  std::vector<LoopRef> layout_inside(const LoopPlan &plan, const ReadTensor &tensor, size_t first,
                                     bool is_near = false) {
    std::vector<LoopRef> layout;
    for (size_t i = 0; i < plan.loops.size(); ++i)
      if ((i >= first || (is_near && is_worker(plan.loops[i].kind))) && depends(plan, plan.loops[i], tensor))
        layout.push_back({plan.dims[plan.loops[i].dim].name, plan.loops[i].split});
    if (random_.chance(1, 2)) random_.shuffle(layout);
    return layout;
  }

  static bool is_worker(LoopKind kind) { return kind == LoopKind::kWorker || kind == LoopKind::kTeam; }

  /// Lanes that divide the factor of a loop.
  int lanes_for(const LoopPlan &plan, const LoopRef &loop) {
    const PlannedDim &dim = *plan.find(loop.dim);
    int64_t lanes = random_lanes();
    while (lanes > 1 && dim.factors[static_cast<size_t>(loop.split)] % lanes != 0) lanes /= 2;
    return static_cast<int>(lanes);
  }

  void make_stagings(const LoopPlan &plan, const ReadTensor &tensor) {
    std::vector<LoopRef> all = layout_inside(plan, tensor, 0);
    if (!all.empty() && random_.chance(1, 4))
      out_.stagings.push_back({tensor.name, MemoryLevel::kFar, {}, std::move(all), 0, {}, 1, 1, 0});
    std::vector<size_t> places; // Of loops that a copy may stand in.
    const bool only_outer = !main_reduces(kernel_, definition_of(kernel_)).empty() && !tensor.in_reduction;
    for (size_t i = 0; i + 1 < plan.loops.size() && (i < plan.first_inner || !only_outer); ++i)
      if (plan.loops[i].kind == LoopKind::kSerial || plan.loops[i].kind == LoopKind::kUnrolled) places.push_back(i);
    size_t near_at = plan.loops.size();
    if (!places.empty() && random_.chance(1, 3)) near_at = add_near(plan, tensor, places);
    std::erase_if(places, [&](size_t at) { return near_at < plan.loops.size() && at < near_at; });
    if (!places.empty() && random_.chance(1, 4)) add_register(plan, tensor, random_.pick(places));
    if (places.empty() || !random_.chance(1, 5)) return;
    const PlannedLoop &loop = plan.loops[random_.pick(places)];
    out_.prefetches.push_back(
        {tensor.name, {plan.dims[loop.dim].name, loop.split}, random_.in(1, 6), static_cast<int>(random_.in(1, 3))});
  }

  size_t add_near(const LoopPlan &plan, const ReadTensor &tensor, const std::vector<size_t> &places) {
    const size_t at = random_.pick(places);
    Staging staging{
        tensor.name, MemoryLevel::kNear, ref(plan, at), layout_inside(plan, tensor, at + 1, true), 0, {}, 1, 1, 0};
    if (random_.chance(1, 3)) staging.skew = random_.in(1, 5);
    if (random_.chance(1, 3)) {
      staging.walk = staging.layout;
      random_.shuffle(staging.walk);
    }
    if (random_.chance(1, 3) && !staging.layout.empty())
      staging.lanes = lanes_for(plan, staging.walk.empty() ? staging.layout.back() : staging.walk.back());
    staging.buffers = random_.chance(1, 3) ? 2 : 1;
    staging.ahead = random_.chance(1, 3) ? 1 : 0;
    if (staging.layout.empty()) return plan.loops.size();
    out_.stagings.push_back(std::move(staging));
    return at;
  }

  void add_register(const LoopPlan &plan, const ReadTensor &tensor, size_t at) {
    Staging staging{
        tensor.name, MemoryLevel::kRegister, ref(plan, at), layout_inside(plan, tensor, at + 1), 0, {}, 1, 1, 0};
    if (staging.layout.empty()) return; // Has no text form.
    if (random_.chance(1, 3)) staging.lanes = lanes_for(plan, staging.layout.back());
    out_.stagings.push_back(std::move(staging));
  }

  static LoopRef ref(const LoopPlan &plan, size_t at) {
    return {plan.dims[plan.loops[at].dim].name, plan.loops[at].split};
  }

  const Kernel &kernel_;
  const TargetInfo &info_;
  Random &random_;
  KernelSchedule out_;
  std::vector<PlannedSource> sources_;
  size_t lane_dim_ = 0;
  int64_t workers_ = 1;
  int64_t unrolled_ = 1;
};

Result<Program> run_until(const Program &imported, const Schedule &schedule, const TargetInfo &info, const char *pass) {
  PipelineOptions options;
  options.schedule = schedule;
  options.automatic = false;
  options.stop_after = pass;
  return run_pipeline(imported, options, info);
}

} // namespace

KernelSchedule random_kernel_schedule(const Kernel &kernel, const TargetInfo &info, Random &random) {
  return Maker(kernel, info, random).run();
}

Result<Schedule> random_schedule(const Program &imported, const TargetInfo &info, Random &random) {
  Schedule schedule;
  for (const Kernel &kernel : imported.kernels)
    if (is_let(imported, kernel))
      entry(schedule, kernel.name).placement = random.chance(2, 3) ? Placement::kInline : Placement::kStored;
  SPARKLE_TRY(Program placed, run_until(imported, schedule, info, "place"));
  if (random.chance(1, 2)) {
    place_at_loops(placed, info, random, schedule);
    SPARKLE_TRY(placed, run_until(imported, schedule, info, "place"));
  }
  for (const std::vector<Kernel> *kernels : {&placed.prepack, &placed.kernels})
    for (const Kernel &kernel : *kernels)
      if (entry(schedule, kernel.name).dims.empty() && random.chance(9, 10))
        schedule_loops(kernel, info, random, schedule);
  SPARKLE_TRY(const Program laid_out, run_until(imported, schedule, info, "layout"));
  for (const std::vector<Kernel> *kernels : {&laid_out.prepack, &laid_out.kernels})
    for (const Kernel &kernel : *kernels) {
      if (!kernel.name.ends_with(".pack") || random.chance(1, 2)) continue;
      KernelSchedule packing = random_kernel_schedule(kernel, info, random);
      std::erase_if(packing.stagings, [](const Staging &s) { return s.level == MemoryLevel::kFar; });
      schedule.kernels.push_back(std::move(packing));
    }
  skew_tiles(placed, random, schedule); // Last: the numbers before it stay those of older runs.
  return schedule;
}

} // namespace sparkle::test
