// A schedule's loops beside a definition's accesses: counts, dependences, footprints and traffic for the cost model.
#pragma once

#include <vector>

#include "compiler/schedule/access_model.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/schedule/schedule.h"

namespace sparkle {

enum class LoopRole : uint8_t {
  kGroup,
  kWorker,         ///< Team and worker loops.
  kSerialParallel, ///< Serial loops over output dimensions.
  kReduction,      ///< All loops of the reduction.
  kRegister,       ///< Unrolled loops over output dimensions: the register tile, without lanes.
  kLane,
};

class LoopModel {
public:
  LoopModel(const DefinitionModel &model, const LoopPlan &plan);

  /// Product of the factors of all loops of a role.
  int64_t count(LoopRole role) const;
  /// The same over the loops on which the access depends.
  int64_t count_if(LoopRole role, const ModelAccess &access) const;
  int64_t lane_factor() const { return count(LoopRole::kLane); }
  /// Steps of the reduction that unrolled loops make without a branch.
  int64_t unrolled_reduction() const;
  bool depends_on_lane(const ModelAccess &access) const;
  /// Times that the innermost register loops use one loaded operand before the next one.
  int64_t innermost_reuse(const ModelAccess &access) const;
  /// Neighbouring lanes touch neighbouring elements, as the tensor lies or because it is packed so.
  bool is_contiguous(const KernelSchedule &schedule, const ModelAccess &access) const;
  static bool is_staged(const KernelSchedule &schedule, const std::string &tensor, MemoryLevel level);

  double staged_elements(const Staging &staging) const;
  int64_t near_bytes(const KernelSchedule &schedule) const;
  /// Iterations of the reduction loops up to and including the staging loop, per tile; and of those inside it.
  int64_t trips_through(const Staging &staging) const;
  int64_t steps_below(const Staging &staging) const;

  /// Bytes that all units together fetch into caches of `capacity` bytes. Walks the loops from inside out: what fits is
  /// fetched once per iteration of what is outside.
  double traffic(const KernelSchedule &schedule, double capacity) const;

private:
  struct Loop {
    LoopRole role;
    int64_t factor;
    size_t dim; ///< In LoopPlan::dims.
    int split;
    bool unrolled;
  };
  bool depends(const ModelAccess &access, const Loop &loop) const;
  double footprint(const ModelAccess &access, size_t first, bool packed) const;
  const DefinitionModel &model_;
  const LoopPlan &plan_;
  std::vector<Loop> loops_;   ///< Outermost first.
  std::vector<Loop> in_time_; ///< The same in order of time: workers run together, so they are innermost.
};

/// As in cost_model.h, with the model at hand.
struct Prediction;
Prediction predict(const DefinitionModel &model, const Kernel &kernel, const KernelSchedule &schedule,
                   const struct TargetInfo &info);

} // namespace sparkle
