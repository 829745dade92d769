// The machines that object files are made for. Internal to this folder.
#pragma once

#include <span>
#include <string_view>

#include "compiler/support/result.h"

namespace sparkle::llvm_target {

struct ObjectMachine {
  std::string_view name;
  std::string_view triple;
  std::string_view cpu;      ///< LLVM's name of the baseline.
  std::string_view features; ///< Beyond it.
  int level = 0; ///< Of x86-64 (psABI, 3.1.1): a processor of a level is one of all levels below too. 0: the
                 ///< machine has no variants and needs no choice at run time.
};

std::span<const ObjectMachine> object_machines();

/// kInvalidInput, with the names there are.
Result<const ObjectMachine *> find_object_machine(std::string_view name);

/// What dispatchers may rely on: the first x86-64.
const ObjectMachine &dispatcher_machine();

} // namespace sparkle::llvm_target
