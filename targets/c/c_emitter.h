// Plain C from an imported program: what the text says and nothing more. One function for each definition, its loops in
// the order of the text with the reduction inside, one element after the other; no tiles, no vectors, no packing. It is
// the starting point that memory patterns are measured against, and an oracle that shares no code with the others.
//
//   for (int oc = 0; oc < 64; ++oc) {
//     float sum = 0.0f;
//     for (int kh = 0; kh < 7; ++kh) {
//       const int src_1 = oh * 2 + kh - 3;
//       if (0 <= src_1 && src_1 < 224) {
//         ...
//               sum += src[...] * wei[...];
//     }
//     acc[...] = sum;
//   }
//
// C99. Tensors are `restrict` pointers, `let`s workspace arrays; open extents and run-time scalars are arguments.
#pragma once

#include <string>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"

namespace sparkle::c {

struct EmitOptions {
  /// Adds a function `sparkle_entry_N` of the form SparkleCpuEntry (artifact.h) for kernel number N: its only task runs
  /// the whole definition, buffers in the order of bound_buffers().
  bool entries = false;
};

/// Every kernel at stage kImported. The same text for the same program. kUnsupported: an operation that C lacks
/// (conversions of floats to bool).
Result<std::string> emit_c(const Program &program, const EmitOptions &options = {});

} // namespace sparkle::c
