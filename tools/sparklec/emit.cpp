#include <algorithm>
#include <span>

#include "compiler/ir/printer.h"
#include "compiler/pipeline/pipeline.h"
#include "dsl/printer.h"
#include "runtime/file_io.h"
#include "targets/c/c_emitter.h"
#include "targets/registry.h"
#include "tools/sparklec/commands.h"
#include "tools/sparklec/program_source.h"
#include "tools/sparklec/target_choice.h"

namespace sparkle::cli {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes bytes_of(const std::string &text) { return Bytes(text.begin(), text.end()); }

constexpr std::string_view kPassPrefix = "ir:";
constexpr std::string_view kStages[] = {"ast", "bound", "ir", "c", "schedule", "vreg", "llvm", "asm", "glsl", "spirv"};

std::string pass_of(const std::string &stage) {
  return stage.starts_with(kPassPrefix) ? stage.substr(kPassPrefix.size()) : "";
}

bool is_stage(const std::string &stage) {
  if (std::ranges::find(kStages, stage) != std::end(kStages)) return true;
  const std::vector<std::string_view> passes = pass_names();
  return std::ranges::find(passes, pass_of(stage)) != passes.end();
}

std::string stage_names() {
  std::string names;
  for (const std::string_view stage : kStages) names += std::string(stage) + ", ";
  for (const std::string_view pass : pass_names()) names += std::string(kPassPrefix) + std::string(pass) + ", ";
  return names.substr(0, names.size() - 2);
}

bool is_for_gpu(const std::string &stage) { return stage == "glsl" || stage == "spirv"; }

struct Planned {
  Program program;
  Schedule schedule;
  TargetInfo info;
};

/// `stop_after` empty: all passes.
Result<Planned> plan(const EmitCommand &command, const Program &program, const std::string &stop_after,
                     Console &console) {
  Planned out;
  SPARKLE_TRY(out.info,
              is_for_gpu(command.stage) ? gpu_or_given(command.plan, console) : cpu_or_given(command.plan, console));
  PipelineOptions options;
  SPARKLE_TRY(options.schedule, load_schedule(command.plan, console));
  options.stop_after = stop_after;
  PipelineReport report;
  SPARKLE_TRY(out.program, run_pipeline(program, options, out.info, &report));
  out.schedule = std::move(report.schedule);
  return out;
}

/// Targets that have the stage, the preferred one first.
std::vector<std::string_view> makers_of(const EmitCommand &command) {
  if (is_for_gpu(command.stage)) return {"vulkan"};
  if (command.stage == "vreg") return {"x86"};
  if (command.stage == "llvm") return {"llvm"};
  if (!command.target.empty()) return {command.target};
  return {"x86", "llvm"};
}

Result<Artifact> lower(const EmitCommand &command, const Program &program, Console &console) {
  SPARKLE_TRY(const Planned planned, plan(command, program, "", console));
  LowerOptions options;
  options.keep_text = true;
  options.assembly = command.stage == "asm";
  options.isa = command.plan.isa;
  std::string refusals;
  for (const std::string_view name : makers_of(command)) {
    const Result<const Target *> target = find_target(name);
    Result<Artifact> artifact =
        target ? (*target)->lower(planned.program, planned.info, options) : Result<Artifact>(target.error());
    if (artifact || artifact.error().code != ErrorCode::kUnsupported) return artifact;
    refusals += (refusals.empty() ? "" : "; ") + std::string(name) + ": " + artifact.error().text;
  }
  return Error{ErrorCode::kUnsupported, refusals};
}

template <class F> void for_each_launch(const Artifact &artifact, F &&f) {
  for (const Launch &launch : artifact.prepack) f(launch);
  for (const Launch &launch : artifact.launches) f(launch);
}

/// One text; where a launch has its own, they follow each other under a line with the launch's name.
std::string text_of(const Artifact &artifact, const std::string &stage) {
  size_t texts = 0;
  for_each_launch(artifact, [&](const Launch &launch) { texts += launch.source_text.empty() ? 0 : 1; });
  const std::string comment = stage == "glsl" ? "//" : stage == "asm" ? "#" : ";";
  std::string out;
  for_each_launch(artifact, [&](const Launch &launch) {
    if (launch.source_text.empty()) return;
    if (texts > 1) out += comment + " launch " + launch.name + "\n";
    out += launch.source_text + (launch.source_text.ends_with('\n') ? "" : "\n");
  });
  return out;
}

Bytes module_of(const ShaderCode &code) {
  Bytes bytes;
  for (const uint32_t word : code.words)
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<uint8_t>(word >> shift));
  return bytes;
}

/// The only module goes to the file named, several to `out.<launch>.spv` each, for `out.spv`.
Status write_modules(const Artifact &artifact, const std::string &path, const Console &console) {
  const size_t modules = artifact.prepack.size() + artifact.launches.size();
  const size_t dot = path.rfind('.'), slash = path.rfind('/');
  const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  Status status = ok();
  for_each_launch(artifact, [&](const Launch &launch) {
    const auto *code = std::get_if<ShaderCode>(&launch.code);
    if (!code || !status) return;
    std::string name = path;
    if (modules > 1) name.insert(has_ending ? dot : path.size(), "." + launch.name);
    status = write_file(name, module_of(*code));
    if (status && modules > 1) console.note("wrote " + name);
  });
  return status;
}

Result<std::string> text_at(const EmitCommand &command, Console &console) {
  if (command.stage == "ast") {
    SPARKLE_TRY(const ProgramSource source, read_program(command.program.file, console));
    return dsl::print(source.ast);
  }
  SPARKLE_TRY(const BoundSource source, load_program(command.program, command.plan.strict, console));
  if (command.stage == "bound") return dsl::print(source.bound);
  if (command.stage == "ir") return print(source.program);
  if (command.stage == "c") return c::emit_c(source.program);
  const std::string pass = command.stage == "schedule" ? "tile" : pass_of(command.stage);
  if (!pass.empty()) {
    SPARKLE_TRY(const Planned planned, plan(command, source.program, pass, console));
    return command.stage == "schedule" ? to_text(planned.schedule) : print(planned.program);
  }
  SPARKLE_TRY(const Artifact artifact, lower(command, source.program, console));
  return text_of(artifact, command.stage);
}

Status emit_modules(const EmitCommand &command, Console &console) {
  SPARKLE_TRY(const BoundSource source, load_program(command.program, command.plan.strict, console));
  SPARKLE_TRY(const Artifact artifact, lower(command, source.program, console));
  return write_modules(artifact, command.output, console);
}

ExitCode refuse_usage(const Console &console, const std::string &text) {
  console.to_stderr("sparklec: error: " + text + "\n");
  return ExitCode::kUsage;
}

} // namespace

Result<ExitCode> emit(const EmitCommand &command, Console &console) {
  if (!is_stage(command.stage))
    return refuse_usage(console, "there is no stage `" + command.stage + "`; there are " + stage_names());
  if (command.stage == "spirv") {
    if (command.output.empty()) return refuse_usage(console, "`spirv` is binary: name a file with -o");
    SPARKLE_TRY_STATUS(emit_modules(command, console));
    return ExitCode::kDone;
  }
  SPARKLE_TRY(const std::string text, text_at(command, console));
  if (command.output.empty())
    console.print(text);
  else
    SPARKLE_TRY_STATUS(write_file(command.output, bytes_of(text)));
  return ExitCode::kDone;
}

} // namespace sparkle::cli
