// From a program to results in a few lines:
//
//   Source source("conv.spk", text);
//   Result<JitKernel> kernel = sparkle::jit(source, {.values = {{"N", 1}, {"IH", 56}, ...}});
//   if (!kernel) return report(kernel.error());
//   Result<RunReport> run = kernel->run({{"src", &src}, {"wei", &wei}, {"bias", &bias}, {"dst", &dst}});
//   if (run) std::puts(to_text(*run).c_str());          // asked, used, why, times; `dst` holds the result
//
// Calls that are repeated bind once: `auto bound = kernel->bind(arguments)`, then `(*bound)->run()` and `fetch()`.
#pragma once

#include <memory>
#include <string>

#include "compiler/import/import.h"
#include "runtime/device_choice.h"
#include "runtime/executable.h"
#include "runtime/report.h"
#include "runtime/verify.h"

namespace sparkle {

class KernelCache;

struct JitOptions {
  std::string device = "auto"; ///< device_choice.h: `auto`, `cpu`, `reference`, `vulkan:1`, with `!` to forbid others.
  CompileOptions compile;
  int threads = 0;                  ///< Of the CPU; 0: one for each usable core. Ignored with `machine`.
  std::shared_ptr<Machine> machine; ///< Shared between kernels; absent: opened here.
  /// From source text: looks here first (kernel_cache.h). Not for requests with `after_pass`, texts with
  /// warnings, nor kernels that fell back to another device.
  std::shared_ptr<KernelCache> cache;
};

struct JitRunOptions {
  RunOptions run;
  /// Above 0: after a first run as many as fit this time, at most `run.repeats`; a longer one counts itself.
  double seconds = 0;
  bool verify = false; ///< Compare the results of a first run with the reference.
  VerifyOptions verification;
  bool measure_peak = false; ///< Probe the device's peak right before and after; with `seconds` once, after.
  /// Operations of this call, where the program has open dimensions and can't say; 0: the program says.
  int64_t flops = 0, flops_executed = 0;
};

/// A compiled program on the device that was chosen. Copies share the code. One call at a time for each; what `bind`
/// returned may run meanwhile.
class JitKernel {
public:
  /// Binds, runs, fetches. When the device fails and the request allows it, compiles for the next one and says so in
  /// the report. A failed verification is no error: the report has verified = false.
  Result<RunReport> run(const Arguments &arguments, const JitRunOptions &options = {});
  /// On the device in use; falls back likewise.
  Result<std::unique_ptr<Binding>> bind(const Arguments &arguments);

  const Executable &executable() const { return *executable_; }
  const std::shared_ptr<const Executable> &shared_executable() const { return executable_; }
  const DeviceChoice &choice() const { return choice_; }
  /// Which devices failed and why, one that was lost and then opened anew included; empty: none did.
  const std::string &fallback_reason() const { return fallback_reason_; }

private:
  friend Result<JitKernel> jit(const Program &imported, const JitOptions &options);
  JitKernel() = default;
  Status compile_next();
  Result<std::unique_ptr<Binding>> bind_here(const Arguments &arguments);
  Result<RunReport> run_here(const Arguments &arguments, const JitRunOptions &options);
  /// The failure was noted, and another device is compiled for; else the error to return. A lost device is tried once
  /// more: the machine opens it anew.
  Status fall_back(const Error &error);
  void note_failure(const std::string &id, const std::string &why);

  std::shared_ptr<const Program> imported_;
  CompileOptions options_;
  std::shared_ptr<Machine> machine_;
  DeviceChoice choice_;
  size_t next_ = 0; ///< Candidate to be tried next.
  std::string fallback_reason_;
  bool was_lost_ = false; ///< The device in use, before.
  std::shared_ptr<const Executable> executable_;
};

/// `imported`: every kernel at stage kImported. A failed internal check is kInternal here (unless a handler was set
/// that ends the process), lack of memory kOutOfMemory.
Result<JitKernel> jit(const Program &imported, const JitOptions &options = {});

/// From source text. Mistakes in it are kInvalidInput; they are added to `diagnostics`, or without one are the error's
/// text.
Result<JitKernel> jit(const Source &source, const ImportRequest &request, const JitOptions &options = {},
                      Diagnostics *diagnostics = nullptr);

} // namespace sparkle
