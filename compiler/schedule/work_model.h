// What the loops of a schedule ask of one unit and of all of them: cycles of arithmetic, loads and waiting, registers,
// and the time of all that but memory. The counts are those of a schedule's loops (predict) or of the few numbers that
// a schedule is made of (tile_bound.h): one model for both, so that neither promises what the other one does not keep.
#pragma once

#include <optional>
#include <vector>

#include "compiler/schedule/access_model.h"
#include "compiler/schedule/window_model.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// Of one read, or of the store.
struct AccessCounts {
  int64_t registers = 1;       ///< Product of the register loops on which it depends.
  int64_t reuse = 1;           ///< Of those on which it does not.
  int64_t workers = 1;         ///< Of the worker loops on which it depends.
  int64_t worker_distance = 0; ///< Bytes between what neighbouring workers touch; 0: the same.
  bool along_lanes = false;
  bool contiguous =
      true; ///< Neighbouring lanes touch neighbouring elements, as they lie or because they are packed so.
  bool is_packed = false, is_near = false, is_in_registers = false; ///< Is staged far, near, in registers.
};

/// A staging into near memory.
struct CopyCounts {
  double elements = 0;
  int lanes = 1, buffers = 1, ahead = 0; ///< As in Staging.
  int64_t trips = 1;                     ///< Iterations of the reduction up to and including the loop that it is at.
  int64_t steps_below = 1;               ///< And of those inside it.
};

/// A body that is the whole reduction (window_model.h).
struct WindowCounts {
  WindowLoads loads;
  double accumulators = 1;
  double useful_share = 1;
};

/// Products of the factors of loops, by role (loop_model.h).
struct TileCounts {
  int64_t groups = 1, workers = 1, serial = 1, steps = 1, registers = 1, lanes = 1;
  int64_t worker_partials = 1, register_partials = 1, lane_partials = 1;
  int64_t unrolled = 1;     ///< Steps of the reduction without a branch.
  double mask_factor = 1;   ///< WindowModel::mask_factor.
  int64_t staged_bytes = 0; ///< Near memory of stagings.
  std::vector<AccessCounts> reads;
  AccessCounts store;
  std::vector<CopyCounts> copies;
  std::optional<WindowCounts> window;
};

enum class Refusal : uint8_t { kNone, kWorkers, kRegisters, kRegisterWords, kNearMemory };

struct Work {
  Refusal refusal = Refusal::kNone; ///< With one, only `registers` and `near_bytes` are known.
  int64_t registers = 0, near_bytes = 0;
  double arithmetic_cycles = 0, load_cycles = 0; ///< Of a group.
  double group_cycles = 0, stall_cycles = 0;     ///< And of these, waiting that other groups can hide.
  double balance = 1;
  double seconds = 0; ///< On all units.
};

Work work_of(const DefinitionModel &model, const TileCounts &counts, const TargetInfo &info);

} // namespace sparkle
