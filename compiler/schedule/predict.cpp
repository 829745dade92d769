// Predicts what a schedule costs. Sources of the parts: Low et al., "Analytical Modeling Is Enough for High-Performance
// BLIS" (TOMS 2016) for register tiles and working sets; Williams et al., "Roofline" (CACM 2009) for the bounds;
// Volkov, "Understanding Latency Hiding on GPUs" (2016) for resident groups.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/loop_model.h"
#include "compiler/schedule/window_model.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Instructions around each tile: pointer set-up, branches.
constexpr double kTileOverheadCycles = 30;
/// Of a loop that is not unrolled: increment, compare, branch.
constexpr double kLoopCycles = 1;
/// Index arithmetic, predicate and move of one access that fills near memory.
constexpr double kCopyInstructions = 14;
/// Share of a cache that one kernel's working set can count on.
constexpr double kCacheShare = 0.75;
/// Share of the load ports' peak that a loop of loads and multiply-adds reaches (bank conflicts, split lines).
constexpr double kLoadPortShare = 0.7;
/// Of a run of stores that begins elsewhere than the last one ended: a first layer (7x7, 112x112 results of 64
/// channels) took a quarter longer with its channels in halves, one after the other (Sapphire Rapids, 2026-11-23).
constexpr double kBrokenRunCycles = 30;
/// Around a straight-line body in a serial loop: what of loop control and of the last stores is not hidden.
constexpr double kBodyCycles = 3;
/// Operations that a machine holds in flight, beyond which it does not look for work.
constexpr double kWindowOperations = 100;
/// Bytes of machine code of one multiply-add with its operand's load.
constexpr double kCodeBytesPerOperation = 9;
/// Registers of a worker that hold addresses, loop counters and predicates, where registers are one-lane words.
constexpr int64_t kScalarRegisters = 48;
/// Combining two halves of a register: a shuffle (3 cycles) before the operation; and both issued.
constexpr double kShuffleLatency = 3, kShuffleIssue = 2;
/// One level of the tree over workers: two loads, an operation and a store in near memory.
constexpr double kTreeLevelCycles = 60;
/// Memory that one access of a team brings at once, when its workers touch neighbouring words.
constexpr int64_t kSectorBytes = 64;

class Predictor {
public:
  Predictor(const DefinitionModel &model, const LoopModel &loops, const WindowModel &window,
            const KernelSchedule &schedule, const TargetInfo &info, std::optional<double> limit)
      : model_(model), loops_(loops), window_(window), schedule_(schedule), info_(info), limit_(limit) {}

  Prediction run() {
    count_tile();
    if (!fits()) return reject();
    work_of_group();
    time_of_launch();
    if (limit_ && compute_seconds_ > *limit_) return reject();
    memory_time();
    conclude();
    return std::move(out_);
  }

private:
  Prediction reject() {
    out_.seconds = std::numeric_limits<double>::infinity();
    return std::move(out_);
  }

  void count_tile() {
    lanes_ = loops_.lane_factor();
    vectors_per_lane_ =
        static_cast<double>(ceil_div(lanes_, info_.lanes * (window_.is_window() ? model_.narrowing : 1)));
    tile_ = static_cast<double>(loops_.count(LoopRole::kRegister));
    workers_ = static_cast<double>(loops_.count(LoopRole::kWorker));
    groups_ = static_cast<double>(loops_.count(LoopRole::kGroup));
    results_ = tile_ / static_cast<double>(loops_.partials(LoopRole::kRegister));
    sharers_ = static_cast<double>(loops_.partials(LoopRole::kWorker));
    serial_ = static_cast<double>(loops_.count(LoopRole::kSerialParallel));
    steps_ = static_cast<double>(loops_.count(LoopRole::kReduction)) * static_cast<double>(model_.nested_terms);
    teams_ = std::ceil(workers_ / info_.team_workers);
    double covered = groups_ * workers_ * serial_ * tile_ * static_cast<double>(lanes_) *
                     static_cast<double>(loops_.count(LoopRole::kReduction));
    double wanted = static_cast<double>(model_.outputs()) * static_cast<double>(model_.terms());
    out_.tile_waste = covered > 0 ? 1 - wanted / covered : 0;
  }

