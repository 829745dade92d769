// A schedule's loops beside a definition's accesses: counts, dependences, footprints and traffic for the cost model.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "compiler/schedule/access_model.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"

namespace sparkle {

enum class LoopRole : uint8_t {
  kGroup,
  kWorker,         ///< Team and worker loops.
  kSerialParallel, ///< Serial loops over output dimensions.
  kReduction,      ///< The loops of the reduction that go on with one result.
  kRegister,       ///< Unrolled loops that have a result each: the register tile, without lanes.
  kLane,
};

/// What an access touches where each dimension takes some values.
struct TouchedPlaces {
  double elements = 1;   ///< Distinct ones.
  double line_waste = 1; ///< Of whole lines, what is fetched for each element that is wanted.
};
TouchedPlaces touched_by(const ModelAccess &access, std::span<const double> range);

class LoopModel {
public:
  LoopModel(const DefinitionModel &model, const LoopPlan &plan);

  /// Product of the factors of all loops of a role.
  int64_t count(LoopRole role) const;
  /// The same over the loops on which the access depends.
  int64_t count_if(LoopRole role, const ModelAccess &access) const;
  /// Of those, the results that are combined into one (PlannedLoop::is_partial).
  int64_t partials(LoopRole role) const;
  int64_t lane_factor() const { return count(LoopRole::kLane); }
  /// Steps of the reduction that unrolled loops make without a branch.
  int64_t unrolled_reduction() const;
  bool depends_on_lane(const ModelAccess &access) const;
  /// Times that the innermost register loops use one loaded operand before the next one.
  int64_t innermost_reuse(const ModelAccess &access) const;
  /// Neighbouring lanes touch neighbouring elements, as the tensor lies or because it is packed so.
  bool is_contiguous(const KernelSchedule &schedule, const ModelAccess &access) const;
  /// Bytes between what neighbouring workers touch; 0: the same.
  int64_t worker_distance(const ModelAccess &access) const;
  static bool is_staged(const KernelSchedule &schedule, const std::string &tensor, MemoryLevel level);

  double staged_elements(const Staging &staging) const;
  int64_t near_bytes(const KernelSchedule &schedule) const;
  /// Rounds of all loops of a worker together, as analysis/loop_rounds.h counts them; near memory is filled in a loop
  /// where one worker does it.
  double rounds(const KernelSchedule &schedule) const;
  /// Iterations of the reduction loops up to and including the staging loop, per tile; and of those inside it.
  int64_t trips_through(const Staging &staging) const;
  int64_t steps_below(const Staging &staging) const;

  /// What the loops from each one on touch, for traffic(); by first loop (one more than there are), one after the
  /// other.
  struct Footprints {
    std::vector<double> ranges; ///< Values of each dimension.
    std::vector<double> bytes;  ///< Of each read, then of the store.
    std::vector<bool> packed;   ///< By access.
  };
  Footprints footprints(const KernelSchedule &schedule) const;
  /// Bytes that all units together fetch into caches of a kind of which a kernel can use the part `share`. Walks the
  /// loops from inside out: what fits is fetched once per iteration of what is outside.
  double traffic(const Footprints &footprints, const MemoryInfo &cache, double share) const;

  /// Making panels of what changes, in each run: read and written, by a launch of its own.
  double packing_seconds(const KernelSchedule &schedule, const TargetInfo &info, double share) const;

private:
  struct Loop {
    LoopRole role;
    int64_t factor;
    size_t dim; ///< In LoopPlan::dims.
    int split;
    bool unrolled;
    bool is_partial;
  };
  bool depends(const ModelAccess &access, const Loop &loop) const;
  double filling_rounds(const KernelSchedule &schedule, size_t at) const;
  const ModelAccess &access(size_t number) const;
  void fill_ranges(size_t dim, double values, std::span<double> range) const;
  static double footprint(const ModelAccess &access, std::span<const double> range, bool packed);
  static double crowding(const ModelAccess &access, std::span<const double> range, const MemoryInfo &cache);
  size_t outermost_that_fits(const Footprints &footprints, const MemoryInfo &cache, double capacity) const;
  const DefinitionModel &model_;
  const LoopPlan &plan_;
  std::vector<Loop> loops_;   ///< Outermost first.
  std::vector<Loop> in_time_; ///< The same in order of time: workers run together, so they are innermost.
};

/// A line of Prediction::working_sets.
std::string describe_traffic(const MemoryInfo &cache, const MemoryInfo &behind, double bytes, double seconds);

/// As in cost_model.h, with the model and the planner of the kernel at hand. What is certain to take longer than
/// `limit` is not looked at any further and gets infinite seconds; with a limit there are no working sets.
struct Prediction;
Prediction predict(const DefinitionModel &model, const LoopPlanner &planner, const KernelSchedule &schedule,
                   const struct TargetInfo &info, std::optional<double> limit = {});

} // namespace sparkle
