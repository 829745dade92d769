// Filetests: a text and what is expected of it in one file (docs/testing.md).
//
//   ; test: prefetch{distance=4}
//   ; target-info: avx2
//   kernel @k stage tiled { ... }
//   ; expect:
//   ...the exact text of the result...
//
// The first lines are `; key: value`. Instead of `; expect:`, error tests end with one line for each error, in order:
//   ; expect-error: 3:5 ir-scope            a diagnostic: line and column in the file, and its code
//   ; expect-error: bad-schedule: text      an error without a place: name_of(ErrorCode) and its text
// What the command yields stands in the table of filetest_handlers.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"

namespace sparkle {

struct Filetest {
  Source source;         ///< The file up to the expectation; places are those in the file.
  std::string command;   ///< `prefetch`
  std::string arguments; ///< `distance=4`
  std::vector<std::pair<std::string, std::string>> headers; ///< Other keys: `target-info`.

  /// The value of a key, or `otherwise`.
  std::string header(std::string_view key, std::string_view otherwise = "") const;
};

/// The text to compare, or errors in `diagnostics`, or an error without a place.
using FiletestHandler = Result<std::string> (*)(const Filetest &test, Diagnostics &diagnostics);

struct FiletestCommand {
  std::string_view name;
  FiletestHandler run;
};

/// The table of commands.
std::span<const FiletestCommand> filetest_commands();

struct FiletestOutcome {
  bool passed = false;
  bool blessed = false; ///< The expectation was rewritten.
  std::string message;  ///< Why not: what was expected and what came, or what is wrong with the file.
};

/// Runs one file. With `bless`, what came becomes the expectation.
FiletestOutcome run_filetest(const std::string &path, bool bless);

} // namespace sparkle