  bool fits() {
    double accumulators = tile_ * vectors_per_lane_ * std::max(1, model_.accumulators);
    double operands = 0;
    for (const ModelAccess &read : model_.reads)
      if (read.in_reduction)
        operands += std::min(operand_vectors(read), read.depends.empty() ? 1.0 : operand_limit(read));
    if (window_.is_window()) operands = window_.loads().registers - accumulators;
    double spare = info_.register_words > 0 ? static_cast<double>(kScalarRegisters) : 0;
    double fetched = fetched_words() / info_.lanes;
    out_.registers = static_cast<int64_t>(accumulators + operands + spare + fetched);
    out_.near_bytes = loops_.near_bytes(schedule_);
    if (sharers_ > 1) out_.near_bytes += static_cast<int64_t>(workers_ * results_) * 4 * model_.accumulators;
    if (info_.max_workers > 0 && workers_ > info_.max_workers) return refuse("more workers than a group can have");
    if (out_.registers > info_.registers)
      return refuse("the register tile needs " + std::to_string(out_.registers) + " registers");
    if (info_.register_words > 0 &&
        static_cast<double>(out_.registers) * workers_ > static_cast<double>(info_.register_words))
      return refuse("the register tiles of a group do not fit a unit");
    if (info_.near_bytes > 0 && out_.near_bytes > info_.near_bytes) return refuse("near memory is too small");
    if (info_.max_loop_rounds > 0 && loops_.rounds(schedule_) > static_cast<double>(info_.max_loop_rounds))
      return refuse("the loops of a worker make more rounds than the machine allows");
    return true;
  }

  bool refuse(const std::string &why) {
    out_.bound = why;
    return false;
  }

  /// Vectors that hold one step's elements of a read.
  double operand_vectors(const ModelAccess &read) const {
    double count = static_cast<double>(loops_.count_if(LoopRole::kRegister, read));
    return loops_.depends_on_lane(read) ? count * vectors_per_lane_ : count;
  }

  /// Operands reused across the tile stay in registers; those used once need one at a time, or none from memory.
  double operand_limit(const ModelAccess &read) const {
    if (loops_.is_staged(schedule_, read.tensor, MemoryLevel::kRegister)) return operand_vectors(read);
    if (loops_.depends_on_lane(read))
      return loops_.count_if(LoopRole::kRegister, read) * loops_.innermost_reuse(read) > 1 ? operand_vectors(read) : 1;
    return 1;
  }

  double fetched_words() const {
    double words = 0;
    for (const Staging &staging : schedule_.stagings)
      if (staging.level == MemoryLevel::kNear && staging.ahead > 0)
        words += loops_.staged_elements(staging) / std::max(1.0, workers_);
    return words;
  }

  /// The same for a body that is the whole reduction: straight-line code of which all loads are known.
  void work_of_window() {
    const WindowLoads loads = window_.loads();
    const double results = tile_ * vectors_per_lane_;
    const double arithmetic = results * static_cast<double>(model_.operations) * steps_ / info_.fma_per_cycle;
    const double ports =
        (loads.loads / info_.load_per_cycle + loads.broadcasts / info_.broadcast_per_cycle) / kLoadPortShare;
    // Chains of one body overlap with the next bodies, as far ahead as the machine looks.
    const double chain = info_.fma_latency * steps_;
    const double overlap = 1 + kWindowOperations / (window_.accumulators() * steps_);
    const double issue = std::max({arithmetic, ports, epilogue_cycles(results)}) * window_.mask_factor();
    const double body = std::max(issue, chain / overlap) + kBodyCycles;
    code_bytes_ = results * steps_ * kCodeBytesPerOperation;
    step_cycles_ = body / steps_;
    out_.arithmetic_cycles = arithmetic * serial_;
    out_.load_cycles = ports * serial_;
    group_cycles_ = serial_ * body * window_.useful_share() + kTileOverheadCycles;
  }

