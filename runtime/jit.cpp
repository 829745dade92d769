#include "runtime/jit.h"

#include <algorithm>
#include <new>

#include "runtime/kernel_cache.h"
#include "runtime/paired_timing.h"
#include "runtime/peaks.h"

namespace sparkle {
namespace {

/// A peak below what was just reached was disturbed, and is measured again, so often in all.
constexpr int kMostProbes = 3;

/// Exceptions end here.
template <class F> auto guarded(F &&work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc &) {
    return Error{ErrorCode::kOutOfMemory, "the system gave no memory"};
  } catch (const std::exception &failure) { // InternalError, and what libraries throw against their word
    return Error{ErrorCode::kInternal, failure.what()};
  }
}

/// Runs once and compares: later runs would change what `inout` tensors hold.
Status verify_first_run(Binding &binding, const VerifyOptions &options, RunReport &report) {
  SPARKLE_TRY(const Verifier verifier, Verifier::prepare(binding.executable().imported, binding.arguments(), options));
  if (auto first = binding.run(); !first) return first.error();
  SPARKLE_TRY_STATUS(binding.fetch());
  Result<VerifyReport> verification = verifier.check();
  if (verification) {
    add_verification(report, *verification);
  } else if (verification.error().code == ErrorCode::kUnsupported) {
    report.verify_text = "not compared: " + verification.error().text;
  } else {
    return verification.error();
  }
  return ok();
}

/// Once; and where that is short again, for it was the first.
Result<RunTimes> run_for(Binding &binding, RunOptions options, double seconds) {
  const int most = options.repeats;
  options.repeats = 1;
  SPARKLE_TRY(RunTimes first, binding.run(options));
  const double once = first.wall.front();
  if (!(once < seconds)) return first;
  options.warmups = 0;
  options.repeats = static_cast<int>(std::clamp(seconds / std::max(once, 1e-6), 1.0, std::max<double>(most, 1)));
  return binding.run(options);
}

/// The processor is probed around each run, for its speed drifts; other devices once before and once after, and the
/// higher peak counts, for the other may have met a disturbance.
Status time_runs(Binding &binding, const JitRunOptions &options, RunReport &report) {
  const Executable &executable = binding.executable();
  const WorkerPool pool = options.run.pool ? *options.run.pool : executable.machine->pool();
  if (report.threads > 0) report.threads = pool.workers;
  const auto probe = [&]() -> Result<double> {
    return options.measure_peak ? measure_peak(*executable.machine, executable.device, pool) : Result<double>(0.0);
  };
  if (options.seconds > 0) {
    SPARKLE_TRY(const RunTimes times, run_for(binding, options.run, options.seconds));
    add_times(report, times, 0);
    double peak = 0;
    for (int i = 0; i < (options.measure_peak ? kMostProbes : 0) && peak < report.gflops; ++i) {
      SPARKLE_TRY(const double again, probe());
      peak = std::max(peak, again);
    }
    add_times(report, times, peak);
    return binding.fetch();
  }
  if (options.measure_peak && executable.device.kind == DeviceKind::kCpu) {
    SPARKLE_TRY(const PairedTimes paired, time_in_pairs(binding, options.run, report.flops, probe));
    add_times(report, paired);
    return binding.fetch();
  }
  SPARKLE_TRY(const double before, probe());
  SPARKLE_TRY(const RunTimes times, binding.run(options.run));
  SPARKLE_TRY(const double after, probe());
  add_times(report, times, std::max(before, after));
  return binding.fetch();
}

} // namespace

Status JitKernel::compile_next() {
  while (next_ < choice_.candidates.size()) {
    const DeviceCandidate &candidate = choice_.candidates[next_++];
    CompileOptions options = options_;
    if (!candidate.schedule.kernels.empty()) options.schedule = candidate.schedule;
    Result<std::shared_ptr<const Executable>> compiled = compile(*imported_, machine_, candidate.device, options);
    if (compiled) {
      auto executable = std::make_shared<Executable>(**compiled);
      executable->has_user_schedule = !options_.schedule.kernels.empty();
      executable_ = std::move(executable);
      return ok();
    }
    const bool is_last = next_ >= choice_.candidates.size();
    if (is_last || !may_fall_back(compiled.error(), options_, candidate.device.kind)) return compiled.error();
    note_failure(candidate.device.id, compiled.error().text);
  }
  return Error{ErrorCode::kNoDevice, "no device is left for `" + imported_->name + "`"};
}

