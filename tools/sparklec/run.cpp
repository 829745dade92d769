#include <algorithm>
#include <cstdio>

#include "compiler/import/import.h"
#include "compiler/ir/printer.h"
#include "runtime/jit.h"
#include "targets/registry.h"
#include "tools/sparklec/commands.h"
#include "tools/sparklec/run_report.h"
#include "tools/sparklec/target_choice.h"
#include "tools/sparklec/tensor_files.h"

namespace sparkle::cli {
namespace {

constexpr double kTimedSeconds = 0.5; ///< Without --repeat: about as long as a user waits without noticing.
constexpr int kMostRepeats = 20;

/// What stands between the command line and the machine: a program with its data.
struct Job {
  BoundSource source;
  TensorSet tensors;
  Arguments arguments;
  std::vector<OutputSpec> outputs;
};

Result<Job> prepare(const RunCommand &command, Console &console) {
  SPARKLE_TRY(const std::vector<InputSpec> inputs, parse_inputs(command.inputs));
  SPARKLE_TRY(std::vector<OutputSpec> outputs, parse_outputs(command.outputs));
  SPARKLE_TRY(ProgramSource text, read_program(command.program.file, console));
  SPARKLE_TRY(const CheckedSource source, check_program(std::move(text), console));
  SPARKLE_TRY(const dsl::CheckedKernel *kernel, find_kernel(source, command.program.kernel));
  SPARKLE_TRY(const Defines defines, parse_defines(command.program.defines, *kernel));
  SPARKLE_TRY(TensorSet tensors, TensorSet::read(inputs, *kernel));
  SPARKLE_TRY(dsl::BoundKernel bound, bind_kernel(source, *kernel, defines, tensors.shapes(), console));
  SPARKLE_TRY(Program program, import_kernel(bound, {command.plan.strict}));
  SPARKLE_TRY_STATUS(tensors.complete(program, inputs, outputs));
  if (!outputs.empty()) SPARKLE_TRY_STATUS(tensors.save_inouts(program));
  SPARKLE_TRY(Arguments arguments, tensors.arguments(program, bound, defines.scalars));
  return Job{{std::move(bound), std::move(program)}, std::move(tensors), std::move(arguments), std::move(outputs)};
}

/// A target names the devices that it can make code for.
std::string device_for(const RunCommand &command) {
  if (command.device != "auto" || command.target.empty()) return command.device;
  if (command.target == "reference" || command.target == "vulkan") return command.target;
  return "cpu";
}

Status check_target(const std::string &name) {
  if (name.empty() || find_target(name)) return ok();
  const Error error = find_target(name).error();
  if (error.code != ErrorCode::kInvalidInput) return error;
  return Error{ErrorCode::kUnsupported, "target `" + name + "` is not part of this version; " + error.text};
}

bool is_pass(const std::string &name) {
  const std::vector<std::string_view> passes = pass_names();
  return name == "import" || name == "all" || std::ranges::find(passes, name) != passes.end();
}

Status check_print_after(const std::string &name) {
  if (name.empty() || is_pass(name)) return ok();
  std::string names = "import, all";
  for (const std::string_view pass : pass_names()) names += ", " + std::string(pass);
  return Error{ErrorCode::kInvalidInput, "there is no pass `" + name + "`; there are " + names};
}

void print_program(const Console &console, std::string_view pass, const Program &program) {
  console.to_stderr("; after " + std::string(pass) + "\n" + print(program) + "\n");
}

Result<JitOptions> jit_options(const RunCommand &command, Console &console) {
  JitOptions options;
  options.device = device_for(command);
  options.threads = command.threads;
  options.compile.target = command.target;
  options.compile.isa = command.plan.isa;
  options.compile.strict = command.plan.strict;
  SPARKLE_TRY(options.compile.schedule, load_schedule(command.plan, console));
  if (!command.plan.target_info.empty()) {
    SPARKLE_TRY(options.compile.target_info, load_target_info(command.plan.target_info, console));
  }
  if (!command.print_after.empty())
    options.compile.after_pass = [&](std::string_view pass, const Program &program) {
      if (command.print_after == "all" || pass == command.print_after) print_program(console, pass, program);
    };
  SPARKLE_TRY(options.machine, Machine::open({command.threads, command.plan.isa, VulkanOptions::from_environment()}));
  return options;
}

JitRunOptions first_run(const RunCommand &command) {
  JitRunOptions options;
  options.run.repeats = std::max(command.repeat, 1);
  options.run.warmups = command.warmup >= 0 ? command.warmup : command.repeat > 1 ? 1 : 0;
  options.measure_peak = true;
  options.verify = !command.verify.empty();
  if (command.verify == "full") options.verification.mode = VerifyMode::kFull;
  if (command.verify == "sampled") options.verification.mode = VerifyMode::kSampled;
  return options;
}

bool has_inout(const Program &program) {
  return std::ranges::any_of(program.tensors, [](const Tensor &tensor) { return tensor.role == Role::kInout; });
}

/// Without --repeat: as many runs as fit the time, once it is known how long one takes. A program that changes its
/// inputs runs once.
Result<RunReport> timed(JitKernel &kernel, const Job &job, const RunCommand &command) {
  SPARKLE_TRY(RunReport report, kernel.run(job.arguments, first_run(command)));
  const double once = report.wall.median;
  if (command.repeat > 0 || has_inout(job.source.program) || !(once < kTimedSeconds)) return report;
  JitRunOptions options = first_run(command);
  options.verify = false;
  options.run.repeats = std::clamp(static_cast<int>(kTimedSeconds / std::max(once, 1e-6)), 2, kMostRepeats);
  options.run.warmups = std::max(command.warmup, 1);
  SPARKLE_TRY(RunReport again, kernel.run(job.arguments, options));
  again.verified = report.verified;
  again.verify_mode = report.verify_mode;
  again.verify_exact = report.verify_exact;
  again.verify_text = report.verify_text;
  again.max_abs_error = report.max_abs_error;
  return again;
}

/// Files hold the results of exactly one run, though timing has run the program more often.
Status write_outputs(JitKernel &kernel, Job &job) {
  if (job.outputs.empty()) return ok();
  if (has_inout(job.source.program)) {
    job.tensors.restore_inouts();
    if (auto once = kernel.run(job.arguments); !once) return once.error();
  }
  return job.tensors.write(job.outputs, job.source.bound);
}

/// `auto` on a machine without a GPU: nothing failed, yet the user should know what was not there.
void say_what_was_left_out(const JitKernel &kernel, Machine &machine, RunReport &report) {
  if (!kernel.choice().request.is_auto || !report.fallback_reason.empty() || !machine.vulkan().empty()) return;
  for (const DeviceLeftOut &entry : machine.left_out())
    if (!entry.name.starts_with("target "))
      report.fallback_reason +=
          (report.fallback_reason.empty() ? "no Vulkan device: " : "; ") + entry.name + ": " + entry.reason;
  if (report.fallback_reason.empty()) report.fallback_reason = "no Vulkan device";
}

void print_pass_times(const Console &console, const RunReport &report) {
  for (const PhaseTime &phase : report.phases) {
    char line[96];
    std::snprintf(line, sizeof line, "%10.3f ms  %s\n", phase.ms, phase.name.c_str());
    console.to_stderr(line);
  }
}

} // namespace

Result<ExitCode> run(const RunCommand &command, Console &console) {
  if (command.json) console.use_json();
  if (const Status status = check_print_after(command.print_after); !status) {
    console.fail(status.error());
    return ExitCode::kUsage;
  }
  SPARKLE_TRY_STATUS(check_target(command.target));
  SPARKLE_TRY(Job job, prepare(command, console));
  if (command.print_after == "import" || command.print_after == "all")
    print_program(console, "import", job.source.program);
  SPARKLE_TRY(const JitOptions options, jit_options(command, console));
  SPARKLE_TRY(JitKernel kernel, jit(job.source.program, options));
  SPARKLE_TRY(RunReport report, timed(kernel, job, command));
  report.device_requested = command.device;
  say_what_was_left_out(kernel, *options.machine, report);
  SPARKLE_TRY_STATUS(write_outputs(kernel, job));
  if (command.time_passes) print_pass_times(console, report);
  console.print(command.json ? report_json(report) : report_table(report));
  const bool is_wrong = !report.verify_mode.empty() && !report.verified;
  if (is_wrong) console.to_stderr(bug_message("the results are wrong: " + report.verify_text));
  return is_wrong ? ExitCode::kBug : ExitCode::kDone;
}

} // namespace sparkle::cli
