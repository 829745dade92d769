// From a kernel with every size known to the loop IR (DESIGN 3): the last thing that knows the language.
//
//   dst[oh, oc] = max(acc[oh, oc] + bias[oc], 0)    becomes    kernel @dst { for oh, oc { dst[oh, oc] = max(...) } }
//
// - Every definition becomes one kernel of stage kImported, in order of the text, named like the tensor it writes:
//   serial loops over its indices around one Store. Loops and reduction axes carry the names of the indices (`dim`).
// - A `let` over [b, e) is stored at index - b by loops from b to e; its reads subtract b.
// - What happens outside: `clamp mirror reflect wrap` rewrite the subscript, at any distance; a value becomes a guard
// of
//   the Read, made of the comparisons that are not proven; `skip` puts them into the filter of the innermost Reduce.
// - `mean` is a sum divided by the number of kept terms: a constant, or a second Reduce over axes of the same names.
// - Tables have no memory: a read is a tree of selects over the subscript, one for each change of value.
// - Storage types are widened around arithmetic and reductions, which is exact but for sums that name f16 or bf16:
// those
//   accumulate in f32 and round once, and are refused when strict.
// - Scalar parameters become uniforms, of type f32 or i32 (storage types are cast where they are used).
#pragma once

#include "compiler/import/strides.h"
#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "dsl/bind.h"
#include "dsl/bound.h"

namespace sparkle {

/// Values of a table that a kernel may read by selects.
inline constexpr int64_t kMaxTableValues = 64;

struct ImportOptions {
  bool strict = false; ///< Kernel::strict.
};
/// Program::flops counts per run: definitions of constant data only are left out. Errors: kUnsupported (a large table,
/// an extent that is a formula of open dimensions), kShapeOverflow.
Result<Program> import_kernel(const dsl::BoundKernel &kernel, const ImportOptions &options);

/// dsl::BindRequest, and how to import.
struct ImportRequest {
  std::string kernel;
  std::map<std::string, int64_t> values;
  std::map<std::string, std::vector<int64_t>> shapes;
  std::set<std::string> open;
  bool strict = false;
  StridesByName strides = {}; ///< Of arguments that are not dense row-major.
};
/// Parses, checks, binds and imports, and sets strides. Mistakes in the text are reported with their places.
Result<Program> import_source(const Source &source, const ImportRequest &request, Diagnostics &diagnostics);

} // namespace sparkle
