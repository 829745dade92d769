// TargetInfo: a machine as plain data (DESIGN 1). Passes and the cost model branch on these fields alone, never on a
// name. Vocabulary: a group is a task; a group has teams; a team has workers in lock step; a worker has lanes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"

namespace sparkle {

/// Who shares one instance of a memory.
enum class Sharing : uint8_t { kWorker, kGroup, kDevice };
std::string_view name_of(Sharing sharing);

struct MemoryInfo {
  std::string name;             ///< For people: `L1`, `shared`, `DRAM`.
  int64_t bytes = 0;            ///< Capacity of one instance; 0: unlimited.
  int64_t line_bytes = 64;      ///< Cache line, or the widest transaction that is free.
  int ways = 0;                 ///< Associativity; 0: none or unknown.
  int64_t way_stride_bytes = 0; ///< Addresses this far apart compete for the same set; 0: do not.
  double bytes_per_cycle = 0;   ///< Sustained reading per execution unit (core, multiprocessor), in its clock.
  double latency_cycles = 0;
  Sharing sharing = Sharing::kDevice;
  bool explicit_fill = false; ///< Programs copy into it (near memory); else a cache that fills itself.
  bool operator==(const MemoryInfo &) const = default;
};

/// One matrix unit shape: d[m, n] = a[m, k] * b[k, n] + c[m, n], done by a team.
struct MatrixUnit {
  int m = 0, n = 0, k = 0;
  std::string input;          ///< Scalar name of a and b: `f16`.
  std::string accumulator;    ///< Scalar name of c and d: `f32`.
  double flops_per_cycle = 0; ///< Per execution unit.
  bool operator==(const MatrixUnit &) const = default;
};

/// All figures are per execution unit (a core, a multiprocessor) unless said otherwise. 0: unknown or none.
struct TargetInfo {
  std::string name = "unknown"; ///< For people and cache keys; nothing branches on it.
  int64_t units = 1;            ///< Execution units that run groups at the same time.
  double clock_ghz = 1.0;

  // Workers and lanes
  int team_workers = 1;       ///< Workers in lock step.
  int max_workers = 1;        ///< Workers of one group.
  int resident_workers = 1;   ///< Workers that a unit keeps in flight; hides latency.
  int resident_groups = 1;    ///< Groups that a unit keeps in flight at most.
  int lanes = 1;              ///< f32 lanes of the arithmetic of one worker.
  int access_lanes = 1;       ///< f32 lanes of the widest memory access of one worker.
  bool masked_access = false; ///< Loads and stores with a lane mask cost about as much as plain ones.

  // Registers
  int registers = 16;         ///< Per worker: registers of `lanes` f32 each.
  int64_t register_words = 0; ///< f32 words in a unit, shared by its resident workers; 0: not shared.

  // Issue: per cycle, each of `lanes` f32 for one worker (a unit with teams: for a whole unit, counted in team
  // operations)
  double fma_per_cycle = 1;
  double load_per_cycle = 1;
  double broadcast_per_cycle = 1; ///< Load of one element into all lanes.
  double store_per_cycle = 1;
  double fma_latency = 4;
  bool fma_memory_operand = false; ///< An fma can take one operand from memory, also broadcast.

  // Overheads
  int64_t code_bytes = 32768; ///< Instruction cache; the budget of a hot loop.
  double barrier_cycles = 0;
  double task_cycles = 0;        ///< Starting one group.
  double launch_us = 0;          ///< Starting one kernel.
  int fetch_ahead = 0;           ///< Prefetch instructions: 1; loads into registers ahead of use: 2; none: 0.
  bool streaming_stores = false; ///< One unit writes to the farthest memory faster past the caches than through them.

  // Limits
  int64_t near_bytes = 0;      ///< Explicit near memory of one group; 0: there is none, near buffers are plain scratch.
  int64_t near_bytes_unit = 0; ///< Explicit near memory of a unit, shared by its resident groups.
  int64_t max_groups = 0;      ///< Per launch; 0: unlimited.
  int64_t max_buffer_bytes = 0; ///< Largest far buffer that one access can reach; 0: unlimited.
  /// Rounds of all loops of one worker together, after which the machine ends them silently; 0: unlimited.
  int64_t max_loop_rounds = 0;
  int near_banks = 0;         ///< Banks of near memory, 4 bytes wide; 0: none.
  int far_element_bytes = 1;  ///< Shortest elements that far memory is accessed in: 1, 2 or 4.
  int near_element_bytes = 1; ///< The same of near memory; shorter elements take 4 bytes each there.

  std::vector<MemoryInfo> memories; ///< From nearest to farthest.
  std::vector<MatrixUnit> matrix_units;

  bool operator==(const TargetInfo &) const = default;
};

/// One `key value` a line; memories and matrix units as indented blocks. Reads back as the same value.
std::string to_text(const TargetInfo &info);
/// Errors are located in `source`: `target-info-syntax`, `target-info-key`, `target-info-value`.
Result<TargetInfo> parse_target_info(const Source &source, Diagnostics &diagnostics);

/// f32 operations per second that `units` units can do with fused multiply-add, in GFLOPS.
double peak_gflops(const TargetInfo &info);

} // namespace sparkle
