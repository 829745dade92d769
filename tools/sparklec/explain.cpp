#include <algorithm>
#include <cmath>

#include "compiler/pipeline/pipeline.h"
#include "compiler/schedule/cost_model.h"
#include "targets/registry.h"
#include "tools/sparklec/commands.h"
#include "tools/sparklec/format.h"
#include "tools/sparklec/program_source.h"
#include "tools/sparklec/target_choice.h"

namespace sparkle::cli {
namespace {

std::string line(const std::string &key, const std::string &value) { return table_line("  " + key, value); }

std::string machine_text(const TargetInfo &info) {
  std::string text = "machine       " + info.name + ": " + std::to_string(info.units) + " units x " +
                     std::to_string(info.max_workers) + " workers x " + std::to_string(info.lanes) + " lanes, " +
                     format_number(info.clock_ghz, " GHz") + ", " + format_number(peak_gflops(info), " GFLOPS") + "\n";
  for (const MemoryInfo &memory : info.memories)
    text += line(memory.name, (memory.bytes > 0 ? format_bytes(memory.bytes) : "any size") + ", " +
                                  format_number(memory.bytes_per_cycle, " bytes a cycle"));
  return text;
}

std::string prediction_text(const Prediction &prediction) {
  if (!std::isfinite(prediction.seconds)) return line("refused", prediction.bound);
  std::string text = line("predicted", format_seconds(prediction.seconds) + ", " +
                                           format_number(prediction.efficiency * 100, "% of the machine's peak"));
  text += line("bound by", prediction.bound);
  text += line("cycles", format_number(prediction.arithmetic_cycles) + " of arithmetic, " +
                             format_number(prediction.load_cycles) + " of loads a unit; " +
                             format_seconds(prediction.memory_seconds) + " of memory");
  text += line("waste", format_number(prediction.tile_waste * 100, "% of the arithmetic falls on padding of tiles"));
  text += line("balance", format_number(prediction.balance * 100, "% of the units are busy"));
  text += line("registers", std::to_string(prediction.registers) + " a worker");
  if (prediction.near_bytes > 0) text += line("near memory", format_bytes(prediction.near_bytes) + " a group");
  for (const std::string &set : prediction.working_sets) text += line("working set", set);
  return text;
}

std::string indented(const std::string &text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  while (out.ends_with(' ') || out.ends_with('\n')) out.pop_back();
  return out + "\n";
}

/// Why `loser` was not taken, in the model's own terms.
std::string comparison(const ScheduleCandidate &best, const ScheduleCandidate &loser) {
  const Prediction &a = best.prediction, &b = loser.prediction;
  if (!std::isfinite(b.seconds)) return "refused: " + b.bound;
  std::string why = format_seconds(b.seconds) + ", " + format_number((b.seconds / a.seconds - 1) * 100, "% slower") +
                    "; bound by " + b.bound;
  if (b.tile_waste > a.tile_waste + 0.005) why += "; " + format_number(b.tile_waste * 100, "% waste");
  if (b.balance < a.balance - 0.005) why += "; " + format_number(b.balance * 100, "% busy");
  if (b.load_cycles > a.load_cycles * 1.01)
    why += "; " + format_number(b.load_cycles / a.load_cycles, " times the loads");
  if (b.memory_seconds > a.memory_seconds * 1.01)
    why += "; " + format_number(b.memory_seconds / a.memory_seconds, " times the memory traffic");
  return why;
}

std::string explain_given(const Kernel &kernel, const KernelSchedule &schedule, const TargetInfo &info,
                          const TensorBounds &tensors, const std::string &title) {
  return title + "\n" + indented(to_text(Schedule{{schedule}})) +
         prediction_text(predict(kernel, schedule, info, tensors));
}

/// `parts`: of the kernel's reduction, which is shared.
std::string explain_chosen(const Kernel &kernel, const TargetInfo &info, const TensorBounds &tensors, int64_t parts,
                           size_t count) {
  std::vector<ScheduleCandidate> candidates = enumerate_schedules(kernel, info, count, {}, tensors);
  ScheduleCandidate &best = candidates.front();
  best.schedule.split_reduction = parts;
  std::string text =
      "schedule chosen\n" + indented(to_text(Schedule{{best.schedule}})) + prediction_text(best.prediction);
  for (size_t i = 1; i < candidates.size(); ++i)
    text += "number " + std::to_string(i + 1) + " lost: " + comparison(best, candidates[i]) + "\n" +
            indented(to_text(Schedule{{candidates[i].schedule}}));
  return text;
}

/// Which targets of this build take the program, and why others refuse.
std::string refusals(const Program &imported, const Schedule &schedule, const TargetInfo &info) {
  PipelineOptions options;
  options.schedule = schedule;
  const Result<Program> lowerable = run_pipeline(imported, options, info);
  if (!lowerable) return "passes        refused: " + lowerable.error().text + "\n";
  std::string text;
  for (const Target &target : targets()) {
    const Status status = target.check(*lowerable, info);
    text +=
        table_line("target", std::string(target.name) + (status ? ": takes it" : ": refuses: " + status.error().text));
  }
  return text;
}

} // namespace

Result<ExitCode> explain(const ExplainCommand &command, Console &console) {
  SPARKLE_TRY(const BoundSource source, load_program(command.program, command.plan.strict, console));
  SPARKLE_TRY(const TargetInfo info, cpu_or_given(command.plan, console));
  PipelineOptions options;
  SPARKLE_TRY(options.schedule, load_schedule(command.plan, console));
  PipelineReport report;
  Schedule with_tiles; // Chosen by `place` for lets and those that they share groups with.
  options.after_pass = [&](std::string_view pass, const Program &) {
    if (pass == "place") with_tiles = report.schedule;
  };
  options.stop_after = "split_reduction";
  SPARKLE_TRY(const Program planned, run_pipeline(source.program, options, info, &report));

  const auto at_loop = [&](const Kernel &kernel) {
    const KernelSchedule *entry = with_tiles.find(kernel.name);
    return entry && entry->placement == Placement::kAt ? entry : nullptr;
  };
  const auto launches = std::count_if(planned.kernels.begin(), planned.kernels.end(),
                                      [&](const Kernel &kernel) { return !at_loop(kernel); });
  std::string text = "kernel        " + source.program.name + ", " +
                     format_number(static_cast<double>(source.program.flops) * 1e-9, " GFLOP") + ", " +
                     std::to_string(launches) + (launches == 1 ? " launch" : " launches") + "\n" + machine_text(info);
  const TensorBounds tensors = tensor_bounds(source.program);
  for (const Kernel &kernel : planned.kernels) {
    const KernelSchedule *given = options.schedule.find(kernel.name), *applied = report.schedule.find(kernel.name);
    const KernelSchedule *tiled = with_tiles.find(kernel.name), *at = at_loop(kernel);
    text += at ? "\ntile          " + kernel.name + ", in the groups of " + at->at.consumer + "\n"
               : "\nlaunch        " + kernel.name + "\n";
    if (given && !at)
      text += explain_given(kernel, *given, info, tensors, "schedule of the file");
    else
      text += tiled ? explain_given(kernel, *tiled, info, tensors, "schedule chosen with its tiles")
                    : explain_chosen(kernel, info, tensors, applied ? applied->split_reduction : 1,
                                     static_cast<size_t>(command.candidates));
  }
  console.print(text + "\n" + refusals(source.program, options.schedule, info));
  return ExitCode::kDone;
}

} // namespace sparkle::cli
