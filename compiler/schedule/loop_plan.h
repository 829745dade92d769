// What a KernelSchedule means for one definition: its dimensions, fused and split into loops, in order. Shared by
// `tile`, `layout` and the cost model, so that all read a schedule alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/analysis/imported.h"
#include "compiler/ir/builder.h"
#include "compiler/schedule/schedule.h"

namespace sparkle {

/// One dimension of the definition: an output index or an axis of its main reduction.
struct PlannedSource {
  std::string name;
  VarId var;
  ExprId begin, end;
  std::optional<int64_t> extent;
  bool is_reduction = false;
};

/// A dimension as the schedule sees it: one source, or several fused (slowest first).
struct PlannedDim {
  std::string name;
  std::vector<int> sources; ///< Indices into LoopPlan::sources.
  bool is_reduction = false;
  std::optional<int64_t> extent; ///< Product of the sources' extents; nothing when symbolic.
  std::vector<int64_t> factors;  ///< Per split; 0: symbolic, extent divided by the product of the others.
  std::vector<LoopKind> kinds;
  int64_t covered() const;         ///< Product of the factors, needs a constant extent.
  int64_t stride(int split) const; ///< Product of the factors inside `split`.
};

struct PlannedLoop {
  int dim = 0;
  int split = 0;
  LoopKind kind = LoopKind::kSerial;
  bool is_reduction = false;
  /// Of a reduction, with a result of its own for each iteration, combined afterwards: lanes, workers, and the unrolled
  /// loops of a dimension that has either.
  bool is_partial = false;
};

struct LoopPlan {
  std::vector<PlannedSource> sources;
  std::vector<PlannedDim> dims;
  std::vector<PlannedLoop> loops; ///< In order, outermost first.
  size_t first_inner = 0;         ///< Loops before it surround the accumulators; partial ones there are workers'.
  const PlannedDim *find(std::string_view name) const;
  /// The zero-based indices of the sources of `dim`, slowest first, from the index of the (fused) dimension.
  std::vector<ExprId> source_indices(Builder &b, const PlannedDim &dim, ExprId index) const;
  /// Position in `loops`, or nothing.
  std::optional<size_t> position(const LoopRef &ref) const;
};

/// The name of a reduction axis in schedules: the one in the text, or with `_2`, `_3`... where `taken` has it (a `let`
/// was inlined that reduces over a dimension of that name).
std::string axis_name(const Kernel &kernel, VarId axis, const std::vector<std::string> &taken);

/// The reductions of the definition that are computed together by the scheduled loops: those with the axes of the first
/// one.
std::vector<ExprId> main_reduces(const Kernel &kernel, const Definition &def);

/// Errors: kBadSchedule, naming kernel, dimension, factor and extent.
Result<LoopPlan> plan_loops(const Kernel &kernel, const KernelSchedule &schedule);

/// The same for many schedules of one kernel, which must outlive it: what does not change is looked up once.
class LoopPlanner {
public:
  explicit LoopPlanner(const Kernel &kernel);
  Result<LoopPlan> plan(const KernelSchedule &schedule) const;

private:
  std::vector<PlannedSource> sources_;
  bool keeps_term_order_ = false; ///< Of reductions: a strict kernel of floats.
};

} // namespace sparkle
