#include "targets/reference/interpreter.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "compiler/ir/printer.h"
#include "compiler/support/checked_math.h"
#include "targets/reference/executor.h"

namespace sparkle::reference {

std::string describe(const Kernel &kernel, StmtId stmt) {
  const std::string text = print_stmt(kernel, stmt);
  const size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return "?";
  return text.substr(begin, text.find('\n', begin) - begin);
}

Status interpret(const Kernel &kernel, const KernelArguments &arguments) {
  return interpret_tasks(kernel, arguments, 0, INT64_MAX);
}

Status interpret_tasks(const Kernel &kernel, const KernelArguments &arguments, int64_t first, int64_t last) {
  // The kernel outlives the call: no ownership is needed.
  const std::shared_ptr<const Kernel> borrowed(std::shared_ptr<void>(), &kernel);
  SPARKLE_TRY(const CompiledKernel code, compile(borrowed, Precision::kExact));
  Machine machine(code, arguments);
  machine.first_task = first;
  machine.last_task = last;
  SPARKLE_TRY_STATUS(machine.start());
  if (!execute(machine)) return machine.error();
  return ok();
}

Result<int64_t> bytes_of(const Tensor &tensor, const std::vector<int64_t> &symbols) {
  const Error overflow{ErrorCode::kShapeOverflow, "the size of `" + tensor.name + "` leaves 64 bits"};
  std::vector<int64_t> extents;
  for (const Extent &extent : tensor.extents) {
    if (!extent.is_constant() && index_of(extent.symbol) >= symbols.size())
      return Error{ErrorCode::kInvalidInput, "no value is given for an extent of `" + tensor.name + "`"};
    extents.push_back(extent.is_constant() ? extent.value : symbols[index_of(extent.symbol)]);
  }
  std::optional<int64_t> last = 0, dense = 1;
  for (size_t d = extents.size(); d-- > 0;) {
    if (extents[d] <= 0) return 0;
    const int64_t stride = tensor.strides.empty() ? *dense : tensor.strides[d];
    const auto reach = checked_mul(extents[d] - 1, stride);
    last = reach ? checked_add(*last, *reach) : std::nullopt;
    dense = checked_mul(*dense, extents[d]);
    if (!last || !dense) return overflow;
  }
  const auto bytes = checked_mul(*last + 1, sparkle::bytes_of(tensor.element));
  if (!bytes) return overflow;
  return *bytes;
}

namespace {

bool is_allocated_here(Role role) { return role == Role::kWorkspace || role == Role::kPacked; }

/// Memory of all tensors of one run.
class ProgramMemory {
public:
  Status fill(const Program &program, const std::unordered_map<TensorId, FarMemory> &given, const RunValues &values);
  Result<KernelArguments> arguments(const Kernel &kernel, const RunValues &values) const;

private:
  std::unordered_map<TensorId, FarMemory> memory_;
  std::vector<std::vector<std::byte>> owned_;
};

Status ProgramMemory::fill(const Program &program, const std::unordered_map<TensorId, FarMemory> &given,
                           const RunValues &values) {
  memory_ = given;
  for (size_t i = 0; i < program.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const Tensor &tensor = program.tensors[id];
    SPARKLE_TRY(const int64_t bytes, bytes_of(tensor, values.symbols));
    if (is_allocated_here(tensor.role)) {
      owned_.emplace_back(static_cast<size_t>(bytes), std::byte{0xFF});
      memory_[id] = {owned_.back().data(), bytes};
    } else if (const auto found = memory_.find(id); found != memory_.end() && found->second.bytes < bytes) {
      return Error{ErrorCode::kInvalidInput, "the memory given for `" + tensor.name + "` is too small"};
    }
  }
  return ok();
}

Result<KernelArguments> ProgramMemory::arguments(const Kernel &kernel, const RunValues &values) const {
  KernelArguments out;
  out.values = values;
  for (size_t i = 0; i < kernel.buffer_count(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const Buffer &buffer = kernel.buffer(id);
    if (buffer.level != MemoryLevel::kFar) continue;
    const auto found = memory_.find(buffer.tensor);
    if (found == memory_.end()) return Error{ErrorCode::kInvalidInput, "no memory is given for `" + buffer.name + "`"};
    out.buffers[id] = found->second;
  }
  return out;
}

} // namespace

Status interpret(const Program &program, const std::unordered_map<TensorId, FarMemory> &tensors,
                 const RunValues &values) {
  ProgramMemory memory;
  SPARKLE_TRY_STATUS(memory.fill(program, tensors, values));
  for (const auto *kernels : {&program.prepack, &program.kernels}) {
    for (const Kernel &kernel : *kernels) {
      SPARKLE_TRY(const KernelArguments arguments, memory.arguments(kernel, values));
      SPARKLE_TRY_STATUS(interpret(kernel, arguments));
    }
  }
  return ok();
}

} // namespace sparkle::reference
