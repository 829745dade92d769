// The interpreter of the loop IR: runs a kernel at any stage exactly as nodes.h defines it. The oracle for passes and
// targets.
//
// Checked while running; each is an error of code kInvalidInput that carries the statement:
//   an index outside the extents of a buffer, or an element outside the memory bound to it;
//   a read of an element of near memory, a register buffer or a fragment that was never stored to;
//   two workers that touch one element of near memory, one of them writing, with no barrier between;
//   a barrier, copy or fragment operation that not all workers of the group reach together;
//   a divisor of whole numbers that is not positive.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"

namespace sparkle::reference {

struct FarMemory {
  void *data = nullptr;
  int64_t bytes = 0;
};

/// What a launch gets beside its buffers. Uniforms: the bits (f32 or i32) in the low bytes, as in SparkleArguments.
struct RunValues {
  std::vector<int64_t> symbols;   ///< By SymbolId.
  std::vector<uint64_t> uniforms; ///< By UniformId.
};

struct KernelArguments {
  std::unordered_map<BufferId, FarMemory> buffers; ///< Every far buffer that the kernel touches.
  RunValues values;
};

Status interpret(const Kernel &kernel, const KernelArguments &arguments);

/// Runs tasks [first, last) of the launch alone, in the order in which `interpret` runs them.
Status interpret_tasks(const Kernel &kernel, const KernelArguments &arguments, int64_t first, int64_t last);

/// `tensors`: memory of every input, constant, output and inout tensor. Workspace and packed tensors are allocated
/// here, filled with bytes 0xFF (NaN, -1); then prepack kernels and kernels run in order.
Status interpret(const Program &program, const std::unordered_map<TensorId, FarMemory> &tensors,
                 const RunValues &values = {});

/// Bytes from the first to the last element of a tensor; kShapeOverflow when they leave 64 bits.
Result<int64_t> bytes_of(const Tensor &tensor, const std::vector<int64_t> &symbols);

} // namespace sparkle::reference
