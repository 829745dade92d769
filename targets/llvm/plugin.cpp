// The LLVM target as a shared module: targets/registry.cpp opens it when the target is used, because loading libLLVM
// costs about 15 ms of process start.
#include <mutex>

#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/raw_ostream.h>

#include "compiler/support/check.h"
#include "compiler/target/target.h"
#include "plugin_version.h"
#include "targets/cpu/legality.h"
#include "targets/host/code_pages.h"
#include "targets/llvm/codegen.h"
#include "targets/llvm/diagnostics.h"
#include "targets/llvm/host_features.h"
#include "targets/llvm/jit.h"
#include "targets/llvm/large_stack.h"
#include "targets/llvm/module_builder.h"
#include "targets/llvm/object.h"

namespace sparkle::llvm_target {
namespace {

/// LLVM's last resort is to end the process; unwinding out of it loses some memory but keeps the caller alive.
void throw_fatal_error(void *, const char *reason, bool) {
  throw InternalError(std::string("LLVM: ") + (reason ? reason : "fatal error"));
}

void catch_fatal_errors() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::remove_fatal_error_handler();
    llvm::install_fatal_error_handler(throw_fatal_error);
  });
}

std::string text_of(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

/// The text shows the whole module, which belongs to the program: the first launch holds it.
void attach_text(Artifact &artifact, std::string text) {
  auto &launches = artifact.launches.empty() ? artifact.prepack : artifact.launches;
  if (!launches.empty()) launches.front().source_text = std::move(text);
}

void attach_code(Artifact &artifact, std::vector<CpuCode> codes, const std::vector<int64_t> &scratch_bytes) {
  size_t next = 0;
  const auto attach = [&](Launch &launch) {
    launch.scratch_bytes = scratch_bytes[next];
    launch.code = std::move(codes[next++]);
  };
  for (Launch &launch : artifact.prepack) attach(launch);
  for (Launch &launch : artifact.launches) attach(launch);
}

Result<Artifact> lower_here(const Program &program, const LowerOptions &options) {
  SPARKLE_TRY(Artifact artifact, plan_artifact(program, "llvm"));
  SPARKLE_TRY(const CpuModel cpu, choose_cpu(options.isa));
  SPARKLE_TRY_STATUS(check_code_pages()); // else the linker would fail, and say nothing of why
  SPARKLE_TRY(std::unique_ptr<llvm::TargetMachine> machine, make_target_machine(cpu));
  llvm::LLVMContext context;
  std::string complaint;
  context.setDiagnosticHandlerCallBack(keep_first_error, &complaint);

  SPARKLE_TRY(BuiltModule built, build_module(program, artifact, cpu, *machine, context));
  optimize(*built.module, *machine);
  if (options.keep_text && !options.assembly) attach_text(artifact, text_of(*built.module));
  if (options.keep_text && options.assembly) {
    SPARKLE_TRY(BuiltModule copy, build_module(program, artifact, cpu, *machine, context));
    optimize(*copy.module, *machine);
    SPARKLE_TRY(std::string text, emit_assembly(*copy.module, *machine));
    attach_text(artifact, std::move(text));
  }
  SPARKLE_TRY(std::unique_ptr<llvm::MemoryBuffer> object, emit_object(*built.module, *machine));
  if (!complaint.empty()) return Error{ErrorCode::kInternal, "LLVM: " + complaint};
  SPARKLE_TRY(std::vector<CpuCode> codes, load_object(std::move(object), built.entries));
  attach_code(artifact, std::move(codes), built.scratch_bytes);
  return artifact;
}

Status check_all(const Program &program) {
  for (const Kernel &kernel : program.prepack) SPARKLE_TRY_STATUS(cpu::check_kernel(kernel));
  for (const Kernel &kernel : program.kernels) SPARKLE_TRY_STATUS(cpu::check_kernel(kernel));
  return ok();
}

/// No exception leaves the module: the caller's copy of a type may differ from ours.
template <class T, class Work> Result<T> contain(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc &) {
    return Error{ErrorCode::kOutOfMemory, "the compiler ran out of memory"};
  } catch (const std::exception &failure) {
    return Error{ErrorCode::kInternal, failure.what()};
  }
}

Status check(const Program &program, const TargetInfo &) {
  return contain<std::monostate>([&] { return check_all(program); });
}

/// LLVM's work, on a stack that suffices it.
template <class T, class Work> Result<T> compile(Work work) {
  catch_fatal_errors();
  Result<T> result = Error{ErrorCode::kInternal, "the compiler did not run"};
  SPARKLE_TRY_STATUS(run_on_large_stack([&] { result = contain<T>(work); }));
  return result;
}

Result<Artifact> lower(const Program &program, const TargetInfo &info, const LowerOptions &options) {
  SPARKLE_TRY_STATUS(check(program, info));
  return compile<Artifact>([&] { return lower_here(program, options); });
}

Result<ObjectCode> emit_object(const Program &program, const TargetInfo &info, const ObjectOptions &options) {
  SPARKLE_TRY_STATUS(check(program, info));
  return compile<ObjectCode>([&] { return make_object(program, options); });
}

Result<std::vector<uint8_t>> emit_dispatcher(const Artifact &plan, const DispatcherOptions &options) {
  return compile<std::vector<uint8_t>>([&] { return make_dispatcher(plan, options); });
}

constexpr Target kTarget{"llvm", check, lower, emit_object, emit_dispatcher};

} // namespace
} // namespace sparkle::llvm_target

extern "C" __attribute__((visibility("default"))) const sparkle::Target *sparkle_llvm_target() {
  return &sparkle::llvm_target::kTarget;
}

/// The loader compares it with its own: C++ objects cross the border.
extern "C" __attribute__((visibility("default"))) const char *sparkle_plugin_version() { return kPluginVersion; }
