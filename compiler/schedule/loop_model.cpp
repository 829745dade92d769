#include "compiler/schedule/loop_model.h"

#include <algorithm>
#include <cmath>

namespace sparkle {
namespace {

LoopRole role_of(const PlannedLoop &loop) {
  if (loop.is_reduction) return LoopRole::kReduction;
  switch (loop.kind) {
  case LoopKind::kGroup: return LoopRole::kGroup;
  case LoopKind::kTeam:
  case LoopKind::kWorker: return LoopRole::kWorker;
  case LoopKind::kSerial: return LoopRole::kSerialParallel;
  case LoopKind::kUnrolled: return LoopRole::kRegister;
  case LoopKind::kLane: return LoopRole::kLane;
  }
  return LoopRole::kSerialParallel;
}

} // namespace

LoopModel::LoopModel(const DefinitionModel &model, const LoopPlan &plan) : model_(model), plan_(plan) {
  for (const PlannedLoop &loop : plan.loops) {
    int64_t factor = std::max<int64_t>(1, plan.dims[loop.dim].factors[loop.split]);
    loops_.push_back(
        {role_of(loop), factor, static_cast<size_t>(loop.dim), loop.split, loop.kind == LoopKind::kUnrolled});
  }
  in_time_ = loops_;
  std::stable_partition(in_time_.begin(), in_time_.end(), [](const Loop &l) { return l.role != LoopRole::kWorker; });
}

bool LoopModel::depends(const ModelAccess &access, const Loop &loop) const {
  const PlannedDim &dim = plan_.dims[loop.dim];
  return std::any_of(dim.sources.begin(), dim.sources.end(),
                     [&](int s) { return access.depends[static_cast<size_t>(s)]; });
}

int64_t LoopModel::count(LoopRole role) const {
  int64_t product = 1;
  for (const Loop &loop : loops_)
    if (loop.role == role) product *= loop.factor;
  return product;
}

int64_t LoopModel::count_if(LoopRole role, const ModelAccess &access) const {
  int64_t product = 1;
  for (const Loop &loop : loops_)
    if (loop.role == role && depends(access, loop)) product *= loop.factor;
  return product;
}

int64_t LoopModel::unrolled_reduction() const {
  int64_t product = 1;
  for (const Loop &loop : loops_)
    if (loop.role == LoopRole::kReduction && loop.unrolled) product *= loop.factor;
  return product;
}

bool LoopModel::depends_on_lane(const ModelAccess &access) const {
  return std::any_of(loops_.begin(), loops_.end(),
                     [&](const Loop &l) { return l.role == LoopRole::kLane && l.factor > 1 && depends(access, l); });
}

int64_t LoopModel::innermost_reuse(const ModelAccess &access) const {
  int64_t reuse = 1;
  for (const Loop &loop : loops_)
    if (loop.role == LoopRole::kRegister && !depends(access, loop)) reuse *= loop.factor;
  return reuse;
}

bool LoopModel::is_staged(const KernelSchedule &schedule, const std::string &tensor, MemoryLevel level) {
  return std::any_of(schedule.stagings.begin(), schedule.stagings.end(),
                     [&](const Staging &s) { return s.tensor == tensor && s.level == level; });
}

bool LoopModel::is_contiguous(const KernelSchedule &schedule, const ModelAccess &access) const {
  if (is_staged(schedule, access.tensor, MemoryLevel::kFar)) return true;
  for (const Loop &loop : loops_) {
    if (loop.role != LoopRole::kLane) continue;
    const PlannedDim &dim = plan_.dims[loop.dim];
    size_t source = static_cast<size_t>(dim.sources.back());
    if (!depends(access, loop)) return true;
    bool whole = dim.sources.size() == 1 || model_.dims[source].extent % loop.factor == 0;
    return !access.irregular[source] && access.strides[source] == 1 && whole;
  }
  return true;
}

double LoopModel::staged_elements(const Staging &staging) const {
  double product = 1;
  for (const LoopRef &ref : staging.layout)
    if (auto position = plan_.position(ref)) product *= static_cast<double>(loops_[*position].factor);
  return product;
}

int64_t LoopModel::near_bytes(const KernelSchedule &schedule) const {
  double bytes = 0;
  for (const Staging &staging : schedule.stagings) {
    if (staging.level != MemoryLevel::kNear || staging.layout.empty()) continue;
    auto outer = plan_.position(staging.layout.front());
    double skew = outer ? static_cast<double>(staging.skew * loops_[*outer].factor) : 0;
    bytes += (staged_elements(staging) + skew) * 4 * staging.buffers;
  }
  return static_cast<int64_t>(bytes);
}

int64_t LoopModel::trips_through(const Staging &staging) const {
  auto at = staging.at ? plan_.position(*staging.at) : std::nullopt;
  int64_t trips = 1;
  for (size_t i = 0; at && i <= *at; ++i)
    if (loops_[i].role == LoopRole::kReduction) trips *= loops_[i].factor;
  return trips;
}

int64_t LoopModel::steps_below(const Staging &staging) const {
  return count(LoopRole::kReduction) / std::max<int64_t>(1, trips_through(staging));
}

/// Bytes of distinct elements that loops from `first` on touch. Overlapping windows (a stride smaller than what the
/// other dimension spans) are counted once; lines are filled whole unless the tensor is packed.
double LoopModel::footprint(const ModelAccess &access, size_t first, bool packed) const {
  std::vector<double> range(model_.dims.size(), 1);
  for (size_t i = first; i < in_time_.size(); ++i) {
    const PlannedDim &dim = plan_.dims[in_time_[i].dim];
    double factor = static_cast<double>(in_time_[i].factor);
    for (size_t s = dim.sources.size(); s-- > 0;) { // The fastest source of a fused dimension fills up first.
      size_t source = static_cast<size_t>(dim.sources[s]);
      double room = std::max(1.0, static_cast<double>(model_.dims[source].extent) / range[source]);
      double taken = std::min(factor, room);
      range[source] *= taken;
      factor /= taken;
    }
  }
  double elements = 1, unit_run = 1;
  std::vector<std::pair<int64_t, double>> spans;
  for (size_t d = 0; d < model_.dims.size(); ++d)
    if (access.depends[d])
      spans.push_back({std::max<int64_t>(1, std::abs(access.strides[d])),
                       std::min(range[d], static_cast<double>(model_.dims[d].extent))});
  std::sort(spans.begin(), spans.end());
  for (size_t i = 0; i < spans.size(); ++i) {
    double count = spans[i].second;
    // A window: two dimensions that move through the same one of memory (oh*s + kh). Their union, not their product.
    if (i > 0 && spans[i].first < spans[i - 1].first * 4 && spans[i].first == spans[i - 1].first) {
      elements += elements / std::max(1.0, spans[i - 1].second) * (count - 1);
      continue;
    }
    if (spans[i].first == 1) unit_run = count;
    elements *= count;
  }
  elements = std::min(elements, static_cast<double>(access.tensor_elements));
  double bytes = elements * static_cast<double>(access.element_bytes);
  double line = 64.0 / static_cast<double>(access.element_bytes);
  if (!packed && unit_run < line) bytes *= std::min(line / unit_run, 4.0);
  return bytes;
}

double LoopModel::traffic(const KernelSchedule &schedule, double capacity) const {
  std::vector<const ModelAccess *> accesses;
  for (const ModelAccess &read : model_.reads) accesses.push_back(&read);
  accesses.push_back(&model_.store);
  // The outermost loop whose body's data fits.
  size_t fit = in_time_.size();
  for (size_t first = in_time_.size(); first-- > 0;) {
    double bytes = 0;
    for (const ModelAccess *access : accesses)
      bytes += footprint(*access, first, is_staged(schedule, access->tensor, MemoryLevel::kFar));
    if (bytes > capacity) break;
    fit = first;
  }
  double total = 0;
  for (const ModelAccess *access : accesses) {
    double bytes = footprint(*access, fit, is_staged(schedule, access->tensor, MemoryLevel::kFar));
    bool refetched = false;
    for (size_t i = fit; i-- > 0;) {
      refetched |= depends(*access, in_time_[i]);
      if (refetched) bytes *= static_cast<double>(in_time_[i].factor);
    }
    total += bytes;
  }
  return total;
}

} // namespace sparkle
