// Instruction selection: a lowerable kernel becomes the function that runs its tasks.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/target/artifact.h"
#include "targets/x86/vreg.h"

namespace sparkle::x86 {

struct Selected {
  Function function; ///< Of type SparkleCpuEntry.
  int64_t scratch_bytes = 0;
};

/// What the target cannot run, with its reason (ErrorCode::kUnsupported): the same kernels for every family.
Status check_kernel(const Kernel &kernel);

/// `launch` binds the kernel's far buffers as plan_artifact says. kUnsupported: what check_kernel refuses, a
/// displacement beyond 32 bits, more code than `Isa` machines should be given at once.
Result<Selected> select(const Kernel &kernel, const Launch &launch, const Isa &isa);

} // namespace sparkle::x86
