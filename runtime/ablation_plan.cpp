#include "runtime/ablation_plan.h"

#include <algorithm>

#include "compiler/pipeline/pipeline.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/loop_plan.h"

namespace sparkle {
namespace {

/// The kernels that a schedule makes of a program, by its placements and shared reductions.
Result<Program> kernels_of(const Program &imported, const TargetInfo &info, const Schedule &schedule) {
  PipelineOptions options;
  options.schedule = schedule;
  options.automatic = false;
  options.stop_after = "split_reduction";
  return run_pipeline(imported, options, info);
}

bool has_kernel(const Program &program, const std::string &name) {
  return std::ranges::any_of(program.kernels, [&](const Kernel &kernel) { return kernel.name == name; });
}

class Planner {
public:
  Planner(const Program &imported, const TargetInfo &info) : imported_(imported), info_(info) {}

  Result<AblationPlan> run(const Schedule &given, bool refit) {
    SPARKLE_TRY_STATUS(choose_full(given));
    SPARKLE_TRY_STATUS(find_used());
    add({AblationPart::kFull, {}, false, full_, {}, {}});
    for (const bool refitted : {false, true})
      if (!refitted || refit) add_ladder(refitted);
    for (const bool refitted : {false, true})
      if (!refitted || refit) add_leave_one_out(refitted);
    return std::move(plan_);
  }

private:
  /// What a run does with the given schedule, and the kernels that it has.
  Status choose_full(const Schedule &given) {
    PipelineOptions options;
    options.schedule = given;
    SPARKLE_TRY(ProgramPlan plan, plan_program(imported_, options, info_));
    full_ = std::move(plan.schedule);
    SPARKLE_TRY(kernels_, kernels_of(imported_, info_, full_));
    return ok();
  }

  Status find_used() {
    for (const KernelSchedule &entry : full_.kernels) {
      if (entry.placement != Placement::kStored) plan_.used.add(Pattern::kPlace);
      if (entry.split_reduction > 1) plan_.used.add(Pattern::kSplitReduction);
    }
    for (const Kernel &kernel : kernels_.kernels) {
      SPARKLE_TRY(const PatternSet used, patterns_of(kernel, *full_.find(kernel.name)));
      for (const Pattern pattern : kPatterns)
        if (used.contains(pattern)) plan_.used.add(pattern);
    }
    return ok();
  }

  void add_ladder(bool refitted) {
    PatternSet left_out = plan_.used;
    add(variant(AblationPart::kLadder, {}, refitted, left_out));
    for (const Pattern pattern : kPatterns) {
      if (!plan_.used.contains(pattern)) continue;
      left_out.remove(pattern);
      add(variant(AblationPart::kLadder, pattern, refitted, left_out));
    }
  }

  void add_leave_one_out(bool refitted) {
    for (const Pattern pattern : kPatterns)
      if (plan_.used.contains(pattern)) add(variant(AblationPart::kLeaveOneOut, pattern, refitted, pattern));
  }

  AblationVariant variant(AblationPart part, std::optional<Pattern> pattern, bool refitted, PatternSet left_out) const {
    AblationVariant out{part, pattern, refitted, full_, {}, {}};
    if (left_out.empty()) return out; // The top of the ladder: nothing to refit.
    Result<Schedule> schedule = make(left_out, refitted);
    if (schedule)
      out.schedule = std::move(*schedule);
    else
      out.refusal = schedule.error().text;
    return out;
  }

  Result<Schedule> make(PatternSet left_out, bool refitted) const {
    SPARKLE_TRY(const Program program, kernels_of(imported_, info_, structure(left_out)));
    Schedule out;
    for (KernelSchedule entry : full_.kernels) {
      if (left_out.contains(Pattern::kSkew)) entry.at.skew.clear();
      if (entry.placement != Placement::kStored && !left_out.contains(Pattern::kPlace))
        out.kernels.push_back(std::move(entry));
    }
    for (const Kernel &kernel : program.kernels) {
      if (out.find(kernel.name)) continue;
      SPARKLE_TRY(KernelSchedule entry, refitted ? Result(choose_kernel_schedule(kernel, info_, left_out))
                                                 : without(kernel, loops_for(kernel), left_out));
      const KernelSchedule *full = full_.find(kernel.name);
      if (full && !left_out.contains(Pattern::kSplitReduction)) entry.split_reduction = full->split_reduction;
      out.kernels.push_back(std::move(entry));
    }
    return out;
  }

  /// The full schedule's placements and shared reductions, but for what is left out.
  Schedule structure(PatternSet left_out) const {
    Schedule out = full_;
    for (KernelSchedule &entry : out.kernels) {
      if (left_out.contains(Pattern::kPlace)) entry.placement = Placement::kStored;
      if (left_out.contains(Pattern::kSplitReduction)) entry.split_reduction = 1;
    }
    return out;
  }

  /// The kernel's own entry in the full schedule; for a `let` that is stored now, the entry of the kernel that it was
  /// computed in; for what fits neither, the cost model's choice.
  KernelSchedule loops_for(const Kernel &kernel) const {
    std::vector<KernelSchedule> entries = full_.kernels;
    std::stable_partition(entries.begin(), entries.end(),
                          [&](const KernelSchedule &e) { return e.kernel == kernel.name; });
    for (KernelSchedule &entry : entries) {
      const bool is_own = entry.kernel == kernel.name;
      if (entry.placement != Placement::kStored || (!is_own && entry.dims.empty())) continue;
      if (!is_own && has_kernel(kernels_, kernel.name)) continue;
      entry.kernel = kernel.name;
      if (plan_loops(kernel, entry) && reads_what_is_staged(kernel, entry)) return entry;
    }
    return choose_kernel_schedule(kernel, info_);
  }

  static bool reads_what_is_staged(const Kernel &kernel, const KernelSchedule &entry) {
    return std::ranges::all_of(entry.stagings, [&](const Staging &staging) {
      for (uint32_t b = 0; b < kernel.buffer_count(); ++b)
        if (kernel.buffer(static_cast<BufferId>(b)).name == staging.tensor) return true;
      return false;
    });
  }

  void add(AblationVariant variant) {
    const std::string text = to_text(variant.schedule);
    for (size_t i = 0; i < plan_.variants.size() && variant.refusal.empty(); ++i) {
      const AblationVariant &other = plan_.variants[i];
      if (!other.refusal.empty() || other.same_as || to_text(other.schedule) != text) continue;
      variant.same_as = i;
      break;
    }
    plan_.variants.push_back(std::move(variant));
  }

  const Program &imported_;
  const TargetInfo &info_;
  Program kernels_; ///< Those of the full schedule.
  Schedule full_;
  AblationPlan plan_;
};

} // namespace

std::string_view name_of(AblationPart part) {
  switch (part) {
  case AblationPart::kFull: return "full";
  case AblationPart::kLadder: return "ladder";
  case AblationPart::kLeaveOneOut: return "leave_one_out";
  case AblationPart::kPlainC: return "plain_c";
  }
  return "?";
}

std::string AblationVariant::name() const {
  std::string text = part == AblationPart::kLadder ? "no pattern" : "full";
  if (pattern) text = (part == AblationPart::kLadder ? "+ " : "- ") + std::string(name_of(*pattern));
  return text + (refitted ? ", refitted" : "");
}

Result<AblationPlan> plan_ablation(const Program &imported, const TargetInfo &info, const Schedule &given, bool refit) {
  return Planner(imported, info).run(given, refit);
}

} // namespace sparkle
