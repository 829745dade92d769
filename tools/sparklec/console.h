// Where messages go, and what becomes of errors. Results go to standard output, all else to standard error.
#pragma once

#include <string>
#include <string_view>

#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"
#include "tools/sparklec/options.h"

namespace sparkle::cli {

ExitCode exit_code_of(ErrorCode code);

class Console {
public:
  explicit Console(DiagnosticsForm form) : form_(form) {}

  /// From now on a failure is also printed as `{"error": {"code": ..., "text": ...}}` to standard output.
  void use_json() { json_ = true; }
  /// Located messages, as text or as JSON lines. What they hold need not be said again by `fail`.
  void show(const Diagnostics &diagnostics, const Source &source);
  /// A line `sparklec: note: ...`.
  void note(std::string_view text) const;
  void to_stderr(std::string_view text) const;
  void print(std::string_view text) const;
  /// Tells the user; returns how the process ends.
  ExitCode fail(const Error &error) const;
  /// kIo: standard output could not take all that was printed.
  static Status flush();

private:
  DiagnosticsForm form_;
  bool json_ = false;
  bool located_ = false; ///< `show` has said what is wrong.
};

/// What is said when a failure is Sparkle's own.
std::string bug_message(std::string_view what);

} // namespace sparkle::cli
