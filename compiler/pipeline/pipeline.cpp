#include "compiler/pipeline/pipeline.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "compiler/ir/verifier.h"
#include "compiler/passes/expand.h"
#include "compiler/passes/flatten.h"
#include "compiler/passes/hoist.h"
#include "compiler/passes/layout.h"
#include "compiler/passes/merge.h"
#include "compiler/passes/overlap.h"
#include "compiler/passes/pack.h"
#include "compiler/passes/partition.h"
#include "compiler/passes/place.h"
#include "compiler/passes/prefetch.h"
#include "compiler/passes/simplify.h"
#include "compiler/passes/split_reduction.h"
#include "compiler/passes/stream.h"
#include "compiler/passes/tile.h"
#include "compiler/passes/unroll.h"
#include "compiler/passes/vectorize.h"
#include "compiler/pipeline/split_choice.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/shared_groups.h"
#include "compiler/support/check.h"

namespace sparkle {
namespace {

struct Context {
  const PipelineOptions &options;
  const TargetInfo &info;
  Schedule schedule; ///< Entries of the user and, from `place` and `tile` on, the automatic ones.
  PipelineReport *report = nullptr;
  TensorBounds tensors = {};            ///< For the cost model.
  std::set<std::string> rewritten = {}; ///< Kernels whose indices are not in normal form since the last `simplify`.

  const KernelSchedule &entry(const Kernel &kernel) {
    const KernelSchedule *found = schedule.find(kernel.name);
    // Splitting a reduction alone says nothing of the loops of the two kernels.
    if (found && (found->split_reduction == 1 || !found->dims.empty() || !options.automatic)) return *found;
    KernelSchedule chosen;
    chosen.kernel = kernel.name;
    if (options.automatic) chosen = choose_kernel_schedule(kernel, info, {}, tensors);
    if (found) chosen.split_reduction = found->split_reduction;
    if (found) std::erase_if(schedule.kernels, [&](const KernelSchedule &k) { return k.kernel == kernel.name; });
    schedule.kernels.push_back(std::move(chosen));
    return schedule.kernels.back();
  }

