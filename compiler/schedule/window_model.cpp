#include "compiler/schedule/window_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Elements of a body that are counted one by one; larger bodies are no windows.
constexpr int64_t kMostPoints = 4096;
/// A load across a line takes two turns of a port; vectors that start anywhere mostly are.
constexpr double kUnalignedLoads = 1.8;
/// Taking lanes apart, for each vector that has some, in turns of a load port: beside loads, mostly (pooling of 3x3
/// with stride 2, NCHW, in the second cache: 1.5 cycles a vector of 8, 3 of 16, with their loads; Cascade Lake,
/// 2026-11-22).
constexpr double kShuffle = 0.5;
/// Bytes that could be read in the time that it takes to find the next run. 64 bytes of every 512 took twice as long as
/// the same bytes in one run (depthwise 56x56x128), 256 of every 1024 a quarter longer, 512 of every 1024 a tenth
/// (pooling 56x56x256; all on Cascade Lake, 2026-11-22).
constexpr double kRunStart = 64;
/// Pages that go on from body to body and are followed ahead of time, how many more take twice as long, and what they
/// cost at most: tiles of 12 rows and 2 vectors took 1.7 times as long as those of 1 row and 4 (unsharp 2160x3840),
/// pooling of 2x2 with tiles of 2x14 results half as long again as with 4x1 (56x56x256; Cascade Lake, 2026-11-22).
constexpr double kFollowedStreams = 16;
constexpr double kStreamsTwice = 32;
constexpr double kMostForStreams = 2;
/// Memory that is walked in jumps forth and back within a page, by what it costs more than walked as it lies: a seventh
/// with two rows in a body, nearly half with many (pooling of 2x2 and 3x3, NCHW, rows of 224 and 448 bytes; Cascade
/// Lake, 2026-11-22). Farther apart, each row is followed by itself.
constexpr int64_t kLine = 64, kPage = 4096;
constexpr double kJumps = 0.6;
/// Masked loads are instructions of their own, shared by nothing. A tail among many tiles has a variant of its own.
constexpr double kMasked = 2;
constexpr double kMaskedTail = 1.2;

int64_t lanes_of(const PlannedDim &dim) {
  int64_t lanes = 1;
  for (size_t i = 0; i < dim.kinds.size(); ++i)
    if (dim.kinds[i] == LoopKind::kLane) lanes *= dim.factors[i];
  return lanes;
}

} // namespace

void PlaceCounter::add(int64_t count, bool is_known, int64_t step) {
  if (count <= 1) return;
  if (!is_known) own_ *= static_cast<double>(count);
  if (!is_known || step == 0) return;
  has_room_ &= used_ < walks_.size();
  if (!has_room_) return;
  const Walk walk{std::abs(step), count};
  size_t at = used_++;
  for (; at > 0 && walk.step < walks_[at - 1].step; --at) walks_[at] = walks_[at - 1];
  walks_[at] = walk;
}

std::optional<double> PlaceCounter::exact() const {
  const auto [places, is_exact] = count();
  return is_exact && has_room_ ? std::optional(places) : std::nullopt;
}

/// Walks that end before the next longer step begins multiply; a walk in whole steps of a shorter one lengthens it. The
/// others fall in between, and are left out.
std::pair<double, bool> PlaceCounter::count() const {
  double places = own_;
  bool is_exact = true;
  Walk last{1, 1};
  for (size_t i = 0; i < used_; ++i) {
    const Walk &walk = walks_[i];
    if (last.count <= 1 || walk.step >= last.step * last.count) {
      places *= static_cast<double>(last.count);
      last = walk;
    } else if (walk.step % last.step == 0) {
      last.count += (walk.count - 1) * (walk.step / last.step);
    } else {
      is_exact = false;
    }
  }
  return {places * static_cast<double>(last.count), is_exact};
}

double mask_factor(bool has_tail, int64_t tiles) {
  if (!has_tail) return 1;
  return tiles > 4 ? kMaskedTail : kMasked;
}

