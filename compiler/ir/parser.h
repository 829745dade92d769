// Parser: reads the text form that printer.h writes (docs/ir.md). Never trusts its input: any bytes give a value or
// located errors. It checks names, numbers and form; what a kernel means is the verifier's business.
//
// Errors: ir-syntax (ends the parse), ir-name (unknown or repeated), ir-value (a number that does not fit), ir-limit.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"

namespace sparkle {

inline constexpr size_t kMaxIrBytes = size_t{64} << 20;
inline constexpr int kMaxIrNesting = 256;    ///< Of brackets and of statements.
inline constexpr int kMaxIrExprDepth = 2000; ///< Of an expression's tree.
inline constexpr int kMaxIrLanes = 4096;

/// `program @name { ... }`, or one kernel alone, which gives a program with that kernel (its tensors are numbers that
/// refer to nothing: `is_kernel` says so).
struct ParsedIr {
  Program program;
  bool is_kernel = false;
};

/// Statements keep their place in `source` (Kernel::range).
Result<ParsedIr> parse_ir(const Source &source, Diagnostics &diagnostics);
Result<Program> parse_program(const Source &source, Diagnostics &diagnostics);
Result<Kernel> parse_kernel(const Source &source, Diagnostics &diagnostics);

} // namespace sparkle
