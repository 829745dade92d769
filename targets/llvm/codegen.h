// LLVM module -> optimised module -> object file or assembly. Internal to this folder.
#pragma once

#include <memory>
#include <string>

#include <llvm/IR/Module.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include "compiler/support/result.h"
#include "targets/llvm/host_features.h"
#include "targets/llvm/object_machines.h"

namespace sparkle::llvm_target {

/// For this machine. Registers LLVM's native target at the first call.
Result<std::unique_ptr<llvm::TargetMachine>> make_target_machine(const CpuModel &cpu);
/// For an object file. Registers all of LLVM's targets at the first call. kUnsupported: this LLVM lacks the machine's.
Result<std::unique_ptr<llvm::TargetMachine>> make_target_machine(const ObjectMachine &machine);

/// Register buffers become values, so that one can look at them.
void registers_to_values(llvm::Function &function);
/// The short pass list: the loop IR has vectorised and unrolled already.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Code generation changes the module: emit once from each copy.
Result<std::unique_ptr<llvm::MemoryBuffer>> emit_object(llvm::Module &module, llvm::TargetMachine &machine);
Result<std::string> emit_assembly(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace sparkle::llvm_target
