#include "bindings/c/internal.h"

using namespace sparkle;
using namespace sparkle::capi;

namespace {

Result<ImportRequest> import_request(const sparkle_jit_options &options) {
  ImportRequest request;
  if (options.kernel) request.kernel = options.kernel;
  for (size_t i = 0; i < options.size_count; ++i) {
    if (!options.sizes[i].name) return Error{ErrorCode::kInvalidInput, "a size has no name"};
    if (!request.values.emplace(options.sizes[i].name, options.sizes[i].value).second)
      return Error{ErrorCode::kInvalidInput, "`" + std::string(options.sizes[i].name) + "` is given twice"};
  }
  for (size_t i = 0; i < options.open_count; ++i) request.open.insert(options.open[i] ? options.open[i] : "");
  request.strict = options.strict != 0;
  return request;
}

Result<StridesByName> layouts(const sparkle_jit_options &options) {
  StridesByName strides;
  for (size_t i = 0; i < options.layout_count; ++i) {
    const sparkle_layout &one = options.layouts[i];
    if (!one.name || (!one.strides && one.rank > 0) || one.rank < 0 || one.rank > SPARKLE_MAX_RANK)
      return Error{ErrorCode::kInvalidInput, "layout number " + std::to_string(i) +
                                                 " has no name, no strides or a rank " + "that is not in 0.." +
                                                 std::to_string(SPARKLE_MAX_RANK)};
    strides[one.name] = std::vector<int64_t>(one.strides, one.strides + one.rank);
  }
  return strides;
}

/// The error of the schedule's text, or of parsing it.
sparkle_error *read_schedule(const char *text, Schedule &schedule) {
  if (!text) return nullptr;
  const Source source("schedule", text);
  Diagnostics diagnostics;
  Result<Schedule> parsed = parse_schedule(source, diagnostics);
  if (!parsed) return error_of(parsed.error(), diagnostics, source);
  schedule = std::move(*parsed);
  return nullptr;
}

sparkle_error *compile_text(const Source &source, const sparkle_jit_options &given, sparkle_kernel **kernel) {
  JitOptions options;
  if (given.device) options.device = given.device;
  if (given.target) options.compile.target = given.target;
  options.compile.strict = given.strict != 0;
  if (given.machine) {
    options.machine = given.machine->machine;
    options.cache = given.machine->cache;
  }
  if (sparkle_error *error = read_schedule(given.schedule, options.compile.schedule)) return error;
  SPARKLE_CAPI_TRY(ImportRequest request, import_request(given));
  SPARKLE_CAPI_TRY(request.strides, layouts(given));
  Diagnostics diagnostics;
  Result<JitKernel> compiled = jit(source, request, options, &diagnostics);
  if (!compiled) return error_of(compiled.error(), diagnostics, source);
  auto made = std::make_unique<sparkle_kernel>(sparkle_kernel{std::move(*compiled), "", ""});
  const Executable &executable = made->kernel.executable();
  made->schedule = to_text(executable.pipeline.schedule);
  made->packed_layout = packed_layout(executable);
  *kernel = made.release();
  return nullptr;
}

const Executable &executable_of(const sparkle_kernel *kernel) { return kernel->kernel.executable(); }

sparkle_role role_of(Role role) {
  if (role == Role::kConst) return SPARKLE_CONST;
  if (role == Role::kOutput) return SPARKLE_OUTPUT;
  return role == Role::kInout ? SPARKLE_INOUT : SPARKLE_INPUT;
}

void describe(const Tensor &tensor, sparkle_tensor_info &info) {
  info = {};
  info.name = tensor.name.c_str();
  info.role = role_of(tensor.role);
  info.element = element_of(tensor.element);
  info.rank = static_cast<int32_t>(tensor.extents.size());
  info.alignment = tensor.alignment;
  int64_t dense = 1;
  for (size_t d = tensor.extents.size(); d-- > 0;) {
    const Extent &extent = tensor.extents[d];
    info.shape[d] = extent.is_constant() ? extent.value : -1;
    info.strides[d] = tensor.strides.empty() ? dense : tensor.strides[d];
    dense = extent.is_constant() && dense >= 0 ? dense * extent.value : -1;
  }
}

} // namespace

sparkle_error *sparkle_jit(const char *name, const char *text, size_t length, const sparkle_jit_options *options,
                           sparkle_kernel **kernel) {
  return guarded([&]() -> sparkle_error * {
    if (!kernel) return invalid("no place for the kernel is given");
    if (!text) return invalid("no source text is given");
    sparkle_jit_options given = SPARKLE_JIT_OPTIONS_INIT;
    if (!read_struct(options, given)) return invalid("the options have no known size");
    return compile_text(Source(name ? name : "kernel", std::string(text, length)), given, kernel);
  });
}

void sparkle_kernel_free(sparkle_kernel *kernel) { delete kernel; }

size_t sparkle_kernel_tensor_count(const sparkle_kernel *kernel) {
  size_t count = 0;
  for (const Tensor &tensor : executable_of(kernel).imported.tensors) count += is_argument(tensor.role) ? 1 : 0;
  return count;
}

sparkle_error *sparkle_kernel_tensor(const sparkle_kernel *kernel, size_t number, sparkle_tensor_info *info) {
  return guarded([&]() -> sparkle_error * {
    size_t left = number;
    for (const Tensor &tensor : executable_of(kernel).imported.tensors) {
      if (!is_argument(tensor.role) || left-- > 0) continue;
      return describe(tensor, *info), nullptr;
    }
    return invalid("there is no tensor number " + std::to_string(number));
  });
}

const char *sparkle_kernel_scalar(const sparkle_kernel *kernel, size_t number) {
  const auto &uniforms = executable_of(kernel).imported.uniforms;
  return number < uniforms.size() ? uniforms[static_cast<UniformId>(number)].name.c_str() : nullptr;
}

const char *sparkle_kernel_device(const sparkle_kernel *kernel) { return executable_of(kernel).device.id.c_str(); }
const char *sparkle_kernel_fallback_reason(const sparkle_kernel *kernel) {
  return kernel->kernel.fallback_reason().c_str();
}
const char *sparkle_kernel_schedule(const sparkle_kernel *kernel) { return kernel->schedule.c_str(); }
int64_t sparkle_kernel_flops(const sparkle_kernel *kernel) { return executable_of(kernel).artifact.flops; }
int64_t sparkle_kernel_workspace_bytes(const sparkle_kernel *kernel) {
  return executable_of(kernel).artifact.workspace_bytes;
}
int64_t sparkle_kernel_packed_bytes(const sparkle_kernel *kernel) {
  return executable_of(kernel).artifact.packed_bytes;
}
const char *sparkle_kernel_packed_layout(const sparkle_kernel *kernel) { return kernel->packed_layout.c_str(); }