void JitKernel::note_failure(const std::string &id, const std::string &why) {
  fallback_reason_ += (fallback_reason_.empty() ? "" : "; ") + id + ": " + why;
}

Status JitKernel::fall_back(const Error &error) {
  const DeviceInfo &device = executable_->device;
  if (device.kind == DeviceKind::kVulkan && error.code == ErrorCode::kDeviceLost && !was_lost_) {
    was_lost_ = true;
    note_failure(device.id, error.text + ", opened anew");
    return ok();
  }
  if (next_ >= choice_.candidates.size() || !may_fall_back(error, options_, device.kind)) return error;
  note_failure(device.id, error.text);
  was_lost_ = false;
  return compile_next();
}

Result<std::unique_ptr<Binding>> JitKernel::bind_here(const Arguments &arguments) {
  for (;;) {
    Result<std::unique_ptr<Binding>> bound = bind_program(executable_, arguments);
    if (bound) return bound;
    SPARKLE_TRY_STATUS(fall_back(bound.error()));
  }
}

Result<std::unique_ptr<Binding>> JitKernel::bind(const Arguments &arguments) {
  return guarded([&] { return bind_here(arguments); });
}

Result<RunReport> JitKernel::run_here(const Arguments &arguments, const JitRunOptions &options) {
  SPARKLE_TRY(const std::unique_ptr<Binding> binding, bind_here(arguments));
  RunReport report = describe(binding->executable(), binding->arguments());
  if (options.flops > 0) report.flops = options.flops;
  if (options.flops_executed > 0) report.flops_executed = options.flops_executed;
  if (options.verify) {
    SPARKLE_TRY_STATUS(verify_first_run(*binding, options.verification, report));
    SPARKLE_TRY_STATUS(binding->refresh(false));
  }
  SPARKLE_TRY_STATUS(time_runs(*binding, options, report));
  report.device_requested = choice_.request.text;
  report.device_why = choice_.why;
  report.fallback_reason = fallback_reason_;
  if (choice_.request.is_auto) report.left_out = choice_.left_out;
  return report;
}

Result<RunReport> JitKernel::run(const Arguments &arguments, const JitRunOptions &options) {
  return guarded([&]() -> Result<RunReport> {
    for (;;) {
      Result<RunReport> report = run_here(arguments, options);
      if (report) return report;
      SPARKLE_TRY_STATUS(fall_back(report.error()));
    }
  });
}

Result<JitKernel> jit(const Program &imported, const JitOptions &options) {
  return guarded([&]() -> Result<JitKernel> {
    JitKernel kernel;
    kernel.imported_ = std::make_shared<Program>(imported);
    kernel.options_ = options.compile;
    kernel.machine_ = options.machine;
    SPARKLE_TRY(const DeviceRequest request, parse_device_request(options.device));
    if (!kernel.machine_) {
      SPARKLE_TRY(kernel.machine_,
                  Machine::open({options.threads, options.compile.isa, VulkanOptions::from_environment()}));
    }
    SPARKLE_TRY(kernel.choice_, choose_device(imported, *kernel.machine_, request, options.compile));
    for (const DeviceLeftOut &out : kernel.choice_.left_out)
      if (!request.is_auto) kernel.note_failure(out.name, out.reason);
    SPARKLE_TRY_STATUS(kernel.compile_next());
    return kernel;
  });
}

Result<JitKernel> jit(const Source &source, const ImportRequest &request, const JitOptions &options,
                      Diagnostics *diagnostics) {
  return guarded([&]() -> Result<JitKernel> {
    Diagnostics own;
    Diagnostics &messages = diagnostics ? *diagnostics : own;
    const auto key = options.cache ? cache_key(source, request, options) : std::nullopt;
    if (key)
      if (std::optional<JitKernel> known = options.cache->find(*key)) return std::move(*known);
    ImportRequest with_options = request;
    with_options.strict = request.strict || options.compile.strict;
    const Result<Program> program = import_source(source, with_options, messages);
    if (program) {
      Result<JitKernel> kernel = jit(*program, options);
      // A device that failed once may be well again: only the first choice is kept.
      if (kernel && key && messages.list().empty() && kernel->fallback_reason().empty())
        options.cache->keep(*key, *kernel);
      return kernel;
    }
    if (diagnostics || !own.has_errors()) return program.error();
    return Error{program.error().code, render_text(own, source)};
  });
}

} // namespace sparkle
