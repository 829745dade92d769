#include "compiler/passes/place.h"

#include "compiler/analysis/imported.h"
#include "compiler/passes/place_tiles.h"
#include "compiler/schedule/inlining.h"

namespace sparkle {
namespace {

bool is_at_loop(const Kernel &kernel, const Schedule &schedule) {
  const KernelSchedule *entry = schedule.find(kernel.name);
  return entry && entry->placement == Placement::kAt;
}

/// A group must hold its tiles of all lets at once.
Status check_near(const Program &program, const Fusion &fusion, const TargetInfo &info) {
  int64_t bytes = 0;
  for (const FusedLet &let : fusion.lets) bytes += let.near_elements * bytes_of(program.tensors[let.tensor].element);
  if (info.near_bytes == 0 || bytes <= info.near_bytes) return ok();
  return Error{ErrorCode::kBadSchedule, "`place at` of `" + program.kernels[fusion.lets.front().kernel].name +
                                            "`: a group of `" + program.kernels[fusion.consumer].name + "` holds " +
                                            std::to_string(bytes) + " bytes, the machine has " +
                                            std::to_string(info.near_bytes) + " of near memory"};
}

bool reads_constants_alone(const Kernel &kernel, const Program &program) {
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i) {
    const Buffer &buffer = kernel.buffer(BufferId{i});
    if (!is_valid(buffer.tensor)) continue;
    Role role = program.tensors[buffer.tensor].role;
    bool written = definition_of(kernel).store->buffer == BufferId{i};
    if (!written && role != Role::kConst && role != Role::kPacked) return false;
  }
  // Scalars of the call change from run to run.
  for (uint32_t i = 0; i < kernel.var_count(); ++i)
    if (kernel.var(VarId{i}).kind == VarKind::kUniform) return false;
  return true;
}

Status check_names(const Program &program, const Schedule &schedule) {
  for (const KernelSchedule &entry : schedule.kernels) {
    bool known = false;
    for (const Kernel &kernel : program.kernels) known |= kernel.name == entry.kernel;
    for (const Kernel &kernel : program.prepack) known |= kernel.name == entry.kernel;
    if (!known && !entry.kernel.ends_with(".pack") && !entry.kernel.ends_with(".part"))
      return Error{ErrorCode::kBadSchedule, "the schedule names kernel `" + entry.kernel + "`, which program `" +
                                                program.name + "` does not define"};
  }
  return ok();
}

/// Buffers say what their tensors became.
void renew_roles(Program &program) {
  for (std::vector<Kernel> *kernels : {&program.prepack, &program.kernels})
    for (Kernel &kernel : *kernels)
      for (uint32_t i = 0; i < kernel.buffer_count(); ++i)
        if (Buffer &buffer = kernel.buffer(BufferId{i}); is_valid(buffer.tensor))
          buffer.role = program.tensors[buffer.tensor].role;
}

} // namespace

Result<Program> place(const Program &in, const PlaceOptions &options, const TargetInfo &info) {
  SPARKLE_TRY_STATUS(check_names(in, options.schedule));
  Program out = in;
  out.kernels.clear();
  Program inlined = inline_lets(in, options.schedule);
  for (Kernel &kernel : inlined.kernels) {
    TensorId tensor = tensor_written(kernel);
    bool is_let = out.tensors[tensor].role == Role::kWorkspace;
    if (is_let && !is_at_loop(kernel, options.schedule) && reads_constants_alone(kernel, out)) {
      out.tensors[tensor].role = Role::kPacked;
      out.prepack.push_back(std::move(kernel));
    } else {
      out.kernels.push_back(std::move(kernel));
    }
  }
  renew_roles(out);
  SPARKLE_TRY(std::vector<Fusion> fusions, plan_fusions(out, options.schedule));
  for (const Fusion &fusion : fusions) {
    SPARKLE_TRY_STATUS(check_near(out, fusion, info));
    tile_lets(out, fusion);
  }
  return out;
}

} // namespace sparkle