  /// Issue cycles of one group, all its workers and steps.
  void work_of_group() {
    if (window_.is_window() && info_.max_workers == 1) return work_of_window();
    double vectors = tile_ * vectors_per_lane_;
    double arithmetic = vectors * static_cast<double>(model_.operations) * teams_ / info_.fma_per_cycle;
    double loads = 0;
    for (const ModelAccess &read : model_.reads)
      if (read.in_reduction || model_.accumulators == 0) loads += load_cycles(read);
    double copies = copy_cycles_per_step();
    double unrolled = std::max(1.0, static_cast<double>(loops_.unrolled_reduction()));
    // Units with lock-step teams issue loads and arithmetic from one port: their instructions add up.
    double issue = info_.team_workers > 1
                       ? std::max(arithmetic + load_instructions() * teams_ / info_.fma_per_cycle, loads)
                       : std::max(arithmetic, loads);
    double chain =
        model_.accumulators > 0 ? info_.fma_latency * std::max(1.0, static_cast<double>(model_.operations) / 2) : 0;
    double stalled = std::max(issue, info_.team_workers > 1 ? 0.0 : chain);
    double step = stalled + copies + kLoopCycles / unrolled;
    code_bytes_ = vectors * unrolled * kCodeBytesPerOperation * static_cast<double>(model_.operations);
    if (code_bytes_ > static_cast<double>(info_.code_bytes) / 2) step *= 1.5;
    step_cycles_ = step;
    step_latency_ = std::max(step, chain);
    double stored = loops_.partials(LoopRole::kLane) > 1 ? results_ : results_ * vectors_per_lane_;
    double ends = (vectors * 2 + epilogue_cycles(stored)) * teams_ + combination_cycles() + kTileOverheadCycles;
    out_.arithmetic_cycles = arithmetic * steps_ * serial_;
    out_.load_cycles = loads * steps_ * serial_;
    group_cycles_ = serial_ * (steps_ * step + ends) + group_stalls();
    stall_cycles_ = group_stalls();
  }

  /// The lanes of each result: one chain of shuffles, beside which those of the other results are issued.
  double combination_cycles() const {
    double lanes = static_cast<double>(loops_.partials(LoopRole::kLane));
    if (lanes <= 1) return 0;
    double levels = std::ceil(std::log2(lanes));
    return levels * (kShuffleLatency + info_.fma_latency) + (results_ - 1) * levels * kShuffleIssue * teams_;
  }

  /// Waiting that only other resident groups can hide: filling near memory, barriers.
  double group_stalls() const {
    double stalls = 0;
    bool counted = false;
    double levels = sharers_ > 1 ? std::ceil(std::log2(sharers_)) + 1 : 0;
    double tree = levels * (kTreeLevelCycles + info_.barrier_cycles) * serial_;
    for (const Staging &staging : schedule_.stagings) {
      if (staging.level != MemoryLevel::kNear || counted) continue;
      counted = true;
      double rounds = static_cast<double>(loops_.trips_through(staging)) * serial_;
      double latency = far_latency();
      double work = step_cycles_ * static_cast<double>(loops_.steps_below(staging));
      double exposed = staging.ahead > 0 ? std::max(0.0, latency - work) : latency;
      double barriers = staging.buffers > 1 ? 1 : 2;
      stalls += rounds * (exposed + barriers * info_.barrier_cycles) + latency;
    }
    if (!counted && info_.team_workers > 1) stalls = far_latency() * (1 + steps_ * serial_ / 4);
    return stalls + tree;
  }

  double far_latency() const {
    double latency = 0;
    for (const MemoryInfo &memory : info_.memories)
      if (!memory.explicit_fill && memory.sharing == Sharing::kDevice) return memory.latency_cycles;
    return latency;
  }

