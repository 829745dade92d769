// One definition as a C function.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "targets/c/c_text.h"

namespace sparkle::c {

/// A parameter of a function: a tensor, an open extent or a run-time scalar.
struct Parameter {
  enum class Kind : uint8_t { kTensor, kSymbol, kUniform };
  Kind kind = Kind::kTensor;
  uint32_t number = 0; ///< TensorId, SymbolId or UniformId.
  Scalar type = Scalar::kF32;
  bool is_written = false;
  size_t binding = 0; ///< Of a tensor: its position in bound_buffers().

  /// `const float *restrict src`.
  std::string declaration(const std::string &name) const;
};

struct Function {
  std::string name;
  std::vector<Parameter> parameters; ///< What is read first, what is written last.
  std::string text;                  ///< `static void name(...) { ... }`.
};

Result<Function> emit_function(const Kernel &kernel, const std::string &name, Helpers &helpers);

/// The name of what a parameter stands for in the program.
std::string name_of(const Program &program, const Parameter &parameter);

} // namespace sparkle::c
