// Sources: Low et al., "Analytical Modeling Is Enough for High-Performance BLIS" (TOMS 2016) for register tiles;
// Volkov, "Understanding Latency Hiding on GPUs" (2016) for resident groups.
#include "compiler/schedule/work_model.h"

#include <algorithm>
#include <cmath>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Instructions around each tile: pointer set-up, branches.
constexpr double kTileOverheadCycles = 30;
/// Of a loop that is not unrolled: increment, compare, branch.
constexpr double kLoopCycles = 1;
/// Index arithmetic, predicate and move of one access that fills near memory.
constexpr double kCopyInstructions = 14;
/// Share of the load ports' peak that a loop of loads and multiply-adds reaches (bank conflicts, split lines).
constexpr double kLoadPortShare = 0.7;
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

class Worker {
public:
  Worker(const DefinitionModel &model, const TileCounts &counts, const TargetInfo &info)
      : model_(model), counts_(counts), info_(info), lanes_(counts.lanes), tile_(static_cast<double>(counts.registers)),
        workers_(static_cast<double>(counts.workers)), groups_(static_cast<double>(counts.groups)),
        serial_(static_cast<double>(counts.serial)) {
    vectors_per_lane_ = static_cast<double>(ceil_div(lanes_, info_.lanes * (counts.window ? model_.narrowing : 1)));
    results_ = tile_ / static_cast<double>(counts.register_partials);
    sharers_ = static_cast<double>(counts.worker_partials);
    steps_ = static_cast<double>(counts.steps) * static_cast<double>(model_.nested_terms);
    teams_ = std::ceil(workers_ / info_.team_workers);
  }

  Work run() {
    out_.refusal = refusal();
    if (out_.refusal != Refusal::kNone) return out_;
    if (counts_.window && info_.max_workers == 1)
      work_of_window();
    else
      work_of_group();
    time_of_launch();
    return out_;
  }

private:
  Refusal refusal() {
    double accumulators = tile_ * vectors_per_lane_ * std::max(1, model_.accumulators);
    double operands = 0;
    for (size_t i = 0; i < model_.reads.size(); ++i)
      if (model_.reads[i].in_reduction)
        operands += std::min(operand_vectors(counts_.reads[i]),
                             model_.reads[i].depends.empty() ? 1.0 : operand_limit(counts_.reads[i]));
    if (counts_.window) operands = counts_.window->loads.registers - accumulators;
    double spare = info_.register_words > 0 ? static_cast<double>(kScalarRegisters) : 0;
    double fetched = fetched_words() / info_.lanes;
    out_.registers = static_cast<int64_t>(accumulators + operands + spare + fetched);
    out_.near_bytes = counts_.staged_bytes;
    if (sharers_ > 1) out_.near_bytes += static_cast<int64_t>(workers_ * results_) * 4 * model_.accumulators;
    if (info_.max_workers > 0 && workers_ > info_.max_workers) return Refusal::kWorkers;
    if (out_.registers > info_.registers) return Refusal::kRegisters;
    if (info_.register_words > 0 &&
        static_cast<double>(out_.registers) * workers_ > static_cast<double>(info_.register_words))
      return Refusal::kRegisterWords;
    return info_.near_bytes > 0 && out_.near_bytes > info_.near_bytes ? Refusal::kNearMemory : Refusal::kNone;
  }

  /// Vectors that hold one step's elements of a read.
  double operand_vectors(const AccessCounts &read) const {
    double count = static_cast<double>(read.registers);
    return read.along_lanes ? count * vectors_per_lane_ : count;
  }

  /// Operands reused across the tile stay in registers; those used once need one at a time, or none from memory.
  double operand_limit(const AccessCounts &read) const {
    if (read.is_in_registers) return operand_vectors(read);
    return read.along_lanes && read.registers * read.reuse > 1 ? operand_vectors(read) : 1;
  }

  double fetched_words() const {
    double words = 0;
    for (const CopyCounts &copy : counts_.copies)
      if (copy.ahead > 0) words += copy.elements / std::max(1.0, workers_);
    return words;
  }

