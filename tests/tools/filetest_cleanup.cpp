// Filetests of the passes that work on any kernel of their stage, without a schedule: simplify, expand, hoist,
// flatten.
#include "compiler/ir/verifier.h"
#include "compiler/passes/expand.h"
#include "compiler/passes/flatten.h"
#include "compiler/passes/hoist.h"
#include "compiler/passes/simplify.h"
#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

/// Runs `pass` over every kernel of the test, checks what comes, and that a second run changes nothing (where it may
/// run).
template <class Pass>
Result<std::string> run_pass(const Filetest &test, Diagnostics &diagnostics, bool twice, Pass pass) {
  SPARKLE_TRY(ParsedIr parsed, parse_filetest(test, diagnostics, true));
  for (std::vector<Kernel> *kernels : {&parsed.program.prepack, &parsed.program.kernels})
    for (Kernel &kernel : *kernels) {
      SPARKLE_TRY(kernel, pass(kernel));
      SPARKLE_TRY_STATUS(verify(kernel));
    }
  std::string text = print_parsed(parsed);
  if (!twice) return text;
  for (std::vector<Kernel> *kernels : {&parsed.program.prepack, &parsed.program.kernels})
    for (Kernel &kernel : *kernels) {
      SPARKLE_TRY(kernel, pass(kernel));
    }
  if (print_parsed(parsed) != text)
    return Error{ErrorCode::kInternal, "a second run gives another text: " + print_parsed(parsed)};
  return text;
}

} // namespace

Result<std::string> filetest_simplify(const Filetest &test, Diagnostics &diagnostics) {
  SimplifyOptions options{.keep_grid = test.arguments == "keep_grid"};
  return run_pass(test, diagnostics, true, [&](const Kernel &in) { return simplify(in, options, TargetInfo{}); });
}

Result<std::string> filetest_expand(const Filetest &test, Diagnostics &diagnostics) {
  return run_pass(test, diagnostics, true, [](const Kernel &in) { return expand(in, {}, TargetInfo{}); });
}

Result<std::string> filetest_hoist(const Filetest &test, Diagnostics &diagnostics) {
  HoistOptions options{.statements = test.arguments != "expressions", .expressions = test.arguments != "statements"};
  return run_pass(test, diagnostics, true, [&](const Kernel &in) { return hoist(in, options, TargetInfo{}); });
}

Result<std::string> filetest_flatten(const Filetest &test, Diagnostics &diagnostics) {
  FlattenOptions options{.wide_indices = test.arguments == "wide_indices"};
  return run_pass(test, diagnostics, false, [&](const Kernel &in) { return flatten(in, options, TargetInfo{}); });
}

} // namespace sparkle
