#include "targets/llvm/object_machines.h"

#include <string>

namespace sparkle::llvm_target {
namespace {

constexpr ObjectMachine kMachines[] = {
    {"x86-64-v3", "x86_64-unknown-linux-gnu", "x86-64-v3", "", 3},
    {"x86-64-v4", "x86_64-unknown-linux-gnu", "x86-64-v4", "", 4},
    {"aarch64", "aarch64-unknown-linux-gnu", "generic", "+neon", 0},
};
constexpr ObjectMachine kDispatcher{"x86-64", "x86_64-unknown-linux-gnu", "x86-64", "", 1};

} // namespace

std::span<const ObjectMachine> object_machines() { return kMachines; }

Result<const ObjectMachine *> find_object_machine(std::string_view name) {
  std::string names;
  for (const ObjectMachine &machine : kMachines) {
    if (machine.name == name) return &machine;
    names += (names.empty() ? "" : ", ") + std::string(machine.name);
  }
  return Error{ErrorCode::kInvalidInput, "no objects are made for `" + std::string(name) + "`; there are " + names};
}

const ObjectMachine &dispatcher_machine() { return kDispatcher; }

} // namespace sparkle::llvm_target