WindowModel::WindowModel(const DefinitionModel &model, const LoopPlan &plan, const TargetInfo &info)
    : model_(model), plan_(plan), info_(info), body_(plan.loops.size()) {
  const auto stays = [](const PlannedLoop &loop) {
    return loop.kind == LoopKind::kUnrolled || loop.kind == LoopKind::kLane;
  };
  while (body_ > 0 && stays(plan.loops[body_ - 1])) --body_;
  for (size_t i = body_; i-- > 0 && !around_;)
    if (plan.dims[plan.loops[i].dim].factors[plan.loops[i].split] > 1) around_ = i;
  bool has_reduction = false;
  int64_t points = 1;
  for (size_t i = 0; i < plan.loops.size(); ++i) {
    const PlannedLoop &loop = plan.loops[i];
    const int64_t factor = plan.dims[loop.dim].factors[loop.split];
    if (loop.is_reduction && i < body_) return;
    if (i < body_) continue;
    has_reduction |= loop.is_reduction;
    if (loop.kind == LoopKind::kLane)
      vectors_per_lane_ *= std::ceil(static_cast<double>(factor) / static_cast<double>(info.lanes * model.narrowing));
    else
      points *= factor;
    if (loop.kind == LoopKind::kUnrolled && !loop.is_reduction) accumulators_ *= static_cast<double>(factor);
  }
  accumulators_ *= vectors_per_lane_ * std::max(1, model.accumulators - model.counts);
  is_window_ = has_reduction && points <= kMostPoints && model.nested_terms == 1;
}

bool WindowModel::depends(const ModelAccess &access, size_t loop) const {
  const PlannedDim &dim = plan_.dims[plan_.loops[loop].dim];
  return std::any_of(dim.sources.begin(), dim.sources.end(),
                     [&](int s) { return access.depends[static_cast<size_t>(s)]; });
}

bool WindowModel::depends_on_lane(const ModelAccess &access) const {
  for (size_t i = body_; i < plan_.loops.size(); ++i)
    if (plan_.loops[i].kind == LoopKind::kLane && depends(access, i)) return true;
  return false;
}

bool WindowModel::moves(const ModelAccess &access, size_t loop) const {
  return plan_.loops[loop].kind != LoopKind::kLane && depends(access, loop);
}

std::optional<int64_t> WindowModel::step(const ModelAccess &access, size_t loop) const {
  const PlannedDim &dim = plan_.dims[plan_.loops[loop].dim];
  const auto source = static_cast<size_t>(dim.sources.back());
  if (dim.sources.size() > 1 || access.irregular[source]) return std::nullopt;
  return access.strides[source] * dim.stride(plan_.loops[loop].split);
}

std::vector<int64_t> WindowModel::reached(const ModelAccess &access, size_t first) const {
  std::vector<std::pair<int64_t, int64_t>> walks; // Steps, shortest first, and how many.
  for (size_t i = first; i < plan_.loops.size(); ++i) {
    if (!moves(access, i)) continue;
    // Where the distance is not known, each iteration has elements of its own: far away and never equal.
    const int64_t far = (int64_t{1} << 40) + static_cast<int64_t>(i) * (int64_t{1} << 32);
    const int64_t count = plan_.dims[plan_.loops[i].dim].factors[plan_.loops[i].split];
    walks.emplace_back(std::abs(step(access, i).value_or(far)), count); // Back is forth from another place.
  }
  std::ranges::sort(walks);
  std::vector<int64_t> reached = {0};
  for (const auto &[step, count] : walks) {
    const bool is_apart = step > reached.back();
    const size_t before = reached.size();
    reached.reserve(before * static_cast<size_t>(count));
    for (int64_t k = 1; k < count; ++k)
      for (size_t i = 0; i < before; ++i) reached.push_back(reached[i] + k * step);
    if (is_apart) continue;
    std::ranges::sort(reached);
    reached.erase(std::unique(reached.begin(), reached.end()), reached.end());
  }
  return reached;
}

double WindowModel::distinct(const ModelAccess &access, size_t first) const {
  PlaceCounter counter;
  for (size_t i = first; i < plan_.loops.size(); ++i) {
    if (!moves(access, i)) continue;
    const std::optional<int64_t> known = step(access, i);
    counter.add(plan_.dims[plan_.loops[i].dim].factors[plan_.loops[i].split], known.has_value(), known.value_or(0));
  }
  if (const std::optional<double> exact = counter.exact()) return *exact;
  return static_cast<double>(reached(access, first).size());
}

double WindowModel::pages(const ModelAccess &access) const {
  const std::vector<int64_t> places = reached(access, body_);
  double count = 1;
  int64_t first = places.front();
  for (int64_t place : places) {
    if ((place - first) * access.element_bytes < kPage) continue;
    first = place;
    ++count;
  }
  return count;
}

bool WindowModel::is_held(const ModelAccess &access) const { return has_inner_serial() && !depends(access, *around_); }

double short_run_factor(int64_t bytes) { return 1 + kRunStart / static_cast<double>(bytes); }

