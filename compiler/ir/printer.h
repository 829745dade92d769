// Printer: the text form of kernels and programs (docs/ir.md). parse_program and parse_kernel read it back; printing
// what they return gives the same text again.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

/// With `program`, tensors, symbols and uniforms are named; without, they are numbers: `tensor #0`.
std::string print(const Kernel &kernel, const Program *program = nullptr);
std::string print(const Program &program);
/// One expression, as in a statement.
std::string print_expr(const Kernel &kernel, ExprId id);
/// One statement with all that is in it.
std::string print_stmt(const Kernel &kernel, StmtId id);

/// The text, and for each statement id the bytes of its first line in there; both 0: not part of the body.
struct PrintedKernel {
  std::string text;
  std::vector<SourceRange> ranges;
};
PrintedKernel print_with_ranges(const Kernel &kernel, const Program *program = nullptr);

} // namespace sparkle