  void choose_entries(const Program &program) {
    for (const std::vector<Kernel> *kernels : {&program.prepack, &program.kernels})
      for (const Kernel &kernel : *kernels) entry(kernel);
  }
};

using ProgramPass = Result<Program> (*)(Program &&, Context &);
using KernelPass = Result<Kernel> (*)(Kernel &&, Context &);

struct Step {
  std::string_view name;
  ProgramPass on_program;
  KernelPass on_kernel;
};

// The order of the passes. Reasons for what is not obvious stand beside each line.
constexpr Step kSteps[] = {
    {"place",
     [](Program &&p, Context &c) {
       Result<Program> placed = place(p, {c.schedule}, c.info);
       if (placed) share_groups(*placed, c.info, c.options.automatic, c.schedule);
       return placed;
     },
     nullptr},
    // Automatic entries of the kernels that `place` left are needed from here on: shared reductions, then stagings.
    {"split_reduction",
     [](Program &&p, Context &c) {
       if (c.options.automatic) choose_splits(p, c.info, c.schedule);
       return split_reduction(std::move(p), {c.schedule}, c.info);
     },
     nullptr},
    {"layout",
     [](Program &&p, Context &c) {
       for (const Kernel &kernel : p.kernels) {
         const KernelSchedule &entry = c.entry(kernel);
         if (c.report) c.report->predictions.push_back({kernel.name, predict(kernel, entry, c.info, c.tensors)});
       }
       Result<Program> laid = layout(p, {c.schedule}, c.info);
       // Kernels that it makes have their entries from here on too. (A plan tells of the program's own.)
       if (laid && c.options.stop_after != "layout") c.choose_entries(*laid);
       return laid;
     },
     nullptr},
    {"tile", nullptr, [](Kernel &&k, Context &c) { return tile(k, {c.entry(k)}, c.info); }},
    // Before any simplification: stagings name loops, and simplify removes those of one iteration.
    {"pack", nullptr, [](Kernel &&k, Context &c) { return pack(k, {c.entry(k)}, c.info); }},
    {"partition", nullptr,
     [](Kernel &&k, Context &c) {
       return partition(k, {c.entry(k).partition, c.entry(k).clip}, c.info);
     }},
    {"vectorize", nullptr, [](Kernel &&k, Context &c) { return vectorize(k, {}, c.info); }},
    // Ramps and masks as vectorize leaves them hide what overlap must see: uniform guards, contiguous copies.
    {"simplify", nullptr, [](Kernel &&k, Context &c) { return simplify(k, {}, c.info); }},
    {"prefetch", nullptr,
     [](Kernel &&k, Context &c) {
       const PrefetchOptions options{c.entry(k).prefetches};
       if (!options.hints.empty()) c.rewritten.insert(k.name);
       return prefetch(std::move(k), options, c.info);
     }},
    {"overlap", nullptr,
     [](Kernel &&k, Context &c) {
       if (has_copies_or_workers(k)) c.rewritten.insert(k.name);
       return overlap(std::move(k), {}, c.info);
     }},
    // The worker's share of a copy is full of / and % by constants that cancel; hoist must see what is left.
    {"simplify", nullptr,
     [](Kernel &&k, Context &c) {
       return c.rewritten.contains(k.name) ? simplify(k, {}, c.info) : Result<Kernel>(std::move(k));
     }},
    // Before hoist, which then finds the parts that a loop does not change; after all that may contract or reorder.
    {"expand", nullptr, [](Kernel &&k, Context &c) { return expand(std::move(k), {}, c.info); }},
    {"hoist", nullptr, [](Kernel &&k, Context &c) { return hoist(std::move(k), {}, c.info); }},
    {"unroll", nullptr, [](Kernel &&k, Context &c) { return unroll(std::move(k), {}, c.info); }},
    {"stream", nullptr,
     [](Kernel &&k, Context &c) {
       const StreamOptions options{c.entry(k).store};
       return stream(std::move(k), options, c.info);
     }},
    // Each kernel has its final loops, and buffers still have the dimensions that number the tiles.
    {"merge", [](Program &&p, Context &c) { return merge(std::move(p), {c.schedule}, c.info); }, nullptr},
    {"flatten", nullptr, [](Kernel &&k, Context &c) { return flatten(k, {}, c.info); }},
};

Result<Program> run_step(const Step &step, Program program, Context &context) {
  CheckContext what(step.name);
  if (step.on_program) return step.on_program(std::move(program), context);
  for (std::vector<Kernel> *kernels : {&program.prepack, &program.kernels})
    for (Kernel &kernel : *kernels) {
      SPARKLE_TRY(kernel, step.on_kernel(std::move(kernel), context));
    }
  return program;
}

Status verify_all(const Program &program, std::string_view pass) {
  for (const std::vector<Kernel> *kernels : {&program.prepack, &program.kernels})
    for (const Kernel &kernel : *kernels)
      if (Status status = verify(kernel); !status)
        return Error{ErrorCode::kInternal, "after pass " + std::string(pass) + ": " + status.error().text};
  return ok();
}

} // namespace

Result<Program> run_pipeline(const Program &imported, const PipelineOptions &options, const TargetInfo &info,
                             PipelineReport *report) {
  Context context{options, info, options.schedule, report, tensor_bounds(imported)};
  if (options.automatic) add_placements(imported, info, context.schedule);
  Program program = imported;
  for (const Step &step : kSteps) {
    auto start = std::chrono::steady_clock::now();
    Result<Program> next = run_step(step, std::move(program), context);
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (report) report->times.push_back({step.name, seconds.count()});
    if (report) report->schedule = context.schedule;
    if (!next) return next.error();
    program = std::move(*next);
    const bool is_last = step.name == options.stop_after || &step == std::end(kSteps) - 1;
    if (options.verify == Verification::kAfterEachPass || (is_last && options.verify == Verification::kOnResult))
      SPARKLE_TRY_STATUS(verify_all(program, step.name));
    if (options.after_pass) options.after_pass(step.name, program);
    if (step.name == options.stop_after) break;
  }
  return program;
}

Result<ProgramPlan> plan_program(const Program &imported, PipelineOptions options, const TargetInfo &info) {
  options.stop_after = "layout"; // The first one for which every kernel has its entry.
  PipelineReport report;
  SPARKLE_TRY(const Program planned, run_pipeline(imported, options, info, &report));
  return ProgramPlan{std::move(report.schedule), std::move(report.predictions)};
}

std::vector<std::string_view> pass_names() {
  std::vector<std::string_view> names;
  for (const Step &step : kSteps)
    if (std::find(names.begin(), names.end(), step.name) == names.end()) names.push_back(step.name);
  return names;
}

} // namespace sparkle
