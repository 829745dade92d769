#include "compiler/schedule/shared_groups.h"

#include <algorithm>
#include <map>

#include "compiler/analysis/imported.h"
#include "compiler/schedule/access_model.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/far_traffic.h"
#include "compiler/schedule/fusion.h"
#include "compiler/schedule/loop_plan.h"

namespace sparkle {
namespace {

struct Workers {
  int64_t count = 1;
  bool share_results = false; ///< Some results are combined from several workers, with barriers.
};

Workers workers_of(const Kernel &kernel, const KernelSchedule &entry) {
  Workers workers;
  const Result<LoopPlan> plan = plan_loops(kernel, entry);
  if (!plan) return workers; // Told where the entry is applied.
  for (const PlannedLoop &loop : plan->loops) {
    if (loop.kind != LoopKind::kWorker && loop.kind != LoopKind::kTeam) continue;
    workers.count *= std::max<int64_t>(1, plan->dims[loop.dim].factors[loop.split]);
    workers.share_results |= loop.is_reduction;
  }
  return workers;
}

bool packs_constants_alone(const Kernel &kernel, const KernelSchedule &entry) {
  return std::all_of(entry.stagings.begin(), entry.stagings.end(), [&](const Staging &staging) {
    for (uint32_t i = 0; i < kernel.buffer_count(); ++i)
      if (const Buffer &buffer = kernel.buffer(BufferId{i}); buffer.name == staging.tensor)
        return staging.level == MemoryLevel::kFar && (buffer.role == Role::kConst || buffer.role == Role::kPacked);
    return false;
  });
}

/// Fuses what groups cut: rows, or one of the dimensions that number the tiles.
bool fuses(const Kernel &kernel, const KernelSchedule &entry, size_t shared) {
  const Definition def = definition_of(kernel);
  return std::ranges::any_of(entry.dims, [&](const DimSchedule &dim) {
    const auto is_tile = [&](const std::string &name) {
      return std::any_of(def.dims.begin(), def.dims.begin() + static_cast<std::ptrdiff_t>(shared),
                         [&](const DefinitionDim &d) { return d.name == name; });
    };
    return joins_rows(dim) || std::ranges::any_of(dim.fused, is_tile);
  });
}

bool fits(const Workers &own, int64_t workers) {
  if (own.share_results && own.count > 1) return own.count == workers;
  return workers == 1 || own.count <= workers;
}

class GroupSharer {
public:
  GroupSharer(const TargetInfo &info, bool automatic, Schedule &schedule)
      : info_(info), automatic_(automatic), schedule_(schedule) {}

  /// The kernel's entry, if it is one of those that are open, or of the others.
  void share(const Kernel &kernel, bool open) {
    for (KernelSchedule &entry : schedule_.kernels)
      if (entry.kernel == kernel.name && is_open(entry) == open) open ? choose(kernel, entry) : keep(kernel, entry);
  }

private:
  bool is_open(const KernelSchedule &entry) const {
    return automatic_ && entry.placement == Placement::kAt && entry.dims.empty();
  }
  size_t shared_loops(const KernelSchedule &entry) const {
    return shared_loop_count(*schedule_.find(entry.at.consumer));
  }

  void keep(const Kernel &kernel, KernelSchedule &entry) {
    const bool is_at = entry.placement == Placement::kAt;
    if (is_at) entry = share_groups(entry, kernel, shared_loops(entry));
    int64_t &workers = workers_.try_emplace(is_at ? entry.at.consumer : entry.kernel, 1).first->second;
    workers = std::max(workers, workers_of(kernel, entry).count);
  }

  void choose(const Kernel &kernel, KernelSchedule &entry) {
    const size_t shared = shared_loops(entry);
    KernelSchedule chosen = choose_shared_schedule(kernel, info_, shared, workers_[entry.at.consumer]);
    chosen.placement = entry.placement;
    chosen.at = entry.at;
    entry = share_groups(std::move(chosen), kernel, shared);
    // Groups that are not shared are serial loops now, along which there is more to ask for ahead.
    if (!entry.prefetches.empty())
      if (const auto plan = plan_loops(kernel, entry)) entry.prefetches = hints_ahead(model_of(kernel), *plan, info_);
  }

  const TargetInfo &info_;
  bool automatic_;
  Schedule &schedule_;
  std::map<std::string, int64_t> workers_; ///< By consumer: of the entries that say what their loops are.
};

} // namespace

bool joins_rows(const DimSchedule &dim) { return !dim.fused.empty() && dim.splits.back().kind != LoopKind::kLane; }

KernelSchedule choose_shared_schedule(const Kernel &kernel, const TargetInfo &info, size_t shared, int64_t workers,
                                      const TensorBounds &tensors) {
  TargetInfo group = info;
  if (workers > 1) group.max_workers = static_cast<int>(std::min<int64_t>(info.max_workers, workers));
  const ScheduleFilter accepts = [&](const KernelSchedule &entry) {
    return !fuses(kernel, entry, shared) && packs_constants_alone(kernel, entry) &&
           fits(workers_of(kernel, share_groups(entry, kernel, shared)), workers);
  };
  return choose_accepted_schedule(kernel, group, accepts, tensors);
}

void walk_along_lanes(const Kernel &kernel, KernelSchedule &entry) {
  const DefinitionModel model = model_of(kernel);
  const auto find = [&](const LoopRef &loop) {
    return std::ranges::find_if(entry.dims, [&](const DimSchedule &dim) { return dim.dim == loop.dim; });
  };
  const auto holds = [&](const DimSchedule &lanes) {
    return std::ranges::any_of(model.reads, [&](const ModelAccess &read) {
      for (size_t d = 0; d < model.dims.size(); ++d)
        if (read.is_constant && read.depends[d] && lanes.dim == model.dims[d].name) return true;
      return false;
    });
  };
  for (size_t i = 0; i + 1 < entry.order.size(); ++i) {
    const auto lanes = find(entry.order[i]), next = find(entry.order[i + 1]);
    if (lanes == entry.dims.end() || next == entry.dims.end() || lanes == next) continue;
    const bool is_group = entry.order[i].split == 0 && lanes->splits.front().kind == LoopKind::kGroup;
    if (!is_group || lanes->splits.back().kind != LoopKind::kLane || holds(*lanes)) continue;
    const bool is_output = std::any_of(model.dims.begin(), model.dims.begin() + static_cast<int>(model.parallel_dims()),
                                       [&](const ModelDim &dim) { return dim.name == next->dim; });
    const LoopKind kind = next->splits[static_cast<size_t>(entry.order[i + 1].split)].kind;
    if (is_output && (kind == LoopKind::kSerial || kind == LoopKind::kGroup))
      std::swap(entry.order[i], entry.order[i + 1]);
  }
}

void share_groups(const Program &placed, const TargetInfo &info, bool automatic, Schedule &schedule) {
  GroupSharer sharer(info, automatic, schedule);
  for (const bool open : {false, true})
    for (const Kernel &kernel : placed.kernels) sharer.share(kernel, open);
}

} // namespace sparkle
