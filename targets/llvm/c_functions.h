// The C functions of a program (docs/aot.md) as LLVM assembly: what stands between a C caller and the kernels' entries.
// Text, because it reads like the functions it makes. Internal to this folder.
#pragma once

#include <string>
#include <vector>

#include "compiler/target/object.h"

namespace sparkle::llvm_target {

/// A function of the interface. `prefix` + `suffix` is its name.
struct CFunction {
  std::string suffix;
  std::string result;                  ///< LLVM type.
  std::vector<std::string> parameters; ///< LLVM types.
  std::string without_machine;         ///< What it returns when no machine fits.
};

/// In the order of the header. With constants there are `_pack` too.
std::vector<CFunction> c_functions(const Artifact &plan);

/// Defines all of them. `entries`: names of the launches' functions, prepack launches first. Needs constant extents.
std::string c_functions_text(const Artifact &plan, const std::string &prefix, const std::vector<std::string> &entries);

/// `%a0, %a1` with types: what stands between the parentheses of a definition or a call.
std::string parameter_list(const CFunction &function);

} // namespace sparkle::llvm_target
