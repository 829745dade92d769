#include "compiler/schedule/loop_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

LoopRole role_of(const PlannedLoop &loop) {
  if (loop.is_reduction && !loop.is_partial) return LoopRole::kReduction;
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
  loops_.reserve(plan.loops.size());
  for (const PlannedLoop &loop : plan.loops) {
    const PlannedDim &dim = plan.dims[loop.dim];
    int64_t factor = dim.factors[loop.split];
    if (factor == 0 && loop.is_reduction)
      factor = ceil_div(model.dims[static_cast<size_t>(dim.sources.front())].extent, dim.stride(loop.split));
    loops_.push_back({role_of(loop), std::max<int64_t>(1, factor), static_cast<size_t>(loop.dim), loop.split,
                      loop.kind == LoopKind::kUnrolled, loop.is_partial});
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

int64_t LoopModel::partials(LoopRole role) const {
  int64_t product = 1;
  for (const Loop &loop : loops_)
    if (loop.role == role && loop.is_partial) product *= loop.factor;
  return product;
}

int64_t LoopModel::worker_distance(const ModelAccess &access) const {
  for (size_t i = loops_.size(); i-- > 0;) {
    const Loop &loop = loops_[i];
    if (loop.role != LoopRole::kWorker || loop.factor == 1) continue;
    const PlannedDim &dim = plan_.dims[loop.dim];
    size_t source = static_cast<size_t>(dim.sources.back());
    return std::abs(access.strides[source]) * dim.stride(loop.split) * access.element_bytes;
  }
  return 0;
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
    bool whole = dim.sources.size() == 1 || model_.dims[source].extent % loop.factor == 0 ||
                 is_even(model_, access, dim.sources);
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

/// Of the loops that fill near memory in each step of the loop at `at`.
double LoopModel::filling_rounds(const KernelSchedule &schedule, size_t at) const {
  if (count(LoopRole::kWorker) > 1) return 0;
  double rounds = 0;
  for (const Staging &staging : schedule.stagings)
    if (staging.level == MemoryLevel::kNear && staging.at && plan_.position(*staging.at) == at)
      rounds += staged_elements(staging) / staging.lanes * (staging.ahead > 0 ? 2 : 1);
  return rounds;
}

double LoopModel::rounds(const KernelSchedule &schedule) const {
  double rounds = model_.nested_terms > 1 ? static_cast<double>(model_.nested_terms) + 1 : 0;
  for (size_t i = loops_.size(); i-- > 0;) {
    const Loop &loop = loops_[i];
    rounds += filling_rounds(schedule, i);
    const bool in_time = loop.role == LoopRole::kSerialParallel || loop.role == LoopRole::kReduction;
    const bool is_code = loop.unrolled && rounds == 0;
    if (loop.factor == 1 || is_code || !(in_time || loop.unrolled)) continue;
    rounds = static_cast<double>(loop.factor) * (1 + rounds) + 1;
  }
  return rounds;
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

/// The ranges of the sources of dimension `dim` (of the plan) that takes `values` values: the fastest source of a fused
/// dimension fills up first.
void LoopModel::fill_ranges(size_t dim, double values, std::span<double> range) const {
  const std::vector<int> &sources = plan_.dims[dim].sources;
  for (size_t s = sources.size(); s-- > 0;) {
    const auto source = static_cast<size_t>(sources[s]);
    range[source] = std::min(values, static_cast<double>(model_.dims[source].extent));
    values /= range[source];
  }
}

namespace {

/// Places along one direction of memory.
struct Span {
  int64_t stride; ///< In elements.
  double count;
};

/// Gaps cost no more than a few elements each: others of the same line are mostly wanted soon.
class PlaceSum {
public:
  explicit PlaceSum(double line) : line_(line) {}

  /// Longer strides follow shorter ones.
  void add(Span span) {
    out_.elements *= span.count;
    if (is_known_) return;
    const auto stride = static_cast<double>(span.stride);
    is_known_ = stride > run_;
    if (!is_known_) run_ += stride * (span.count - 1);
    if (is_known_ && run_ < line_) out_.line_waste = std::min({line_, stride, 4 * run_}) / run_;
  }

  TouchedPlaces sum() const {
    TouchedPlaces out = out_;
    if (!is_known_ && run_ < line_) out.line_waste = std::min(line_ / run_, 4.0);
    return out;
  }

private:
  double line_; ///< In elements.
  double run_ = 1;
  bool is_known_ = false;
  TouchedPlaces out_;
};

int64_t stride_of(const ModelAccess &access, size_t dim) { return std::max<int64_t>(1, std::abs(access.strides[dim])); }

} // namespace

TouchedPlaces touched_by(const ModelAccess &access, std::span<const double> range) {
  PlaceSum sum(64.0 / static_cast<double>(access.element_bytes));
  std::optional<Span> last;
  for (const size_t d : access.walked) {
    const Span span{stride_of(access, d), range[d]};
    // Two that move through the same places (oh*s + kh) become one: their union, not their product.
    if (last && static_cast<double>(span.stride) < static_cast<double>(last->stride) * last->count &&
        span.stride % last->stride == 0) {
      last->count += (span.count - 1) * static_cast<double>(span.stride / last->stride);
      continue;
    }
    if (last) sum.add(*last);
    last = span;
  }
  if (last) sum.add(*last);
  TouchedPlaces out = sum.sum();
  out.elements = std::min(out.elements, static_cast<double>(access.tensor_elements));
  return out;
}

/// Bytes of distinct elements where each dimension takes `range` values; lines are filled whole unless the tensor is
/// packed.
double LoopModel::footprint(const ModelAccess &access, std::span<const double> range, bool packed) {
  const TouchedPlaces touched = touched_by(access, range);
  const double bytes = touched.elements * static_cast<double>(access.element_bytes);
  return packed ? bytes : bytes * touched.line_waste;
}

/// How many times more of a cache the footprint takes because its rows lie an even number of ways apart and compete for
/// the same sets, more of them than there are ways: a way over what the rows cover of it.
double LoopModel::crowding(const ModelAccess &access, std::span<const double> range, const MemoryInfo &cache) {
  const auto line = static_cast<double>(cache.line_bytes);
  auto run = static_cast<double>(access.element_bytes);
  for (size_t i = 0; i < access.walked.size(); ++i) {
    const size_t d = access.walked[i];
    if (range[d] <= 1 || access.irregular[d]) continue;
    const int64_t stride = stride_of(access, d) * access.element_bytes;
    double count = range[d];
    if (static_cast<double>(stride) <= std::max(run, line)) {
      run = std::max(run, static_cast<double>(stride) * count);
      continue;
    }
    for (size_t j = i + 1; j < access.walked.size(); ++j) { // Of walks alike, the shortest.
      const size_t other = access.walked[j];
      const bool is_alike = stride_of(access, other) == stride_of(access, d) && !access.irregular[other];
      if (is_alike && range[other] > 1) count = std::min(count, range[other]);
    }
    const int64_t way = cache.way_stride_bytes;
    const auto places = static_cast<double>(way / std::gcd(stride, way));
    if (count < places * std::max(1, cache.ways)) return 1;
    return static_cast<double>(way) / std::min(static_cast<double>(way), std::max(run, line) * std::min(places, count));
  }
  return 1;
}

const ModelAccess &LoopModel::access(size_t number) const {
  return number < model_.reads.size() ? model_.reads[number] : model_.store;
}

/// From inside out; what a loop does not change stays as it is inside it.
LoopModel::Footprints LoopModel::footprints(const KernelSchedule &schedule) const {
  Footprints out;
  const size_t dims = model_.dims.size(), accesses = model_.reads.size() + 1, loops = in_time_.size();
  for (size_t i = 0; i < accesses; ++i) out.packed.push_back(is_staged(schedule, access(i).tensor, MemoryLevel::kFar));
  out.ranges.assign((loops + 1) * dims, 1);
  out.bytes.resize((loops + 1) * accesses);
  std::vector<double> values(plan_.dims.size(), 1); // Products of factors: whole numbers, exact in any order.
  for (size_t first = loops + 1; first-- > 0;) {
    const std::span range = std::span(out.ranges).subspan(first * dims, dims);
    const std::span bytes = std::span(out.bytes).subspan(first * accesses, accesses);
    const Loop *loop = first < loops ? &in_time_[first] : nullptr;
    if (loop) {
      std::copy_n(out.ranges.begin() + static_cast<std::ptrdiff_t>((first + 1) * dims), dims, range.begin());
      fill_ranges(loop->dim, values[loop->dim] *= static_cast<double>(loop->factor), range);
    }
    for (size_t i = 0; i < accesses; ++i)
      bytes[i] = loop && (loop->factor == 1 || !depends(access(i), *loop)) ? out.bytes[(first + 1) * accesses + i]
                                                                           : footprint(access(i), range, out.packed[i]);
  }
  return out;
}

/// From inside out, until all that a loop touches at once is too much.
size_t LoopModel::outermost_that_fits(const Footprints &footprints, const MemoryInfo &cache, double capacity) const {
  const size_t dims = model_.dims.size(), accesses = footprints.packed.size();
  std::vector<double> crowd(accesses, 1);
  size_t fit = in_time_.size();
  for (; fit > 0; --fit) {
    const Loop &loop = in_time_[fit - 1];
    if (loop.factor == 1) continue;
    const double *bytes = &footprints.bytes[(fit - 1) * accesses];
    if (std::accumulate(bytes, bytes + accesses, 0.0) > capacity) break; // Crowded, they take more.
    const std::span range = std::span(footprints.ranges).subspan((fit - 1) * dims, dims);
    double total = 0;
    for (size_t a = 0; a < accesses; ++a) {
      if (cache.way_stride_bytes > 0 && !footprints.packed[a] && depends(access(a), loop))
        crowd[a] = crowding(access(a), range, cache);
      total += bytes[a] * crowd[a];
    }
    if (total > capacity) break;
  }
  return fit;
}

double LoopModel::traffic(const Footprints &footprints, const MemoryInfo &cache, double share) const {
  const double capacity = static_cast<double>(cache.bytes) * share;
  const size_t accesses = footprints.packed.size();
  const size_t fit = outermost_that_fits(footprints, cache, capacity);
  double total = 0;
  for (size_t a = 0; a < accesses; ++a) {
    double bytes = footprints.bytes[fit * accesses + a];
    bool refetched = false;
    for (size_t i = fit; i-- > 0;) {
      refetched |= depends(access(a), in_time_[i]);
      if (refetched) bytes *= static_cast<double>(in_time_[i].factor);
    }
    total += bytes;
  }
  return total;
}

std::string describe_traffic(const MemoryInfo &cache, const MemoryInfo &behind, double bytes, double seconds) {
  return cache.name + " (" + std::to_string(cache.bytes / 1024) +
         " KiB): " + std::to_string(static_cast<int64_t>(bytes / 1024)) + " KiB from " + behind.name + " in " +
         std::to_string(static_cast<int64_t>(seconds * 1e6)) + " us";
}

double LoopModel::packing_seconds(const KernelSchedule &schedule, const TargetInfo &info, double share) const {
  double seconds = 0;
  for (const Staging &staging : schedule.stagings) {
    auto read = std::find_if(model_.reads.begin(), model_.reads.end(),
                             [&](const ModelAccess &r) { return r.tensor == staging.tensor; });
    if (staging.level != MemoryLevel::kFar || read == model_.reads.end() || read->is_constant) continue;
    double bytes = 2.0 * static_cast<double>(read->tensor_elements * read->element_bytes);
    auto holds = std::find_if(info.memories.begin(), info.memories.end(), [&](const MemoryInfo &memory) {
      return memory.sharing == Sharing::kDevice &&
             (memory.bytes == 0 || static_cast<double>(memory.bytes) * share > bytes);
    });
    if (holds == info.memories.end() && !info.memories.empty()) --holds;
    if (holds == info.memories.end()) continue;
    double rate = holds->bytes_per_cycle * static_cast<double>(info.units) * info.clock_ghz * 1e9;
    seconds += bytes / rate + info.launch_us * 1e-6;
  }
  return seconds;
}

} // namespace sparkle
