// The commands of filetests, one function each; the table is filetest_handlers.cpp. To add one: declare it here, define
// it in a file beside, add a row, and link what it needs in tests/tools/CMakeLists.txt.
#pragma once

#include "compiler/ir/parser.h"
#include "tests/tools/filetest.h"

namespace sparkle {

// filetest_ir.cpp
/// The kernel or program of the test; with `verified`, violations become diagnostics at their places in the file.
Result<ParsedIr> parse_filetest(const Filetest &test, Diagnostics &diagnostics, bool verified);
/// Prints a parsed kernel or program as it was given.
std::string print_parsed(const ParsedIr &parsed);

/// `print`: parses and prints; the verifier is not asked.
Result<std::string> filetest_print(const Filetest &test, Diagnostics &diagnostics);
/// `verify`: the same, and the verifier must agree.
Result<std::string> filetest_verify(const Filetest &test, Diagnostics &diagnostics);
/// `clone`: what a Rewriter without hooks makes of each kernel.
Result<std::string> filetest_clone(const Filetest &test, Diagnostics &diagnostics);

} // namespace sparkle