double turns_of_load(const DefinitionModel &model, const TargetInfo &info, const ModelAccess &access,
                     const std::vector<int> &along, int64_t lanes, double vectors) {
  const auto lane = static_cast<size_t>(along.back());
  const double apart = static_cast<double>(lanes) * 2; // A load and an insert for each lane.
  if (access.irregular[lane] || access.strides[lane] < 1 || !is_even(model, access, along)) return apart;
  if (access.strides[lane] > kGreatestLaneStep) return apart;
  const auto step = static_cast<double>(access.strides[lane]);
  if (step > 1) return (kUnalignedLoads + kShuffle) * step * vectors;
  for (size_t d = 0; d < model.dims.size(); ++d)
    if (d != lane && access.depends[d] && access.strides[d] % info.lanes != 0) return kUnalignedLoads * vectors;
  return vectors;
}

double WindowModel::ports(const ModelAccess &access) const {
  for (size_t i = body_; i < plan_.loops.size(); ++i) {
    if (plan_.loops[i].kind != LoopKind::kLane || !depends(access, i)) continue;
    const PlannedDim &dim = plan_.dims[plan_.loops[i].dim];
    return turns_of_load(model_, info_, access, dim.sources, dim.factors[plan_.loops[i].split], vectors_per_lane_);
  }
  return vectors_per_lane_;
}

double WindowModel::useful_share() const {
  double share = 1;
  for (const PlannedDim &dim : plan_.dims)
    if (dim.extent && !dim.is_reduction)
      share *= static_cast<double>(ceil_div(*dim.extent, lanes_of(dim)) * lanes_of(dim)) /
               static_cast<double>(std::max<int64_t>(1, dim.covered()));
  return share;
}

double WindowModel::sparse_factor() const {
  const bool walks = std::any_of(model_.reads.begin(), model_.reads.end(), [&](const ModelAccess &read) {
    return read.in_reduction && !read.is_constant && depends_on_lane(read);
  });
  return walks ? run_factor() * jump_factor() : 1;
}

/// Lines of lower addresses are touched after those of higher ones where an inner loop of the body steps farther than
/// an outer one.
double WindowModel::jump_factor() const {
  double most = 1;
  for (const ModelAccess &read : model_.reads) {
    int64_t outer = kPage;
    for (size_t i = body_; i < plan_.loops.size(); ++i) {
      const PlannedLoop &loop = plan_.loops[i];
      const PlannedDim &dim = plan_.dims[loop.dim];
      const auto source = static_cast<size_t>(dim.sources.back());
      const auto count = static_cast<double>(dim.factors[loop.split]);
      if (loop.kind == LoopKind::kLane || count <= 1 || !read.depends[source] || read.irregular[source]) continue;
      const int64_t step = std::abs(read.strides[source]) * dim.stride(loop.split) * read.element_bytes;
      if (step > outer && step < kPage) most = std::max(most, 1 + kJumps * (1 - 1 / count));
      if (step >= kLine) outer = std::min(outer, step);
    }
  }
  return most;
}

/// The body goes on along `dim` before it does along other results. (Other loops of a reduction take few steps.)
bool WindowModel::is_next(size_t dim) const {
  for (size_t i = body_; i-- > 0;) {
    const PlannedLoop &loop = plan_.loops[i];
    if (plan_.dims[loop.dim].factors[loop.split] == 1) continue;
    if (static_cast<size_t>(loop.dim) == dim || !loop.is_reduction) return static_cast<size_t>(loop.dim) == dim;
  }
  return false;
}

/// The dimension of the lanes, where a body does not cover all of it.
std::optional<size_t> WindowModel::lane_dim() const {
  for (size_t i = body_; i < plan_.loops.size(); ++i) {
    if (plan_.loops[i].kind != LoopKind::kLane) continue;
    const auto dim = static_cast<size_t>(plan_.loops[i].dim);
    return plan_.dims[dim].factors.front() == 1 ? std::nullopt : std::optional(dim);
  }
  return std::nullopt;
}

/// Where lanes are not walked as they lie, a run ends with the tile.
double WindowModel::run_factor() const {
  const std::optional<size_t> dim = lane_dim();
  if (!dim) return 1;
  if (is_next(*dim)) return is_window_ ? crowding() * stream_factor() : 1;
  return short_run_factor(plan_.dims[*dim].stride(0) * model_.store.element_bytes);
}

