#include "bindings/c/internal.h"

namespace sparkle::capi {
namespace {

Error wrong(std::string text) { return {ErrorCode::kInvalidInput, std::move(text)}; }

constexpr Scalar kScalars[] = {Scalar::kF32, Scalar::kF16, Scalar::kBF16, Scalar::kI32, Scalar::kI8, Scalar::kU8};

Result<HostTensor> read_tensor(const std::string &name, const sparkle_tensor &given) {
  if (given.element < SPARKLE_F32 || given.element > SPARKLE_U8)
    return wrong("`" + name + "` has no known element type");
  if (given.rank < 0 || given.rank > SPARKLE_MAX_RANK)
    return wrong("`" + name + "` has rank " + std::to_string(given.rank) + ", the most is " +
                 std::to_string(SPARKLE_MAX_RANK));
  if (given.rank > 0 && !given.shape) return wrong("`" + name + "` has no shape");
  std::vector<int64_t> shape(given.shape, given.shape + given.rank), strides;
  if (given.strides) strides.assign(given.strides, given.strides + given.rank);
  Result<HostTensor> tensor =
      HostTensor::borrow(given.data, kScalars[given.element - SPARKLE_F32], std::move(shape), std::move(strides));
  if (!tensor) return Error{tensor.error().code, "`" + name + "`: " + tensor.error().text};
  return tensor;
}

} // namespace

sparkle_element element_of(Scalar scalar) {
  for (int i = 0; i < 6; ++i)
    if (kScalars[i] == scalar) return static_cast<sparkle_element>(SPARKLE_F32 + i);
  return SPARKLE_I32; // Arguments have no other types.
}

Result<Call> read_call(const sparkle_call *given) {
  sparkle_call call = SPARKLE_CALL_INIT;
  if (!read_struct(given, call)) return wrong("the call has no known size");
  Call out;
  for (size_t i = 0; i < call.argument_count; ++i) {
    const sparkle_argument &argument = call.arguments[i];
    if (!argument.name) return wrong("argument number " + std::to_string(i) + " has no name");
    SPARKLE_TRY(HostTensor tensor, read_tensor(argument.name, argument.tensor));
    out.tensors.push_back(std::make_unique<HostTensor>(std::move(tensor)));
    out.arguments.tensors.emplace_back(std::string(argument.name), out.tensors.back().get());
  }
  for (size_t i = 0; i < call.scalar_count; ++i)
    out.arguments.uniforms.emplace_back(call.scalars[i].name ? call.scalars[i].name : "", call.scalars[i].value);
  for (size_t i = 0; i < call.size_count; ++i)
    out.arguments.symbols.emplace_back(call.sizes[i].name ? call.sizes[i].name : "", call.sizes[i].value);
  out.arguments.packed = call.packed;
  return out;
}

} // namespace sparkle::capi

using namespace sparkle;
using namespace sparkle::capi;

namespace {

sparkle_error *give_report(RunReport report, sparkle_report **out) {
  if (!out) return nullptr;
  auto made = std::make_unique<sparkle_report>();
  made->json = to_json(report);
  made->text = to_text(report);
  made->report = std::move(report);
  *out = made.release();
  return nullptr;
}

} // namespace

sparkle_error *sparkle_pack(sparkle_kernel *kernel, const sparkle_call *call, void *packed, int64_t bytes) {
  return guarded([&]() -> sparkle_error * {
    SPARKLE_CAPI_TRY(const Call given, read_call(call));
    const Status status = pack_constants(kernel->kernel.shared_executable(), given.arguments, packed, bytes);
    return status ? nullptr : error_of(status.error());
  });
}

sparkle_error *sparkle_run(sparkle_kernel *kernel, const sparkle_call *call, const sparkle_run_options *options,
                           sparkle_report **report) {
  return guarded([&]() -> sparkle_error * {
    sparkle_run_options wanted = SPARKLE_RUN_OPTIONS_INIT;
    if (!read_struct(options, wanted)) return invalid("the run's options have no known size");
    if (wanted.repeats < 1 || wanted.warmups < 0)
      return invalid("a run is repeated at least once, after 0 or more others");
    SPARKLE_CAPI_TRY(const Call given, read_call(call));
    JitRunOptions run;
    run.run.repeats = wanted.repeats;
    run.run.warmups = wanted.warmups;
    run.verify = wanted.verify != 0;
    run.measure_peak = wanted.measure_peak != 0;
    const std::shared_ptr<const Executable> before = kernel->kernel.shared_executable();
    SPARKLE_CAPI_TRY(RunReport done, kernel->kernel.run(given.arguments, run));
    if (kernel->kernel.shared_executable() != before) { // It fell back.
      kernel->schedule = to_text(kernel->kernel.executable().pipeline.schedule);
      kernel->packed_layout = packed_layout(kernel->kernel.executable());
    }
    return give_report(std::move(done), report);
  });
}

sparkle_error *sparkle_bind(sparkle_kernel *kernel, const sparkle_call *call, sparkle_binding **binding) {
  return guarded([&]() -> sparkle_error * {
    if (!binding) return invalid("no place for the binding is given");
    SPARKLE_CAPI_TRY(Call given, read_call(call));
    SPARKLE_CAPI_TRY(std::unique_ptr<Binding> bound, kernel->kernel.bind(given.arguments));
    auto made = std::make_unique<sparkle_binding>();
    made->executable = kernel->kernel.shared_executable();
    made->tensors = std::move(given.tensors);
    made->binding = std::move(bound);
    *binding = made.release();
    return nullptr;
  });
}

sparkle_error *sparkle_binding_run(sparkle_binding *binding) {
  return guarded([&]() -> sparkle_error * {
    if (const auto times = binding->binding->run(); !times) return error_of(times.error());
    const Status fetched = binding->binding->fetch();
    return fetched ? nullptr : error_of(fetched.error());
  });
}

sparkle_error *sparkle_binding_refresh(sparkle_binding *binding, int32_t constants) {
  return guarded([&]() -> sparkle_error * {
    const Status status = binding->binding->refresh(constants != 0);
    return status ? nullptr : error_of(status.error());
  });
}

void sparkle_binding_free(sparkle_binding *binding) { delete binding; }

const char *sparkle_report_json(const sparkle_report *report) { return report->json.c_str(); }
const char *sparkle_report_text(const sparkle_report *report) { return report->text.c_str(); }
const char *sparkle_report_device(const sparkle_report *report) { return report->report.device_used.c_str(); }
int32_t sparkle_report_verified(const sparkle_report *report) { return report->report.verified ? 1 : 0; }
double sparkle_report_wall_seconds(const sparkle_report *report) { return report->report.wall.median; }
double sparkle_report_kernel_seconds(const sparkle_report *report) {
  return report->report.kernel_time.count > 0 ? report->report.kernel_time.median : 0;
}
double sparkle_report_gflops(const sparkle_report *report) { return report->report.gflops; }
void sparkle_report_free(sparkle_report *report) { delete report; }
