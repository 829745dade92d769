// Filetests that run a kernel or program on the interpreter.
#include <cstring>

#include "compiler/support/string_builder.h"
#include "targets/reference/arithmetic.h"
#include "targets/reference/interpreter.h"
#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

using reference::FarMemory;

struct Array {
  std::string name;
  Scalar element;
  bool is_result;
  int64_t row;
  std::vector<std::byte> data;
};

/// Small whole numbers that repeat after 11 elements and differ between arrays.
void fill(Array &array, size_t seed) {
  const auto width = static_cast<size_t>(bytes_of(array.element));
  for (size_t i = 0; i * width < array.data.size(); ++i) {
    const int value = static_cast<int>((i * 7 + seed * 5 + 3) % 11) - (array.element == Scalar::kU8 ? 0 : 5);
    const float real = static_cast<float>(value);
    const uint16_t half =
        array.element == Scalar::kF16 ? reference::float_to_half(real) : reference::float_to_bfloat(real);
    const void *source = array.element == Scalar::kF32 ? static_cast<const void *>(&real)
                         : is_float(array.element)     ? &half
                                                       : static_cast<const void *>(&value);
    std::memcpy(array.data.data() + i * width, source, width);
  }
}

double value_at(const Array &array, size_t i) {
  int64_t bits = 0;
  std::memcpy(&bits, array.data.data() + i * static_cast<size_t>(bytes_of(array.element)),
              static_cast<size_t>(bytes_of(array.element)));
  switch (array.element) {
  case Scalar::kF32: return std::bit_cast<float>(static_cast<uint32_t>(bits));
  case Scalar::kF16: return reference::half_to_float(static_cast<uint16_t>(bits));
  case Scalar::kBF16: return reference::BFloat{static_cast<uint16_t>(bits)}.wide();
  case Scalar::kI32: return static_cast<int32_t>(bits);
  case Scalar::kI8: return static_cast<int8_t>(bits);
  default: return static_cast<double>(bits);
  }
}

/// One line per row of the last dimension.
std::string text_of(const std::vector<Array> &arrays) {
  StringBuilder out;
  for (const Array &array : arrays) {
    if (!array.is_result) continue;
    const auto count = static_cast<int64_t>(array.data.size()) / bytes_of(array.element);
    for (int64_t i = 0; i < count; ++i) {
      if (i % array.row == 0) out << array.name << "[" << i << "]:";
      out << " " << value_at(array, static_cast<size_t>(i));
      if (i % array.row == array.row - 1 || i == count - 1) out << "\n";
    }
  }
  return out.take();
}

bool is_result(Role role) { return role == Role::kOutput || role == Role::kInout; }

/// Arrays for the far buffers of a kernel that belongs to no program; extents are constants.
Status run_kernel(const Kernel &kernel, std::vector<Array> &arrays) {
  reference::KernelArguments arguments;
  arrays.reserve(kernel.buffer_count());
  for (size_t i = 0; i < kernel.buffer_count(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const Buffer &buffer = kernel.buffer(id);
    if (buffer.level != MemoryLevel::kFar) continue;
    int64_t elements = 1;
    for (size_t d = 0; d < buffer.extents.size(); ++d)
      elements +=
          (kernel.extent(id, static_cast<int>(d)).value_or(1) - 1) * kernel.stride(id, static_cast<int>(d)).value_or(0);
    const int64_t row = kernel.extent(id, static_cast<int>(buffer.extents.size()) - 1).value_or(1);
    arrays.push_back({buffer.name, buffer.element, is_result(buffer.role), row, {}});
    arrays.back().data.resize(static_cast<size_t>(elements * bytes_of(buffer.element)));
    if (buffer.role != Role::kOutput) fill(arrays.back(), i);
    arguments.buffers[id] = {arrays.back().data.data(), elements * bytes_of(buffer.element)};
  }
  return reference::interpret(kernel, arguments);
}

Status run_program(const Program &program, const reference::RunValues &values, std::vector<Array> &arrays) {
  std::unordered_map<TensorId, FarMemory> memory;
  arrays.reserve(program.tensors.size());
  for (size_t i = 0; i < program.tensors.size(); ++i) {
    const Tensor &tensor = program.tensors[static_cast<TensorId>(i)];
    if (tensor.role == Role::kWorkspace || tensor.role == Role::kPacked) continue;
    SPARKLE_TRY(const int64_t bytes, reference::bytes_of(tensor, values.symbols));
    const int64_t row =
        tensor.extents.empty() || !tensor.extents.back().is_constant() ? 8 : tensor.extents.back().value;
    arrays.push_back({tensor.name, tensor.element, is_result(tensor.role), row, {}});
    arrays.back().data.resize(static_cast<size_t>(bytes));
    if (tensor.role != Role::kOutput) fill(arrays.back(), i);
    memory[static_cast<TensorId>(i)] = {arrays.back().data.data(), bytes};
  }
  return reference::interpret(program, memory, values);
}

} // namespace

Result<std::string> filetest_interpret(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(const ParsedIr parsed, parse_filetest(test, diagnostics, true));
  std::vector<Array> arrays;
  if (parsed.is_kernel) {
    SPARKLE_TRY_STATUS(run_kernel(parsed.program.kernels.front(), arrays));
    return text_of(arrays);
  }
  reference::RunValues values;
  int64_t value = 0;
  for (size_t i = 0; i < parsed.program.symbols.size(); ++i) // `symbols` gives one value for all of them.
    values.symbols.push_back(parse_int(test.header("symbols", "1"), value) ? value : 1);
  for (size_t i = 0; i < parsed.program.uniforms.size(); ++i) values.uniforms.push_back(std::bit_cast<uint32_t>(1.0f));
  SPARKLE_TRY_STATUS(run_program(parsed.program, values, arrays));
  return text_of(arrays);
}

} // namespace sparkle