double WindowModel::broken_store_runs() const {
  const std::optional<size_t> dim = lane_dim();
  if (!dim || is_next(*dim)) return 0;
  return static_cast<double>(model_.outputs()) / static_cast<double>(plan_.dims[*dim].stride(0));
}

/// Rows of results that bodies write side by side, a part of a line each, over those that stay in the nearest cache
/// until their lines are full: half of the ways of the sets that they fall into. Of rows 2048 bytes long, 14 at once
/// took half as long again as 6 (blur of bytes on Cascade Lake, 2026-11-22).
double WindowModel::crowding() const {
  const auto cache = std::ranges::find_if(info_.memories, [](const MemoryInfo &memory) {
    return !memory.explicit_fill && memory.way_stride_bytes > 0 && memory.ways > 0;
  });
  if (cache == info_.memories.end()) return 1;
  double rows = 1;
  int64_t apart = cache->way_stride_bytes;
  for (size_t i = body_; i < plan_.loops.size(); ++i) {
    const PlannedDim &dim = plan_.dims[plan_.loops[i].dim];
    const auto source = static_cast<size_t>(dim.sources.back());
    const bool has_lanes = std::ranges::find(dim.kinds, LoopKind::kLane) != dim.kinds.end();
    if (plan_.loops[i].kind != LoopKind::kUnrolled || has_lanes || !model_.store.depends[source]) continue;
    rows *= static_cast<double>(dim.factors[plan_.loops[i].split]);
    apart =
        std::gcd(apart, model_.store.strides[source] * dim.stride(plan_.loops[i].split) * model_.store.element_bytes);
  }
  const auto room = static_cast<double>(cache->way_stride_bytes / apart * cache->ways) / 2;
  return std::max(1.0, rows / room);
}

/// What a body touches goes on in the next one, page by page.
double WindowModel::stream_factor() const {
  double count = pages(model_.store);
  for (const ModelAccess &read : model_.reads)
    if (read.in_reduction && !is_held(read)) count += pages(read);
  return std::clamp(1 + (count - kFollowedStreams) / kStreamsTwice, 1.0, kMostForStreams);
}

double WindowModel::mask_factor() const {
  for (const PlannedDim &dim : plan_.dims)
    if (dim.extent && *dim.extent % lanes_of(dim) != 0) return sparkle::mask_factor(true, dim.factors.front());
  return 1;
}

/// Points of the body at which the access is read, each with a load of its own.
double WindowModel::points(const ModelAccess &access) const {
  double points = 1;
  for (size_t i = body_; i < plan_.loops.size(); ++i)
    if (plan_.loops[i].kind == LoopKind::kUnrolled && depends(access, i))
      points *= static_cast<double>(plan_.dims[plan_.loops[i].dim].factors[plan_.loops[i].split]);
  return points;
}

/// Elements that are live at once: those of one turn of the outermost loop of the reduction.
double WindowModel::live(const ModelAccess &access) const {
  size_t inner = body_;
  while (!plan_.loops[inner].is_reduction) ++inner;
  return distinct(access, inner + 1);
}

std::vector<WindowModel::ReadFacts> WindowModel::read_facts() const {
  std::vector<ReadFacts> list;
  for (const ModelAccess &read : model_.reads) {
    if (!read.in_reduction) continue;
    const bool wide = depends_on_lane(read), held = is_held(read);
    list.push_back({wide, held, wide ? vectors_per_lane_ : 1, wide ? ports(read) : 1, points(read),
                    distinct(read, body_), held ? 1 : live(read)});
  }
  return list;
}

WindowLoads WindowModel::loads(const std::vector<ReadFacts> &reads, bool hold, bool share) const {
  WindowLoads out;
  out.registers = accumulators_ + 1;
  for (const ReadFacts &read : reads) {
    if (read.held && hold) {
      out.registers += read.distinct * read.vectors;
      continue;
    }
    const bool shared = share || read.held;
    (read.wide ? out.loads : out.broadcasts) += (shared ? read.distinct : read.points) * read.ports;
    if (shared) out.registers += read.live * read.vectors;
  }
  return out;
}

WindowLoads WindowModel::loads() const {
  const std::vector<ReadFacts> reads = read_facts();
  WindowLoads best = loads(reads, false, false);
  for (const auto &[hold, share] : {std::pair(true, true), std::pair(false, true), std::pair(true, false)}) {
    const WindowLoads other = loads(reads, hold, share);
    if (other.registers > info_.registers) continue;
    if (other.loads + other.broadcasts < best.loads + best.broadcasts || best.registers > info_.registers) best = other;
  }
  return best;
}

} // namespace sparkle
