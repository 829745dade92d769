#include "compiler/schedule/far_traffic.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "compiler/schedule/window_spec.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Far enough for memory to answer, near enough to be there still. Pooling of 2x2 and 3x3 over 102 MB, NCHW, took 0.88
/// and 0.81 of the time with rows asked for 3.5 KB ahead, a blur of bytes over 25 MB 0.86 (Sapphire Rapids, one thread,
/// 2026-11-23); from 6 KB on nothing was left of it (Cascade Lake).
constexpr int64_t kAheadBytes = 3584;
/// Hints end with their loop: the last steps, as many as the distance, have none.
constexpr int64_t kLeastRounds = 4;
constexpr int64_t kCachesOfUnit = 2;

/// Bytes that a step of the loop moves the access; 0: none, or not in even steps.
int64_t step_bytes(const ModelAccess &read, const PlannedDim &dim, int split) {
  const auto source = static_cast<size_t>(dim.sources.back());
  if (!read.depends[source] || read.irregular[source]) return 0;
  return std::abs(read.strides[source]) * dim.stride(split) * read.element_bytes;
}

constexpr int64_t kFarReads = 2, kFarResults = 8; ///< Times the outermost cache of a unit.

bool is_larger(const ModelAccess &access, int64_t times, const TargetInfo &info) {
  if (info.memories.size() <= kCachesOfUnit) return false;
  return access.tensor_elements * access.element_bytes > times * info.memories[kCachesOfUnit - 1].bytes;
}

std::optional<PrefetchHint> hint_for(const ModelAccess &read, const LoopPlan &plan) {
  std::optional<PrefetchHint> best;
  int64_t most = 0;
  for (const PlannedLoop &loop : plan.loops) {
    const PlannedDim &dim = plan.dims[static_cast<size_t>(loop.dim)];
    const auto split = static_cast<size_t>(loop.split);
    const int64_t step = step_bytes(read, dim, loop.split);
    if (loop.kind != LoopKind::kSerial || loop.is_reduction || step == 0 || dim.factors[split] < kLeastRounds) continue;
    const int64_t distance = std::clamp<int64_t>(ceil_div(kAheadBytes, step), 1, dim.factors[split] / kLeastRounds);
    const int64_t ahead = std::min(distance * step, kAheadBytes);
    if (ahead <= most) continue;
    most = ahead;
    best = PrefetchHint{read.tensor, {dim.name, loop.split}, distance, 1};
  }
  return best;
}

bool is_output(const Kernel &kernel, const std::string &tensor) {
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i) {
    const Buffer &buffer = kernel.buffer(BufferId{i});
    if (buffer.name == tensor) return buffer.role == Role::kOutput;
  }
  return false;
}

} // namespace

std::vector<PrefetchHint> hints_ahead(const DefinitionModel &model, const LoopPlan &plan, const TargetInfo &info) {
  std::vector<PrefetchHint> hints;
  if (info.fetch_ahead == 0 || info.max_workers > 1 || !is_short_reduction(model)) return hints;
  for (const ModelAccess &read : model.reads) {
    const bool is_known =
        std::ranges::any_of(hints, [&](const PrefetchHint &hint) { return hint.tensor == read.tensor; });
    if (!read.in_reduction || is_known || !is_larger(read, kFarReads, info)) continue;
    if (const auto hint = hint_for(read, plan)) hints.push_back(*hint);
  }
  return hints;
}

StoreKind store_of_far_result(const Kernel &kernel, const DefinitionModel &model, const TargetInfo &info) {
  const bool pays = info.streaming_stores && is_larger(model.store, kFarResults, info) && is_short_reduction(model);
  return pays && is_output(kernel, model.store.tensor) ? StoreKind::kStreaming : StoreKind::kPlain;
}

} // namespace sparkle