  /// One step's loads of a read, by all workers of the group, in cycles of the load ports.
  double load_cycles(const ModelAccess &read) const {
    double count = static_cast<double>(loops_.count_if(LoopRole::kRegister, read));
    bool lane = loops_.depends_on_lane(read);
    bool contiguous = loops_.is_contiguous(schedule_, read);
    if (info_.team_workers > 1) return near_cycles(read, count * (lane ? static_cast<double>(lanes_) : 1));
    if (!lane) return count / (info_.broadcast_per_cycle * kLoadPortShare);
    const bool packed = loops_.is_staged(schedule_, read.tensor, MemoryLevel::kFar); // Panels are padded.
    const double masks = packed ? 1 : window_.mask_factor();
    if (contiguous) return count * vectors_per_lane_ * masks / (info_.load_per_cycle * kLoadPortShare);
    return count * static_cast<double>(lanes_) * 2 / info_.load_per_cycle; // A load and an insert for each lane.
  }

  /// Words of near memory (or cache) that the group's teams take per step; equal addresses within a team are read once.
  double near_cycles(const ModelAccess &read, double words) const {
    double distinct =
        std::min<double>(info_.team_workers, static_cast<double>(loops_.count_if(LoopRole::kWorker, read)));
    double staged = loops_.is_staged(schedule_, read.tensor, MemoryLevel::kNear) ? 1 : 2.5;
    double wide = std::max(words / info_.access_lanes, words * distinct / info_.team_workers);
    if (staged > 1) wide *= scatter(read);
    return std::max(wide, 1.0) * staged * teams_ / info_.load_per_cycle;
  }

  /// Sectors that a team's workers touch for each that they need: 1 where neighbours touch neighbouring words.
  double scatter(const ModelAccess &read) const {
    bool wide = loops_.depends_on_lane(read) && loops_.is_contiguous(schedule_, read) && is_aligned(read);
    int64_t width = read.element_bytes * (wide ? lanes_ : 1);
    int64_t apart = std::min(loops_.worker_distance(read), kSectorBytes);
    return apart > width ? static_cast<double>(apart) / static_cast<double>(width) : 1;
  }

  /// Rows start at whole vectors: only then can one access bring all lanes.
  bool is_aligned(const ModelAccess &read) const {
    for (size_t d = 0; d < model_.dims.size(); ++d)
      if (read.depends[d] && read.strides[d] != 1 && read.strides[d] % lanes_ != 0) return false;
    return true;
  }

  double load_instructions() const {
    double count = 0;
    for (const ModelAccess &read : model_.reads) {
      if (!read.in_reduction) continue;
      double words = static_cast<double>(loops_.count_if(LoopRole::kRegister, read)) *
                     (loops_.depends_on_lane(read) ? static_cast<double>(lanes_) : 1);
      bool wide = loops_.is_staged(schedule_, read.tensor, MemoryLevel::kRegister);
      count += wide ? std::ceil(words / info_.access_lanes) : words;
    }
    return count;
  }

  /// Copying into near memory, spread over the steps between two copies.
  double copy_cycles_per_step() const {
    double cycles = 0;
    for (const Staging &staging : schedule_.stagings) {
      if (staging.level != MemoryLevel::kNear) continue;
      double accesses = loops_.staged_elements(staging) / staging.lanes;
      double per_round =
          accesses * (kCopyInstructions + (staging.lanes > 1 ? 2 : 0)) / info_.team_workers / info_.fma_per_cycle;
      cycles += per_round / std::max<double>(1, static_cast<double>(loops_.steps_below(staging)));
    }
    return cycles;
  }

  double epilogue_cycles(double vectors) const {
    bool contiguous = loops_.is_contiguous(schedule_, model_.store) || lanes_ == 1;
    double stores = contiguous ? vectors / info_.store_per_cycle
                               : vectors * static_cast<double>(lanes_) * 2 / info_.store_per_cycle;
    double reads = 0;
    for (const ModelAccess &read : model_.reads)
      if (!read.in_reduction && model_.accumulators > 0) reads += vectors / info_.load_per_cycle;
    return stores + reads;
  }

