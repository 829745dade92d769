#include <algorithm>
#include <filesystem>

#include "compiler/pipeline/pipeline.h"
#include "targets/registry.h"
#include "tools/aot/build_targets.h"
#include "tools/aot/c_header.h"
#include "tools/aot/c_names.h"
#include "tools/aot/dependency_file.h"
#include "tools/aot/output_files.h"
#include "tools/aot/shader_files.h"
#include "tools/sparklec/commands.h"
#include "tools/sparklec/program_source.h"
#include "tools/sparklec/target_choice.h"

namespace sparkle::cli {
namespace {

constexpr const char *kCompiler = "sparklec " SPARKLE_VERSION;

/// What is built, and what came of it so far.
struct Build {
  const BuildCommand &command;
  Program program;
  std::string name;
  Schedule schedule;
  std::vector<aot::TargetRequest> targets;
  std::vector<aot::OutputFile> files;
  std::vector<ObjectCode> objects; ///< One for each of `variants`.
  std::vector<aot::HeaderVariant> variants;
};

Error in_target(const aot::TargetRequest &request, const Error &error) {
  return Error{error.code, "target `" + std::string(request.target->name) + "`: " + error.text};
}

Result<TargetInfo> machine_of(const Build &build, const aot::TargetRequest &request, Console &console) {
  const std::string &given = build.command.plan.target_info;
  return load_target_info(given.empty() ? request.plan : given, console);
}

/// The passes choose for each target anew.
Result<Program> lower(const Build &build, const TargetInfo &info) {
  PipelineOptions options;
  options.schedule = build.schedule;
  return run_pipeline(build.program, options, info);
}

Status add_object(Build &build, const aot::TargetRequest &request, const Target &target, const Program &program,
                  const TargetInfo &info) {
  const std::string machine(request.target->name);
  if (!target.emit_object) return Error{ErrorCode::kUnsupported, "this target makes no objects"};
  SPARKLE_TRY(ObjectCode code, target.emit_object(program, info, {machine, build.name}));
  const std::string file = build.name + "." + machine + ".o";
  build.files.push_back({file, std::move(code.bytes)});
  build.objects.push_back(std::move(code));
  build.variants.push_back({machine, file, nullptr, request.target->is_dispatched});
  return ok();
}

Status add_shaders(Build &build, const aot::TargetRequest &request, const Target &target, const Program &program,
                   const TargetInfo &info) {
  LowerOptions options;
  options.keep_text = true;
  SPARKLE_TRY(const Artifact artifact, target.lower(program, info, options));
  const std::string &given = build.command.plan.target_info;
  const std::string plan = std::filesystem::path(given.empty() ? request.plan : given).filename().string();
  SPARKLE_TRY(std::vector<aot::OutputFile> files, aot::shader_files(artifact, {build.name, plan, kCompiler}));
  for (aot::OutputFile &file : files) build.files.push_back(std::move(file));
  return ok();
}

Status build_one(Build &build, const aot::TargetRequest &request, Console &console) {
  SPARKLE_TRY(const TargetInfo info, machine_of(build, request, console));
  SPARKLE_TRY(const Target *target, find_target(request.target->target));
  SPARKLE_TRY(const Program program, lower(build, info));
  const bool is_object = request.target->output == aot::Output::kObject;
  return is_object ? add_object(build, request, *target, program, info)
                   : add_shaders(build, request, *target, program, info);
}

/// The dispatcher, where variants need one, and the header.
Status add_c_files(Build &build) {
  if (build.variants.empty()) return ok();
  aot::HeaderOptions header{build.name, kCompiler, "", build.variants};
  DispatcherOptions dispatcher{{}, build.name};
  for (size_t i = 0; i < build.variants.size(); ++i) {
    header.variants[i].plan = &build.objects[i].plan;
    if (build.variants[i].is_dispatched) dispatcher.machines.push_back(build.variants[i].machine);
  }
  if (!dispatcher.machines.empty()) {
    SPARKLE_TRY(const Target *target, find_target("llvm"));
    SPARKLE_TRY(std::vector<uint8_t> bytes, target->emit_dispatcher(build.objects.front().plan, dispatcher));
    header.dispatcher = build.name + ".dispatch.o";
    build.files.push_back({header.dispatcher, std::move(bytes)});
  }
  build.files.push_back(aot::text_file(build.name + ".h", aot::c_header(header)));
  return ok();
}

/// Machine descriptions and schedules that are files count as inputs.
void add_dependencies(Build &build) {
  const BuildCommand &command = build.command;
  std::vector<std::string> outputs, inputs{command.program.file};
  for (const aot::OutputFile &file : build.files) outputs.push_back(aot::path_in(command.folder, file.name));
  const auto add_input = [&](const std::string &path) {
    std::error_code ignored;
    const bool is_known = std::ranges::find(inputs, path) != inputs.end();
    if (!path.empty() && !is_known && std::filesystem::is_regular_file(path, ignored)) inputs.push_back(path);
  };
  add_input(command.plan.schedule);
  add_input(command.plan.target_info);
  for (const aot::TargetRequest &request : build.targets) add_input(request.plan);
  std::string file = command.dependency_file.empty() ? build.name + ".d" : command.dependency_file;
  // A name given is relative to where the user is, not to the folder.
  if (!command.dependency_file.empty() && !file.starts_with('/')) file.insert(0, "./");
  build.files.push_back(aot::text_file(std::move(file), aot::dependency_text(outputs, inputs)));
}

ExitCode refuse_usage(const Console &console, const std::string &text) {
  console.to_stderr("sparklec: error: " + text + "\n");
  return ExitCode::kUsage;
}

Status compile_all(Build &build, Console &console) {
  for (const aot::TargetRequest &request : build.targets)
    if (const Status done = build_one(build, request, console); !done) return in_target(request, done.error());
  SPARKLE_TRY_STATUS(add_c_files(build));
  if (build.command.dependencies) add_dependencies(build);
  return ok();
}

} // namespace

Result<ExitCode> build(const BuildCommand &command, Console &console) {
  Result<std::vector<aot::TargetRequest>> targets = aot::parse_targets(command.targets);
  if (!targets) return refuse_usage(console, targets.error().text);
  if (!command.plan.target_info.empty() && targets->size() > 1)
    return refuse_usage(console, "--target-info is for a single target; with several, write --target NAME=MACHINE");
  SPARKLE_TRY(BoundSource source, load_program(command.program, command.plan.strict, console));
  Build build{command, std::move(source.program), command.name, {}, std::move(*targets), {}, {}, {}};
  if (build.name.empty()) build.name = build.program.name;
  SPARKLE_TRY_STATUS(aot::check_c_name(build.name));
  SPARKLE_TRY(build.schedule, load_schedule(command.plan, console));
  SPARKLE_TRY_STATUS(compile_all(build, console));
  SPARKLE_TRY_STATUS(aot::write_output_files(command.folder, build.files));
  for (const aot::OutputFile &file : build.files) console.print(aot::path_in(command.folder, file.name) + "\n");
  return ExitCode::kDone;
}

} // namespace sparkle::cli
