// Predicts what a schedule costs: its work (work_model.h) and the time of each memory. Sources of the parts: Low et
// al., "Analytical Modeling Is Enough for High-Performance BLIS" (TOMS 2016) for working sets; Williams et al.,
// "Roofline" (CACM 2009) for the bounds.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/loop_model.h"
#include "compiler/schedule/window_model.h"
#include "compiler/schedule/work_model.h"

namespace sparkle {
namespace {

/// Share of a cache that one kernel's working set can count on.
constexpr double kCacheShare = 0.75;
/// Of a run of stores that begins elsewhere than the last one ended: a first layer (7x7, 112x112 results of 64
/// channels) took a quarter longer with its channels in halves, one after the other (Sapphire Rapids, 2026-11-23).
constexpr double kBrokenRunCycles = 30;

/// Sums are rounded in different orders.
constexpr double kRounding = 1e-9;

class Counter {
public:
  Counter(const DefinitionModel &model, const LoopModel &loops, const WindowModel &window,
          const KernelSchedule &schedule)
      : model_(model), loops_(loops), window_(window), schedule_(schedule) {}

  TileCounts run() const {
    TileCounts out;
    out.groups = loops_.count(LoopRole::kGroup);
    out.workers = loops_.count(LoopRole::kWorker);
    out.serial = loops_.count(LoopRole::kSerialParallel);
    out.steps = loops_.count(LoopRole::kReduction);
    out.registers = loops_.count(LoopRole::kRegister);
    out.lanes = loops_.lane_factor();
    out.worker_partials = loops_.partials(LoopRole::kWorker);
    out.register_partials = loops_.partials(LoopRole::kRegister);
    out.lane_partials = loops_.partials(LoopRole::kLane);
    out.unrolled = loops_.unrolled_reduction();
    out.mask_factor = window_.mask_factor();
    out.staged_bytes = loops_.near_bytes(schedule_);
    for (const ModelAccess &read : model_.reads) out.reads.push_back(counts_of(read));
    out.store = counts_of(model_.store);
    for (const Staging &staging : schedule_.stagings)
      if (staging.level == MemoryLevel::kNear)
        out.copies.push_back({loops_.staged_elements(staging), staging.lanes, staging.buffers, staging.ahead,
                              loops_.trips_through(staging), loops_.steps_below(staging)});
    if (window_.is_window()) out.window = {window_.loads(), window_.accumulators(), window_.useful_share()};
    return out;
  }

private:
  AccessCounts counts_of(const ModelAccess &access) const {
    const auto is_staged = [&](MemoryLevel level) { return LoopModel::is_staged(schedule_, access.tensor, level); };
    AccessCounts out;
    out.registers = loops_.count_if(LoopRole::kRegister, access);
    out.reuse = loops_.innermost_reuse(access);
    out.workers = loops_.count_if(LoopRole::kWorker, access);
    out.worker_distance = loops_.worker_distance(access);
    out.along_lanes = loops_.depends_on_lane(access);
    out.contiguous = loops_.is_contiguous(schedule_, access);
    out.is_packed = is_staged(MemoryLevel::kFar);
    out.is_near = is_staged(MemoryLevel::kNear);
    out.is_in_registers = is_staged(MemoryLevel::kRegister);
    return out;
  }

  const DefinitionModel &model_;
  const LoopModel &loops_;
  const WindowModel &window_;
  const KernelSchedule &schedule_;
};

class Predictor {
public:
  Predictor(const DefinitionModel &model, const LoopModel &loops, const WindowModel &window,
            const KernelSchedule &schedule, const TargetInfo &info, std::optional<double> limit)
      : model_(model), loops_(loops), window_(window), schedule_(schedule), info_(info), limit_(limit) {}

  Prediction run() {
    const TileCounts counts = Counter(model_, loops_, window_, schedule_).run();
    work_ = work_of(model_, counts, info_);
    out_.registers = work_.registers;
    out_.near_bytes = work_.near_bytes;
    groups_ = static_cast<double>(counts.groups);
    if (!fits() || (limit_ && work_.seconds > *limit_) || !memory_time()) {
      out_.seconds = std::numeric_limits<double>::infinity();
      return std::move(out_);
    }
    tell_work(counts);
    conclude();
    return std::move(out_);
  }

private:
  bool fits() {
    switch (work_.refusal) {
    case Refusal::kNone: break;
    case Refusal::kWorkers: return refuse("more workers than a group can have");
    case Refusal::kRegisters:
      return refuse("the register tile needs " + std::to_string(work_.registers) + " registers");
    case Refusal::kRegisterWords: return refuse("the register tiles of a group do not fit a unit");
    case Refusal::kNearMemory: return refuse("near memory is too small");
    }
    if (info_.max_loop_rounds > 0 && loops_.rounds(schedule_) > static_cast<double>(info_.max_loop_rounds))
      return refuse("the loops of a worker make more rounds than the machine allows");
    return true;
  }