  /// Groups run on units, several on one where near memory and registers allow; what they wait for is then hidden.
  void time_of_launch() {
    double resident = std::max(1, info_.resident_groups);
    if (out_.near_bytes > 0 && info_.near_bytes_unit > 0)
      resident = std::min(resident, std::floor(static_cast<double>(info_.near_bytes_unit) /
                                               static_cast<double>(out_.near_bytes + 1024)));
    if (info_.register_words > 0) {
      double words =
          static_cast<double>(std::max<int64_t>(out_.registers, 32)) * std::max<double>(workers_, info_.team_workers);
      resident = std::min(resident, std::floor(static_cast<double>(info_.register_words) / words));
    }
    resident = std::min(resident, std::floor(info_.resident_workers / std::max(1.0, workers_)));
    resident = std::max(1.0, resident);
    double units = static_cast<double>(info_.units);
    double issue = group_cycles_ - stall_cycles_;
    // A unit issues from several teams at once: one team alone cannot fill it.
    double alone = info_.team_workers > 1 ? issue * std::max(1.0, info_.fma_per_cycle / std::max(1.0, teams_)) : issue;
    double busiest = std::ceil(groups_ / units);
    double together = std::min(resident, busiest);
    double rounds = std::ceil(groups_ / (units * together));
    double cycles = std::max(busiest * issue, rounds * (alone + stall_cycles_)) + busiest * info_.task_cycles;
    out_.balance = groups_ / (std::ceil(groups_ / units) * units);
    compute_seconds_ = cycles / (info_.clock_ghz * 1e9);
  }

  void memory_time() {
    double units = std::min<double>(static_cast<double>(info_.units), groups_);
    const LoopModel::Footprints footprints = loops_.footprints(schedule_);
    for (size_t i = 0; i + 1 < info_.memories.size(); ++i) {
      const MemoryInfo &cache = info_.memories[i], &behind = info_.memories[i + 1];
      if (cache.explicit_fill || behind.explicit_fill || behind.bytes_per_cycle <= 0) continue;
      double bytes = loops_.traffic(footprints, cache, kCacheShare);
      if (info_.max_workers == 1 && i > 0) bytes *= window_.sparse_factor();
      double time = bytes / (behind.bytes_per_cycle * units * info_.clock_ghz * 1e9);
      if (!limit_) out_.working_sets.push_back(describe_traffic(cache, behind, bytes, time));
      all_memory_seconds_ += time;
      if (time <= out_.memory_seconds) continue;
      out_.memory_seconds = time;
      slowest_ = behind.name;
    }
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
    out_.compute_seconds = compute_seconds_;
    double longest = std::max(compute_seconds_, out_.memory_seconds);
    double others = compute_seconds_ + all_memory_seconds_ - longest;
    out_.seconds = longest + kNotOverlapped * others + info_.launch_us * 1e-6 +
                   loops_.packing_seconds(schedule_, info_, kCacheShare) + broken_store_seconds();
    double flops = 2.0 * static_cast<double>(model_.outputs()) * static_cast<double>(model_.terms());
    out_.efficiency = flops / out_.seconds / (peak_gflops(info_) * 1e9);
    if (out_.memory_seconds > compute_seconds_)
      out_.bound = slowest_;
    else if (out_.balance < 0.6)
      out_.bound = "parallelism";
    else if (stall_cycles_ > group_cycles_ / 2)
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
  int64_t lanes_ = 1;
  double vectors_per_lane_ = 1, tile_ = 1, workers_ = 1, groups_ = 1, serial_ = 1, steps_ = 1, teams_ = 1;
  double results_ = 1; ///< Of a worker, without partial ones.
  double sharers_ = 1; ///< Workers that share one result.
  double step_cycles_ = 0, step_latency_ = 0, group_cycles_ = 0, stall_cycles_ = 0, code_bytes_ = 0,
         compute_seconds_ = 0;
  double all_memory_seconds_ = 0;
  std::string slowest_;
};

} // namespace

Prediction predict(const DefinitionModel &model, const Kernel &kernel, const KernelSchedule &schedule,
                   const TargetInfo &info, std::optional<double> limit) {
  auto plan = plan_loops(kernel, schedule);
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
  return predict(model_of(kernel, tensors), kernel, schedule, info);
}

} // namespace sparkle
