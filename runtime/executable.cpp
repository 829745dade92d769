#include "runtime/executable.h"

#include <algorithm>

#include "compiler/support/checked_math.h"
#include "runtime/executable_kinds.h"
#include "runtime/timer.h"
#include "targets/reference/interpreter.h"
#include "targets/registry.h"

namespace sparkle {
namespace {

Status check_imported(const Program &program) {
  for (const Kernel &kernel : program.kernels)
    if (kernel.stage != Stage::kImported)
      return Error{ErrorCode::kInvalidInput, "kernel `" + kernel.name + "` is at stage " +
                                                 std::string(name_of(kernel.stage)) +
                                                 "; programs are compiled from stage imported"};
  if (program.kernels.empty()) return Error{ErrorCode::kInvalidInput, "program `" + program.name + "` has no kernels"};
  return ok();
}

/// Loops that the device ends silently, it ends for whatever machine they were planned.
TargetInfo within_rounds_of(const TargetInfo &device, TargetInfo planned) {
  if (device.max_loop_rounds > 0 && (planned.max_loop_rounds == 0 || planned.max_loop_rounds > device.max_loop_rounds))
    planned.max_loop_rounds = device.max_loop_rounds;
  return planned;
}

/// The machine that is planned for: a cap on instruction sets is a cap on lanes and registers.
Result<TargetInfo> planned_machine(Machine &machine, const DeviceInfo &device, const CompileOptions &options) {
  if (options.target_info) return within_rounds_of(device.info, *options.target_info);
  if (options.isa.empty() || device.kind != DeviceKind::kCpu) return device.info;
  SPARKLE_TRY(const std::shared_ptr<Machine> capped, Machine::open({machine.threads(), options.isa, {}}));
  return capped->cpu().info;
}

Status plan(Executable &out, const CompileOptions &options, Program &lowerable) {
  PipelineOptions pipeline;
  pipeline.schedule = options.schedule;
  pipeline.automatic = options.automatic;
  pipeline.verify = options.verify_ir;
  pipeline.after_pass = options.after_pass;
  const Stopwatch watch;
  SPARKLE_TRY(lowerable, run_pipeline(out.imported, pipeline, out.device.info, &out.pipeline));
  out.times.passes = watch.seconds();
  return ok();
}

/// Those that defer to others come last, with their reason.
std::vector<std::string_view> preferred_targets(const Program &program, DeviceKind kind, std::string &reasons) {
  std::vector<std::string_view> names = targets_for(kind);
  std::stable_partition(names.begin(), names.end(), [&](std::string_view name) {
    const Result<const Target *> target = find_target(name);
    const std::string why = target && (*target)->reason_to_defer ? (*target)->reason_to_defer(program) : std::string();
    if (!why.empty()) reasons += (reasons.empty() ? "" : "; ") + std::string(name) + ": " + why;
    return why.empty();
  });
  return names;
}

/// The first target that does not refuse; with a refusal by all, the reasons.
Result<Artifact> lower(const Program &program, Executable &out, const CompileOptions &options) {
  const std::vector<std::string_view> names = options.target.empty()
                                                  ? preferred_targets(program, out.device.kind, out.target_reason)
                                                  : std::vector<std::string_view>{options.target};
  const LowerOptions lowering{options.keep_text, options.assembly, options.isa};
  std::string &refusals = out.target_reason;
  for (const std::string_view name : names) {
    const Result<const Target *> target = find_target(name);
    // A preferred target that this version does not have is no refusal.
    if (!target && target.error().code == ErrorCode::kInvalidInput && options.target.empty()) continue;
    Result<Artifact> artifact =
        target ? (*target)->lower(program, out.device.info, lowering) : Result<Artifact>(target.error());
    if (artifact || artifact.error().code != ErrorCode::kUnsupported) return artifact;
    refusals += (refusals.empty() ? "" : "; ") + std::string(name) + ": " + artifact.error().text;
  }
  return Error{ErrorCode::kUnsupported, refusals};
}

bool has_code(const Artifact &artifact, DeviceKind kind) {
  for (const Launch &launch : artifact.launches)
    if (std::holds_alternative<ShaderCode>(launch.code) != (kind == DeviceKind::kVulkan)) return false;
  return true;
}

Error packs_itself(const Executable &executable) {
  return {ErrorCode::kUnsupported, executable.device.id + " keeps packed constants in its own memory: bind them there"};
}

Status check_packed_address(const void *packed) {
  if (packed && reinterpret_cast<uintptr_t>(packed) % kTensorAlignment == 0) return ok();
  return Error{ErrorCode::kInvalidInput,
               "memory of packed constants must be aligned to " + std::to_string(kTensorAlignment) + " bytes"};
}

/// With packed constants given, `const` tensors may be missing, but not those that a launch reads itself.
Status check_packed(const Executable &executable, const BoundArguments &bound) {
  if (!bound.packed) return ok();
  if (executable.device.kind == DeviceKind::kVulkan) return packs_itself(executable);
  SPARKLE_TRY_STATUS(check_packed_address(bound.packed));
  for (const Launch &launch : executable.artifact.launches)
    for (const TensorId id : launch.buffers)
      if (executable.artifact.tensors[id].role == Role::kConst && !bound.tensors[id])
        return Error{ErrorCode::kInvalidInput, "`" + executable.artifact.tensors[id].name +
                                                   "` is not given, and is read as it is by `" + launch.name + "`"};
  return ok();
}

} // namespace

Result<std::shared_ptr<const Executable>> compile(const Program &imported, const std::shared_ptr<Machine> &machine,
                                                  const DeviceInfo &device, const CompileOptions &options) {
  SPARKLE_TRY_STATUS(check_imported(imported));
  auto out = std::make_shared<Executable>();
  out->machine = machine;
  out->device = device;
  out->imported = imported;
  out->has_user_schedule = !options.schedule.kernels.empty();
  out->is_automatic = options.automatic;
  SPARKLE_TRY(out->device.info, planned_machine(*machine, device, options));
  if (options.strict)
    for (Kernel &kernel : out->imported.kernels) kernel.strict = true;
  Program lowerable = out->imported;
  if (device.kind != DeviceKind::kReference) SPARKLE_TRY_STATUS(plan(*out, options, lowerable));
  Stopwatch watch;
  SPARKLE_TRY(out->artifact, lower(lowerable, *out, options));
  out->times.lower = watch.seconds();
  if (!has_code(out->artifact, device.kind))
    return Error{ErrorCode::kInvalidInput,
                 "target `" + out->artifact.target + "` makes no code for device " + device.id};
  watch.restart();
  if (device.kind == DeviceKind::kVulkan) SPARKLE_TRY_STATUS(load_vulkan(out->artifact, *machine, device.index));
  out->times.load = watch.seconds();
  return std::shared_ptr<const Executable>(std::move(out));
}

Result<std::unique_ptr<Binding>> bind_program(const std::shared_ptr<const Executable> &executable,
                                              const Arguments &arguments) {
  const Artifact &artifact = executable->artifact;
  SPARKLE_TRY(BoundArguments bound, check_arguments(artifact.tensors, artifact.symbols, artifact.uniforms, arguments));
  SPARKLE_TRY_STATUS(check_packed(*executable, bound));
  if (executable->device.kind == DeviceKind::kVulkan) return bind_vulkan(executable, std::move(bound));
  return bind_host(executable, std::move(bound));
}

Status pack_constants(const std::shared_ptr<const Executable> &executable, const Arguments &arguments, void *packed,
                      int64_t bytes) {
  const Artifact &artifact = executable->artifact;
  if (executable->device.kind == DeviceKind::kVulkan) return packs_itself(*executable);
  if (bytes < artifact.packed_bytes)
    return Error{ErrorCode::kInvalidInput, "the packed constants take " + std::to_string(artifact.packed_bytes) +
                                               " bytes, there is memory for " + std::to_string(bytes)};
  if (artifact.packed_bytes > 0) SPARKLE_TRY_STATUS(check_packed_address(packed));
  SPARKLE_TRY(BoundArguments bound,
              check_arguments(artifact.tensors, artifact.symbols, artifact.uniforms, arguments, Needed::kConstants));
  return pack_host(executable, std::move(bound), packed);
}

std::string packed_layout(const Executable &executable) {
  std::string text = executable.artifact.target + "\n" + to_text(executable.pipeline.schedule);
  for (size_t i = 0; i < executable.artifact.tensors.size(); ++i) {
    const Tensor &tensor = executable.artifact.tensors[static_cast<TensorId>(i)];
    if (tensor.role != Role::kPacked && tensor.role != Role::kConst) continue;
    text += tensor.name + " " + std::string(name_of(tensor.element)) + " at " +
            std::to_string(executable.artifact.offsets[i]);
    for (const Extent &extent : tensor.extents) text += " " + std::to_string(extent.value);
    text += "\n";
  }
  uint64_t hash = 0xcbf29ce484222325u; // FNV-1a, 64 bits: short, stable, and against mix-ups only.
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char name[17];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(hash));
  return name;
}

Result<std::vector<int64_t>> tensor_bytes(const Artifact &artifact, const BoundArguments &arguments) {
  std::vector<int64_t> bytes;
  for (const Tensor &tensor : artifact.tensors) {
    SPARKLE_TRY(const int64_t one, reference::bytes_of(tensor, arguments.symbols));
    bytes.push_back(one);
  }
  return bytes;
}

Result<int64_t> task_count(const Launch &launch, const BoundArguments &arguments) {
  int64_t tasks = 1;
  for (const Extent &extent : launch.groups) {
    const auto product = checked_mul(tasks, std::max<int64_t>(value_of(extent, arguments.symbols), 0));
    if (!product)
      return Error{ErrorCode::kShapeOverflow, "the number of tasks of `" + launch.name + "` leaves 64 bits"};
    tasks = *product;
  }
  return tasks;
}

} // namespace sparkle