  bool refuse(const std::string &why) {
    out_.bound = why;
    return false;
  }

  void tell_work(const TileCounts &counts) {
    double covered = groups_ * static_cast<double>(counts.workers) * static_cast<double>(counts.serial) *
                     static_cast<double>(counts.registers) * static_cast<double>(counts.lanes) *
                     static_cast<double>(counts.steps);
    double wanted = static_cast<double>(model_.outputs()) * static_cast<double>(model_.terms());
    out_.tile_waste = covered > 0 ? 1 - wanted / covered : 0;
    out_.arithmetic_cycles = work_.arithmetic_cycles;
    out_.load_cycles = work_.load_cycles;
    out_.compute_seconds = work_.seconds;
    out_.balance = work_.balance;
  }

  /// False: with a limit, once it is certain that it will not be kept.
  bool memory_time() {
    double units = std::min<double>(static_cast<double>(info_.units), groups_);
    const LoopModel::Footprints footprints = loops_.footprints(schedule_);
    const double sparse = info_.max_workers == 1 ? window_.sparse_factor() : 1;
    for (size_t i = 0; i + 1 < info_.memories.size(); ++i) {
      const MemoryInfo &cache = info_.memories[i], &behind = info_.memories[i + 1];
      if (cache.explicit_fill || behind.explicit_fill || behind.bytes_per_cycle <= 0) continue;
      double bytes = loops_.traffic(footprints, cache, kCacheShare);
      if (i > 0) bytes *= sparse;
      double time = bytes / (behind.bytes_per_cycle * units * info_.clock_ghz * 1e9);
      if (!limit_) out_.working_sets.push_back(describe_traffic(cache, behind, bytes, time));
      all_memory_seconds_ += time;
      if (time > out_.memory_seconds) slowest_ = behind.name;
      out_.memory_seconds = std::max(out_.memory_seconds, time);
      if (limit_ && overlapped_seconds() * (1 - kRounding) > *limit_) return false;
    }
    return true;
  }

  double overlapped_seconds() const {
    const double longest = std::max(work_.seconds, out_.memory_seconds);
    return longest + kNotOverlapped * (work_.seconds + all_memory_seconds_ - longest);
  }

  /// Results that leave the second cache in runs that nothing fetches ahead: each waits for its first line.
  double broken_store_seconds() const {
    if (info_.max_workers > 1 || info_.memories.size() < 2) return 0;
    const double units = std::min<double>(static_cast<double>(info_.units), groups_);
    const int64_t bytes = model_.store.tensor_elements * model_.store.element_bytes;
    if (static_cast<double>(bytes) <= static_cast<double>(info_.memories[1].bytes) * kCacheShare * units) return 0;
    return window_.broken_store_runs() * kBrokenRunCycles / (units * info_.clock_ghz * 1e9);
  }

  void conclude() {
    out_.seconds = overlapped_seconds() + info_.launch_us * 1e-6 +
                   loops_.packing_seconds(schedule_, info_, kCacheShare) + broken_store_seconds();
    double flops = 2.0 * static_cast<double>(model_.outputs()) * static_cast<double>(model_.terms());
    out_.efficiency = flops / out_.seconds / (peak_gflops(info_) * 1e9);
    if (out_.memory_seconds > work_.seconds)
      out_.bound = slowest_;
    else if (out_.balance < 0.6)
      out_.bound = "parallelism";
    else if (work_.stall_cycles > work_.group_cycles / 2)
      out_.bound = "latency";
    else
      out_.bound = out_.load_cycles > out_.arithmetic_cycles ? "load issue" : "arithmetic";
  }

  const DefinitionModel &model_;
  const LoopModel &loops_;
  const WindowModel &window_;
  const KernelSchedule &schedule_;
  const TargetInfo &info_;
  std::optional<double> limit_; ///< In seconds.
  Prediction out_;
  Work work_;
  double groups_ = 1;
  double all_memory_seconds_ = 0;
  std::string slowest_;
};

} // namespace

Prediction predict(const DefinitionModel &model, const LoopPlanner &planner, const KernelSchedule &schedule,
                   const TargetInfo &info, std::optional<double> limit) {
  auto plan = planner.plan(schedule);
  if (!plan) {
    Prediction refused;
    refused.seconds = std::numeric_limits<double>::infinity();
    refused.bound = plan.error().text;
    return refused;
  }
  LoopModel loops(model, *plan);
  return Predictor(model, loops, WindowModel(model, *plan, info), schedule, info, limit).run();
}

Prediction predict(const Kernel &kernel, const KernelSchedule &schedule, const TargetInfo &info,
                   const TensorBounds &tensors) {
  return predict(model_of(kernel, tensors), LoopPlanner(kernel), schedule, info);
}

} // namespace sparkle
