#include "compiler/ir/printer.h"
#include "compiler/ir/rewriter.h"
#include "compiler/ir/verifier.h"
#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

void report_all(const ParsedIr &parsed, Diagnostics &diagnostics) {
  const Program &program = parsed.program;
  for (const std::vector<Kernel> *kernels : {&program.prepack, &program.kernels})
    for (const Kernel &kernel : *kernels) {
      const auto violations = parsed.is_kernel ? find_violations(kernel) : find_violations(program, kernel);
      report_violations(kernel, violations, diagnostics);
    }
}

} // namespace

Result<ParsedIr> parse_filetest(const Filetest &test, Diagnostics &diagnostics, bool verified) {
  SPARKLE_TRY(ParsedIr parsed, parse_ir(test.source, diagnostics));
  if (verified) report_all(parsed, diagnostics);
  if (diagnostics.has_errors()) return Error{ErrorCode::kInvalidInput, "the IR of the test is not valid"};
  return parsed;
}

std::string print_parsed(const ParsedIr &parsed) {
  return parsed.is_kernel ? print(parsed.program.kernels.front()) : print(parsed.program);
}

Result<std::string> filetest_print(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(const ParsedIr parsed, parse_filetest(test, diagnostics, false));
  return print_parsed(parsed);
}

Result<std::string> filetest_verify(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(const ParsedIr parsed, parse_filetest(test, diagnostics, true));
  return print_parsed(parsed);
}

Result<std::string> filetest_clone(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(ParsedIr parsed, parse_filetest(test, diagnostics, true));
  for (std::vector<Kernel> *kernels : {&parsed.program.prepack, &parsed.program.kernels})
    for (Kernel &kernel : *kernels) {
      Kernel copy = Rewriter(kernel).run();
      kernel = std::move(copy);
      SPARKLE_TRY_STATUS(verify(kernel));
    }
  return print_parsed(parsed);
}

} // namespace sparkle
