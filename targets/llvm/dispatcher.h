// The functions that pick the processor's variant, as LLVM assembly. Internal to this folder.
#pragma once

#include <span>
#include <string>

#include "compiler/target/object.h"
#include "targets/llvm/object_machines.h"

namespace sparkle::llvm_target {

/// Defines the C functions of `symbol`, each calling that of the first machine that the processor is, and
/// `<symbol>_machine`, which tells its name. `machines`: best first, all of x86-64 or one that needs no choice.
std::string dispatcher_text(const Artifact &plan, const std::string &symbol,
                            std::span<const ObjectMachine *const> machines);

} // namespace sparkle::llvm_target
