#include "targets/x86/x86_target.h"

#include <algorithm>

#include "targets/x86/allocate.h"
#include "targets/x86/code_memory.h"
#include "targets/x86/deferral.h"
#include "targets/x86/emit.h"
#include "targets/x86/listing.h"
#include "targets/x86/optimize.h"
#include "targets/x86/profiler.h"
#include "targets/x86/select.h"

namespace sparkle::x86 {
namespace {

constexpr size_t kCodeAlignment = 64; // Of constants, and of the first instruction of a launch.

/// Machine code of several launches, one after the other.
class Assembly {
public:
  Assembly(const Isa &isa, const LowerOptions &options) : isa_(isa), options_(options) {}

  Status add(const Kernel &kernel, Launch &launch) {
    SPARKLE_TRY(Selected selected, select(kernel, launch, isa_));
    Function &function = selected.function;
    optimize(function);
    if (options_.keep_text && !options_.assembly) launch.source_text = listing(function, kernel);
    SPARKLE_TRY(const Allocation allocation, allocate(function));
    SPARKLE_TRY(const MachineCode code, emit(function, allocation));
    if (options_.keep_text && options_.assembly) {
      Result<std::string> text = listing(code, kernel);
      if (!text && text.error().code != ErrorCode::kUnsupported) return text.error(); // no disassembler
      launch.source_text = text ? std::move(*text) : listing(function, allocation, kernel);
    }
    launch.scratch_bytes = selected.scratch_bytes;
    bytes_.resize((bytes_.size() + kCodeAlignment - 1) / kCodeAlignment * kCodeAlignment);
    entries_.push_back(bytes_.size());
    sizes_.push_back(code.code_bytes);
    bytes_.insert(bytes_.end(), code.bytes.begin(), code.bytes.end());
    return ok();
  }

  /// To the launches in the order in which they were added; `program` is for the names that profilers show.
  Status attach(const std::string &program, const std::vector<Launch *> &launches) {
    SPARKLE_TRY(const MappedCode mapped, map_code(bytes_));
    std::vector<AnnouncedFunction> functions;
    for (size_t i = 0; i < launches.size(); ++i)
      functions.push_back({"sparkle_" + program + "_" + launches[i]->name, mapped.address + entries_[i], sizes_[i]});
    SPARKLE_TRY(const ProfileKinds kinds, requested_profile_kinds());
    SPARKLE_TRY(const std::shared_ptr<void> owner, announce(functions, kinds, mapped.owner));
    for (size_t i = 0; i < launches.size(); ++i) {
      CpuCode code;
      code.entry = reinterpret_cast<SparkleCpuEntry>(reinterpret_cast<uintptr_t>(mapped.address + entries_[i]));
      code.owner = owner;
      launches[i]->code = std::move(code);
    }
    return ok();
  }

private:
  Isa isa_;
  const LowerOptions &options_;
  std::vector<uint8_t> bytes_;
  std::vector<size_t> entries_;
  std::vector<size_t> sizes_; ///< Without constants.
};

Status check_kernels(const Program &program) {
  for (const Kernel &kernel : program.prepack) SPARKLE_TRY_STATUS(check_kernel(kernel));
  for (const Kernel &kernel : program.kernels) SPARKLE_TRY_STATUS(check_kernel(kernel));
  return ok();
}

Status check(const Program &program, const TargetInfo &) {
  if (const Result<Isa> isa = host_isa(""); !isa) return isa.error();
  return check_kernels(program);
}

Result<Artifact> lower(const Program &program, const TargetInfo &, const LowerOptions &options) {
  SPARKLE_TRY(const Isa isa, host_isa(options.isa));
  SPARKLE_TRY_STATUS(check_kernels(program));
  SPARKLE_TRY(Artifact artifact, plan_artifact(program, "x86"));
  Assembly assembly(isa, options);
  std::vector<Launch *> launches;
  for (size_t i = 0; i < program.prepack.size(); ++i) {
    SPARKLE_TRY_STATUS(assembly.add(program.prepack[i], artifact.prepack[i]));
    launches.push_back(&artifact.prepack[i]);
  }
  for (size_t i = 0; i < program.kernels.size(); ++i) {
    SPARKLE_TRY_STATUS(assembly.add(program.kernels[i], artifact.launches[i]));
    launches.push_back(&artifact.launches[i]);
  }
  SPARKLE_TRY_STATUS(assembly.attach(program.name, launches));
  return artifact;
}

} // namespace

Target target() { return {"x86", check, lower, nullptr, nullptr, reason_to_defer}; }

} // namespace sparkle::x86
