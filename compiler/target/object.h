// Code for later and elsewhere: a program as object files with C functions (docs/aot.md describes the functions).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"

namespace sparkle {

struct ObjectOptions {
  std::string machine; ///< What the code may rely on: a name of the target's.
  std::string symbol;  ///< What the program's functions are called; their names start with it. A C identifier.
};

/// A relocatable object file for position-independent code, and the plan it follows: `Launch::scratch_bytes` is filled
/// in, `Launch::code` is not.
struct ObjectCode {
  Artifact plan;
  std::vector<uint8_t> bytes;
};

/// The object file that picks, when it runs, the first of `machines` that the processor at hand is.
struct DispatcherOptions {
  std::vector<std::string> machines; ///< Best first; all of one kind of processor.
  std::string symbol;
};

/// Parameters of the C functions.
struct CSignature {
  std::vector<TensorId> tensors;   ///< In the order of the program: its inputs and constants, then its results.
  std::vector<TensorId> constants; ///< Those that are packed; with any there is a block of packed memory.
  bool is_packing() const { return !constants.empty(); }
};
CSignature c_signature(const Artifact &plan);

/// `symbol` followed by the machine's name as part of an identifier: what the functions for one machine start with.
std::string c_prefix(const std::string &symbol, const std::string &machine);

/// A run of the program reads or writes the tensor; constants that are only packed are not.
bool is_used_by_runs(const Artifact &plan, TensorId tensor);

/// Bytes of scratch that one caller at a time needs: the most of any launch, a multiple of 64.
int64_t scratch_bytes(const Artifact &plan);

/// Tasks of a launch whose extents are all constant.
int64_t constant_tasks(const Launch &launch);

/// What the C functions return. The numbers are part of the interface.
enum class CStatus : int { kOk = 0, kBadArgument = 1, kNoMachine = 2 };

} // namespace sparkle
