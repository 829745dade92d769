// Artifact: a compiled program as plain data (DESIGN 2, 5): what to launch, in which order, with which buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

/// What a CPU kernel gets. `buffers[i]` is the address of the launch's i-th buffer, `symbols[i]` the value of the
/// program's i-th symbol, `uniforms[i]` the i-th uniform's bits (f32 or i32) in the low bytes.
extern "C" struct SparkleArguments {
  void *const *buffers;
  const int64_t *symbols;
  const uint64_t *uniforms;
};
/// Runs tasks [first_task, last_task) of a launch. `scratch`: `Launch::scratch_bytes`, 64-byte aligned, private to the
/// call.
extern "C" using SparkleCpuEntry =
    void(*)(const SparkleArguments *arguments, int64_t first_task, int64_t last_task, void *scratch);

/// Machine code in this process; `owner` keeps it mapped.
struct CpuCode {
  SparkleCpuEntry entry = nullptr;
  std::shared_ptr<void> owner;
};

/// A compute shader. Buffer i is a storage buffer at binding i of set 0. Push constants hold symbols (int64 each, in
/// order), then uniforms (4 bytes each), then the total number of groups (uint32) as the last 4 bytes, which the
/// executor fills in. Groups are laid out over x, y and z within the device's limits, rounded up: with `size` groups in
/// each direction, the number of group (x, y, z) is x + size.x * (y + size.y * z), and the shader does nothing for
/// numbers >= the total.
struct ShaderCode {
  std::vector<uint32_t> words; ///< The module in the form that the device's driver takes.
  uint32_t local_size = 1;     ///< Invocations per workgroup, along x.
  uint32_t required_team = 0;  ///< Subgroup size the code relies on; 0: any.
  bool wide_index = false;     ///< 64-bit index arithmetic (shaderInt64).
};

/// The interpreter runs the kernel itself.
struct InterpretedCode {
  std::shared_ptr<const Kernel> kernel;
};

struct Launch {
  std::string name;
  std::vector<TensorId> buffers; ///< Tensors bound, in the order of binding numbers.
  std::vector<bool> writes;      ///< Per buffer: the launch stores to it.
  /// Extents of the group loops, outermost first; the product is the number of tasks. Symbols are resolved at the call.
  std::vector<Extent> groups;
  int64_t scratch_bytes = 0; ///< CPU: near buffers of one task.
  int64_t near_bytes = 0;    ///< GPU: near memory of one group.
  std::variant<std::monostate, CpuCode, ShaderCode, InterpretedCode> code;
  std::string source_text; ///< The target's readable form, for `emit`.
};

struct Artifact {
  std::string target;
  std::string program_name;
  IdTable<TensorId, Tensor> tensors; ///< Arguments, workspace and packed tensors; the program's ids.
  IdTable<SymbolId, Symbol> symbols;
  IdTable<UniformId, Uniform> uniforms;
  std::vector<Launch> prepack; ///< Run once per binding of the constants.
  std::vector<Launch> launches;
  /// For each tensor id: byte offset in the workspace (kWorkspace) or the packed block (kPacked), else 0. 64-byte
  /// aligned.
  std::vector<int64_t> offsets;
  int64_t workspace_bytes = 0;
  int64_t packed_bytes = 0;
  int64_t flops = 0;
  int64_t flops_executed = 0;
};

} // namespace sparkle