  /// A body that is the whole reduction: straight-line code of which all loads are known.
  void work_of_window() {
    const WindowLoads &loads = counts_.window->loads;
    const double results = tile_ * vectors_per_lane_;
    const double arithmetic = results * static_cast<double>(model_.operations) * steps_ / info_.fma_per_cycle;
    const double ports =
        (loads.loads / info_.load_per_cycle + loads.broadcasts / info_.broadcast_per_cycle) / kLoadPortShare;
    // Chains of one body overlap with the next bodies, as far ahead as the machine looks.
    const double chain = info_.fma_latency * steps_;
    const double overlap = 1 + kWindowOperations / (counts_.window->accumulators * steps_);
    const double issue = std::max({arithmetic, ports, epilogue_cycles(results)}) * counts_.mask_factor;
    const double body = std::max(issue, chain / overlap) + kBodyCycles;
    step_cycles_ = body / steps_;
    out_.arithmetic_cycles = arithmetic * serial_;
    out_.load_cycles = ports * serial_;
    out_.group_cycles = serial_ * body * counts_.window->useful_share + kTileOverheadCycles;
  }

  /// Issue cycles of one group, all its workers and steps.
  void work_of_group() {
    double vectors = tile_ * vectors_per_lane_;
    double arithmetic = vectors * static_cast<double>(model_.operations) * teams_ / info_.fma_per_cycle;
    double loads = 0;
    for (size_t i = 0; i < model_.reads.size(); ++i)
      if (model_.reads[i].in_reduction || model_.accumulators == 0)
        loads += load_cycles(model_.reads[i], counts_.reads[i]);
    double copies = copy_cycles_per_step();
    double unrolled = std::max(1.0, static_cast<double>(counts_.unrolled));
    // Units with lock-step teams issue loads and arithmetic from one port: their instructions add up.
    double issue = info_.team_workers > 1
                       ? std::max(arithmetic + load_instructions() * teams_ / info_.fma_per_cycle, loads)
                       : std::max(arithmetic, loads);
    double chain =
        model_.accumulators > 0 ? info_.fma_latency * std::max(1.0, static_cast<double>(model_.operations) / 2) : 0;
    double stalled = std::max(issue, info_.team_workers > 1 ? 0.0 : chain);
    step_cycles_ = stalled + copies + kLoopCycles / unrolled;
    double code_bytes = vectors * unrolled * kCodeBytesPerOperation * static_cast<double>(model_.operations);
    if (code_bytes > static_cast<double>(info_.code_bytes) / 2) step_cycles_ *= 1.5;
    double stored = counts_.lane_partials > 1 ? results_ : results_ * vectors_per_lane_;
    double ends = (vectors * 2 + epilogue_cycles(stored)) * teams_ + combination_cycles() + kTileOverheadCycles;
    out_.arithmetic_cycles = arithmetic * steps_ * serial_;
    out_.load_cycles = loads * steps_ * serial_;
    out_.stall_cycles = group_stalls();
    out_.group_cycles = serial_ * (steps_ * step_cycles_ + ends) + out_.stall_cycles;
  }

  /// The lanes of each result: one chain of shuffles, beside which those of the other results are issued.
  double combination_cycles() const {
    double lanes = static_cast<double>(counts_.lane_partials);
    if (lanes <= 1) return 0;
    double levels = std::ceil(std::log2(lanes));
    return levels * (kShuffleLatency + info_.fma_latency) + (results_ - 1) * levels * kShuffleIssue * teams_;
  }

  /// Waiting that only other resident groups can hide: filling near memory, barriers.
  double group_stalls() const {
    double stalls = 0;
    double levels = sharers_ > 1 ? std::ceil(std::log2(sharers_)) + 1 : 0;
    double tree = levels * (kTreeLevelCycles + info_.barrier_cycles) * serial_;
    if (!counts_.copies.empty()) { // They are made together.
      const CopyCounts &copy = counts_.copies.front();
      double rounds = static_cast<double>(copy.trips) * serial_;
      double latency = far_latency();
      double work = step_cycles_ * static_cast<double>(copy.steps_below);
      double exposed = copy.ahead > 0 ? std::max(0.0, latency - work) : latency;
      double barriers = copy.buffers > 1 ? 1 : 2;
      stalls += rounds * (exposed + barriers * info_.barrier_cycles) + latency;
    } else if (info_.team_workers > 1) {
      stalls = far_latency() * (1 + steps_ * serial_ / 4);
    }
    return stalls + tree;
  }

