#include "compiler/pipeline/split_choice.h"

#include <algorithm>
#include <optional>

#include "compiler/analysis/imported.h"
#include "compiler/passes/split_reduction.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Units with no more to do than this part of the time are worth a second kernel.
constexpr double kLowBalance = 0.5;
/// Terms of one part: fewer do not pay for storing and loading its result.
constexpr int64_t kLeastTerms = 256;

int64_t longest_axis(const Kernel &kernel) {
  int64_t longest = 0;
  for (ExprId id : outer_reduces(kernel, definition_of(kernel).store->value))
    for (const ReduceAxis &axis : std::get<Reduce>(kernel.expr(id)).axes) {
      auto begin = kernel.constant(axis.begin), end = kernel.constant(axis.end);
      if (begin && end) longest = std::max(longest, *end - *begin);
    }
  return longest;
}

/// As many parts as keep all units busy; such that all are as long, if there are any.
int64_t parts_for(const Kernel &kernel, const Prediction &whole, const TargetInfo &info) {
  const int64_t extent = longest_axis(kernel);
  const auto groups = std::max<int64_t>(1, static_cast<int64_t>(whole.balance * static_cast<double>(info.units)));
  const int64_t wanted = info.units * (info.team_workers > 1 ? 2 : 1);
  const int64_t most = extent / kLeastTerms;
  const int64_t parts = std::min(ceil_div(wanted, groups), most);
  for (int64_t even = parts; even <= std::min(2 * parts, most); ++even)
    if (even > 1 && extent % even == 0) return even;
  return parts;
}

struct SplitPlan {
  std::vector<KernelSchedule> entries;
  double seconds = 0;
};

std::optional<SplitPlan> plan_split(const Program &program, const Kernel &kernel, int64_t parts,
                                    const TargetInfo &info) {
  Program alone = program;
  alone.kernels = {kernel};
  KernelSchedule request;
  request.kernel = kernel.name;
  request.split_reduction = parts;
  auto cut = split_reduction(alone, {Schedule{{request}}}, info);
  if (!cut) return std::nullopt;
  SplitPlan plan;
  for (const Kernel &part : cut->kernels) {
    ScheduleCandidate best = std::move(enumerate_schedules(part, info, 1).front());
    plan.seconds += best.prediction.seconds;
    if (part.name == kernel.name) best.schedule.split_reduction = parts;
    plan.entries.push_back(std::move(best.schedule));
  }
  return plan;
}

} // namespace

void choose_splits(const Program &program, const TargetInfo &info, Schedule &schedule) {
  for (const Kernel &kernel : program.kernels) {
    if (schedule.find(kernel.name)) continue;
    ScheduleCandidate whole = std::move(enumerate_schedules(kernel, info, 1).front());
    std::optional<SplitPlan> split;
    if (!kernel.strict && whole.prediction.balance <= kLowBalance)
      if (int64_t parts = parts_for(kernel, whole.prediction, info); parts > 1)
        split = plan_split(program, kernel, parts, info);
    if (split && split->seconds < whole.prediction.seconds)
      schedule.kernels.insert(schedule.kernels.end(), split->entries.begin(), split->entries.end());
    else
      schedule.kernels.push_back(std::move(whole.schedule));
  }
}

} // namespace sparkle
