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

constexpr double kTimedSeconds = 0.1; ///< Without --repeat: less than a user notices.
constexpr int kMostRepeats = 10;

/// The command line, read.
struct Request {
  CheckedSource source;
  std::string kernel;
  Defines defines;
  OpenDimensions open;
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  bool strict = false;
};

/// What stands between the command line and the machine: a program with its data.
struct Job {
  BoundSource source;
  TensorSet tensors;
  Arguments arguments;
  int64_t flops = 0, flops_executed = 0; ///< With open dimensions: of the extents of this run.
};

Result<Request> read_request(const RunCommand &command, Console &console) {
  SPARKLE_TRY(std::vector<InputSpec> inputs, parse_inputs(command.inputs));
  SPARKLE_TRY(std::vector<OutputSpec> outputs, parse_outputs(command.outputs));
  SPARKLE_TRY(OpenDimensions open, OpenDimensions::parse(command.program.open));
  if (open.runs() > 1 && !outputs.empty())
    return Error{ErrorCode::kInvalidInput,
                 "--output takes the result of one run, and --open asks for " + std::to_string(open.runs())};
  SPARKLE_TRY(ProgramSource text, read_program(command.program.file, console));
  SPARKLE_TRY(CheckedSource source, check_program(std::move(text), console));
  SPARKLE_TRY(const dsl::CheckedKernel *kernel, find_kernel(source, command.program.kernel));
  SPARKLE_TRY(Defines defines, parse_defines(command.program.defines, *kernel));
  defines.open = open.names();
  for (const std::string &name : defines.open)
    if (defines.ints.contains(name))
      return Error{ErrorCode::kInvalidInput, "`" + name + "` is given with -D and left open with --open"};
  std::string name = kernel->name;
  return Request{std::move(source), std::move(name),    std::move(defines), std::move(open),
                 std::move(inputs), std::move(outputs), command.plan.strict};
}

/// With every extent known: proves anew what the code takes for granted, and counts the operations.
Status close(const Request &request, const dsl::CheckedKernel &kernel, const std::map<std::string, int64_t> &extents,
             Job &job, Console &console) {
  Defines defines = request.defines;
  defines.open.clear();
  for (const auto &[name, extent] : extents) defines.ints[name] = extent;
  SPARKLE_TRY(const dsl::BoundKernel bound,
              bind_kernel(request.source, kernel, defines, job.tensors.shapes(), console));
  SPARKLE_TRY(const Program program, import_kernel(bound, {request.strict}));
  job.flops = program.flops;
  job.flops_executed = program.flops_executed;
  return ok();
}

Result<Job> prepare(const Request &request, size_t run, Console &console) {
  SPARKLE_TRY(const dsl::CheckedKernel *kernel, find_kernel(request.source, request.kernel));
  SPARKLE_TRY(TensorSet tensors, TensorSet::read(request.inputs, *kernel));
  SPARKLE_TRY(dsl::BoundKernel bound, bind_kernel(request.source, *kernel, request.defines, tensors.shapes(), console));
  SPARKLE_TRY(Program program, import_kernel(bound, {request.strict}));
  Job job{{std::move(bound), std::move(program)}, std::move(tensors), {}};
  const std::map<std::string, int64_t> extents = request.open.extents_of(run);
  SPARKLE_TRY_STATUS(job.tensors.complete(job.source.program, request.inputs, request.outputs, extents));
  if (!request.open.empty()) SPARKLE_TRY_STATUS(close(request, *kernel, extents, job, console));
  if (!request.outputs.empty()) SPARKLE_TRY_STATUS(job.tensors.save_inouts(job.source.program));
  SPARKLE_TRY(job.arguments, job.tensors.arguments(job.source.program, job.source.bound, request.defines.scalars));
  return job;
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
  if (!command.print_after.empty()) {
    options.compile.verify_ir = Verification::kAfterEachPass;
    options.compile.after_pass = [&](std::string_view pass, const Program &program) {
      if (command.print_after == "all" || pass == command.print_after) print_program(console, pass, program);
    };
  }
  SPARKLE_TRY(options.machine, Machine::open({command.threads, command.plan.isa, VulkanOptions::from_environment()}));
  return options;
}