  double far_latency() const {
    for (const MemoryInfo &memory : info_.memories)
      if (!memory.explicit_fill && memory.sharing == Sharing::kDevice) return memory.latency_cycles;
    return 0;
  }

  /// One step's loads of a read, by all workers of the group, in cycles of the load ports.
  double load_cycles(const ModelAccess &read, const AccessCounts &counts) const {
    double count = static_cast<double>(counts.registers);
    if (info_.team_workers > 1)
      return near_cycles(read, counts, count * (counts.along_lanes ? static_cast<double>(lanes_) : 1));
    if (!counts.along_lanes) return count / (info_.broadcast_per_cycle * kLoadPortShare);
    const double masks = counts.is_packed ? 1 : counts_.mask_factor; // Panels are padded.
    if (counts.contiguous) return count * vectors_per_lane_ * masks / (info_.load_per_cycle * kLoadPortShare);
    return count * static_cast<double>(lanes_) * 2 / info_.load_per_cycle; // A load and an insert for each lane.
  }

  /// Words of near memory (or cache) that the group's teams take per step; equal addresses within a team are read once.
  double near_cycles(const ModelAccess &read, const AccessCounts &counts, double words) const {
    double distinct = std::min<double>(info_.team_workers, static_cast<double>(counts.workers));
    double staged = counts.is_near ? 1 : 2.5;
    double wide = std::max(words / info_.access_lanes, words * distinct / info_.team_workers);
    if (staged > 1) wide *= scatter(read, counts);
    return std::max(wide, 1.0) * staged * teams_ / info_.load_per_cycle;
  }

  /// Sectors that a team's workers touch for each that they need: 1 where neighbours touch neighbouring words.
  double scatter(const ModelAccess &read, const AccessCounts &counts) const {
    bool wide = counts.along_lanes && counts.contiguous && is_aligned(read);
    int64_t width = read.element_bytes * (wide ? lanes_ : 1);
    int64_t apart = std::min(counts.worker_distance, kSectorBytes);
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
    for (size_t i = 0; i < model_.reads.size(); ++i) {
      if (!model_.reads[i].in_reduction) continue;
      const AccessCounts &read = counts_.reads[i];
      double words = static_cast<double>(read.registers) * (read.along_lanes ? static_cast<double>(lanes_) : 1);
      count += read.is_in_registers ? std::ceil(words / info_.access_lanes) : words;
    }
    return count;
  }

  /// Copying into near memory, spread over the steps between two copies.
  double copy_cycles_per_step() const {
    double cycles = 0;
    for (const CopyCounts &copy : counts_.copies) {
      double accesses = copy.elements / copy.lanes;
      double per_round =
          accesses * (kCopyInstructions + (copy.lanes > 1 ? 2 : 0)) / info_.team_workers / info_.fma_per_cycle;
      cycles += per_round / std::max<double>(1, static_cast<double>(copy.steps_below));
    }
    return cycles;
  }

  double epilogue_cycles(double vectors) const {
    bool contiguous = counts_.store.contiguous || lanes_ == 1;
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
    double issue = out_.group_cycles - out_.stall_cycles;
    // A unit issues from several teams at once: one team alone cannot fill it.
    double alone = info_.team_workers > 1 ? issue * std::max(1.0, info_.fma_per_cycle / std::max(1.0, teams_)) : issue;
    double busiest = std::ceil(groups_ / units);
    double together = std::min(resident, busiest);
    double rounds = std::ceil(groups_ / (units * together));
    double cycles = std::max(busiest * issue, rounds * (alone + out_.stall_cycles)) + busiest * info_.task_cycles;
    out_.balance = groups_ / (busiest * units);
    out_.seconds = cycles / (info_.clock_ghz * 1e9);
  }

  const DefinitionModel &model_;
  const TileCounts &counts_;
  const TargetInfo &info_;
  Work out_;
  int64_t lanes_;
  double tile_, workers_, groups_, serial_;
  double vectors_per_lane_ = 1, steps_ = 1, teams_ = 1;
  double results_ = 1; ///< Of a worker, without partial ones.
  double sharers_ = 1; ///< Workers that share one result.
  double step_cycles_ = 0;
};

} // namespace

Work work_of(const DefinitionModel &model, const TileCounts &counts, const TargetInfo &info) {
  return Worker(model, counts, info).run();
}

} // namespace sparkle
