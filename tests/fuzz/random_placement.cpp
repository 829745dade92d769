#include "tests/fuzz/random_placement.h"

#include <algorithm>
#include <optional>
#include <set>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/walk.h"
#include "compiler/schedule/fusion.h"
#include "compiler/schedule/loop_plan.h"
#include "tests/fuzz/random_schedule.h"

namespace sparkle::test {
namespace {

/// Without a word on the loops over tiles, and without what names them.
void forget_tile_loops(KernelSchedule &loops) {
  const auto is_tile = [](const std::string &name) { return name.find("_tile") != std::string::npos; };
  std::erase_if(loops.dims,
                [&](const DimSchedule &dim) { return is_tile(dim.dim) || std::ranges::any_of(dim.fused, is_tile); });
  loops.order.clear();
  loops.stagings.clear();
  loops.prefetches.clear();
  std::erase_if(loops.partition, is_tile);
}

/// The innermost group loop, where `place at` may put others; absent: there is none, or `place` refuses its dimension.
std::optional<LoopRef> innermost_group(const LoopPlan &plan, const KernelSchedule &loops) {
  std::optional<LoopRef> innermost;
  for (const PlannedLoop &loop : plan.loops) {
    if (loop.kind != LoopKind::kGroup) continue;
    innermost = {plan.dims[loop.dim].name, loop.split};
    const auto entry = std::ranges::find(loops.dims, innermost->dim, &DimSchedule::dim);
    if (entry != loops.dims.end() && !entry->fused.empty()) return std::nullopt;
  }
  return innermost;
}

bool reads(const Kernel &kernel, const std::string &tensor) {
  return std::ranges::any_of(reads_of(kernel, definition_of(kernel).store->value), [&](ExprId id) {
    return kernel.buffer(std::get<Read>(kernel.expr(id)).buffer).name == tensor;
  });
}

} // namespace

KernelSchedule &entry(Schedule &schedule, const std::string &kernel) {
  for (KernelSchedule &one : schedule.kernels)
    if (one.kernel == kernel) return one;
  KernelSchedule &made = schedule.kernels.emplace_back();
  made.kernel = kernel;
  return made;
}

bool is_let(const Program &program, const Kernel &kernel) {
  return program.tensors[kernel.buffer(definition_of(kernel).store->buffer).tensor].role == Role::kWorkspace;
}

void place_at_loops(const Program &placed, const TargetInfo &info, Random &random, Schedule &schedule) {
  const auto results = [&](const Kernel &kernel) { return !is_let(placed, kernel); };
  const auto consumer = std::ranges::find_if(placed.kernels, results);
  if (consumer == placed.kernels.end() || placed.kernels.size() == 1) return;
  KernelSchedule loops = random_kernel_schedule(*consumer, info, random);
  const Result<LoopPlan> plan = plan_loops(*consumer, loops);
  const std::optional<LoopRef> at = plan ? innermost_group(*plan, loops) : std::nullopt;
  if (!at) return;
  std::set<std::string> inside{consumer->name};
  for (auto let = placed.kernels.rbegin(); let != placed.kernels.rend(); ++let) {
    const bool has_other_readers = std::ranges::any_of(
        placed.kernels, [&](const Kernel &other) { return reads(other, let->name) && !inside.contains(other.name); });
    if (!is_let(placed, *let) || has_other_readers || random.chance(1, 8)) continue;
    inside.insert(let->name);
    entry(schedule, let->name).placement = Placement::kAt;
    entry(schedule, let->name).at = {*at, consumer->name, {}};
    // Stagings of the stored tensor: the tile is indexed by other loops.
    std::erase_if(loops.stagings, [&](const Staging &staging) { return staging.tensor == let->name; });
    std::erase_if(loops.prefetches, [&](const PrefetchHint &hint) { return hint.tensor == let->name; });
  }
  entry(schedule, consumer->name) = std::move(loops);
}

void skew_tiles(const Program &placed, Random &random, Schedule &schedule) {
  for (const Kernel &kernel : placed.kernels) {
    const auto let = std::ranges::find(schedule.kernels, kernel.name, &KernelSchedule::kernel);
    if (let == schedule.kernels.end() || let->placement != Placement::kAt || !random.chance(1, 2)) continue;
    const size_t shared = shared_loop_count(*schedule.find(let->at.consumer));
    const size_t dims = kernel.buffer(definition_of(kernel).store->buffer).extents.size();
    for (size_t d = shared; d + 1 < dims; ++d) let->at.skew.push_back(random.chance(1, 3) ? 0 : random.in(1, 20));
    while (!let->at.skew.empty() && let->at.skew.back() == 0) let->at.skew.pop_back();
  }
}

void schedule_loops(const Kernel &kernel, const TargetInfo &info, Random &random, Schedule &schedule) {
  KernelSchedule loops = random_kernel_schedule(kernel, info, random);
  KernelSchedule &old = entry(schedule, kernel.name);
  loops.placement = old.placement;
  loops.at = old.at;
  if (old.placement == Placement::kAt) forget_tile_loops(loops);
  old = std::move(loops);
}

} // namespace sparkle::test