bool has_inout(const Program &program) {
  return std::ranges::any_of(program.tensors, [](const Tensor &tensor) { return tensor.role == Role::kInout; });
}

/// Without --repeat: as many runs as fit the time, once it is known how long one takes. A program that changes its
/// inputs runs once.
JitRunOptions run_options(const RunCommand &command, const Job &job) {
  JitRunOptions options;
  options.flops = job.flops;
  options.flops_executed = job.flops_executed;
  const bool runs_once = command.repeat == 0 && has_inout(job.source.program);
  const bool fills_time = command.repeat == 0 && !runs_once;
  options.seconds = fills_time ? kTimedSeconds : 0;
  options.run.repeats = fills_time ? kMostRepeats : std::max(command.repeat, 1);
  options.run.warmups = command.warmup >= 0 ? command.warmup : command.repeat > 1 ? 1 : 0;
  options.measure_peak = true;
  options.verify = !command.verify.empty();
  if (command.verify == "full") options.verification.mode = VerifyMode::kFull;
  if (command.verify == "sampled") options.verification.mode = VerifyMode::kSampled;
  return options;
}

/// Files hold the results of exactly one run, though timing has run the program more often.
Status write_outputs(JitKernel &kernel, const std::vector<OutputSpec> &outputs, Job &job) {
  if (outputs.empty()) return ok();
  if (has_inout(job.source.program)) {
    job.tensors.restore_inouts();
    if (auto once = kernel.run(job.arguments); !once) return once.error();
  }
  return job.tensors.write(outputs, job.source.bound);
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

/// False: the results were compared, and are wrong.
Result<bool> run_once(const RunCommand &command, const Request &request, JitKernel &kernel, Machine &machine, Job &job,
                      std::vector<RunReport> &reports) {
  SPARKLE_TRY(RunReport report, kernel.run(job.arguments, run_options(command, job)));
  report.device_requested = command.device;
  say_what_was_left_out(kernel, machine, report);
  SPARKLE_TRY_STATUS(write_outputs(kernel, request.outputs, job));
  reports.push_back(report);
  return report.verify_mode.empty() || report.verified;
}

/// Several runs in JSON are one object all the same.
std::string text_of(const std::vector<RunReport> &reports, const Request &request, bool json) {
  if (reports.size() == 1) return json ? report_json(reports[0]) : report_table(reports[0]);
  std::string text = json ? "{\"runs\": [\n" : "";
  for (size_t i = 0; i < reports.size(); ++i) {
    std::string extents;
    for (const auto &[name, extent] : request.open.extents_of(i))
      extents += (extents.empty() ? "" : ", ") + name + " = " + std::to_string(extent);
    if (json)
      text += (i > 0 ? "," : "") + report_json(reports[i]);
    else
      text += extents + "\n" + report_table(reports[i]) + (i + 1 < reports.size() ? "\n" : "");
  }
  return text + (json ? "]}\n" : "");
}

} // namespace

Result<ExitCode> run(const RunCommand &command, Console &console) {
  if (command.json) console.use_json();
  if (const Status status = check_print_after(command.print_after); !status) {
    console.fail(status.error());
    return ExitCode::kUsage;
  }
  SPARKLE_TRY_STATUS(check_target(command.target));
  SPARKLE_TRY(const Request request, read_request(command, console));
  SPARKLE_TRY(Job job, prepare(request, 0, console));
  if (command.print_after == "import" || command.print_after == "all")
    print_program(console, "import", job.source.program);
  SPARKLE_TRY(const JitOptions options, jit_options(command, console));
  SPARKLE_TRY(JitKernel kernel, jit(job.source.program, options));
  std::vector<RunReport> reports;
  bool right = true;
  for (size_t run = 0; run < request.open.runs() && right; ++run) {
    if (run > 0) {
      SPARKLE_TRY(job, prepare(request, run, console));
    }
    SPARKLE_TRY(right, run_once(command, request, kernel, *options.machine, job, reports));
  }
  if (command.time_passes) print_pass_times(console, reports.back());
  console.print(text_of(reports, request, command.json));
  if (!right) console.to_stderr(bug_message("the results are wrong: " + reports.back().verify_text));
  return right ? ExitCode::kDone : ExitCode::kBug;
}

} // namespace sparkle::cli
