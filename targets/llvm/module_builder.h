// Program -> LLVM module. Internal to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"
#include "targets/llvm/host_features.h"

namespace sparkle::llvm_target {

struct BuiltModule {
  std::unique_ptr<llvm::Module> module;
  std::vector<std::string>
      entries; ///< Names of the functions (SparkleCpuEntry): prepack launches first, then the others.
  std::vector<int64_t> scratch_bytes;
};

/// One module for the whole program. `plan` is the program's plan_artifact(): its launches say how buffers are bound.
/// Not optimised; kInternal when the result does not verify.
Result<BuiltModule> build_module(const Program &program, const Artifact &plan, const CpuModel &cpu,
                                 const llvm::TargetMachine &machine, llvm::LLVMContext &context);

} // namespace sparkle::llvm_target
