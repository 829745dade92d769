#include "tools/sparklec/console.h"

#include <cstdio>

#include <nlohmann/json.hpp>

namespace sparkle::cli {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
  case ErrorCode::kInvalidInput:
  case ErrorCode::kBadSchedule:
  case ErrorCode::kShapeOverflow:
  case ErrorCode::kIo: return ExitCode::kInput;
  case ErrorCode::kUnsupported:
  case ErrorCode::kOutOfMemory:
  case ErrorCode::kDeviceOutOfMemory:
  case ErrorCode::kNoDevice:
  case ErrorCode::kDeviceLost:
  case ErrorCode::kDevice:
  case ErrorCode::kTimeout: return ExitCode::kMachine;
  case ErrorCode::kVerifyFailed:
  case ErrorCode::kInternal: return ExitCode::kBug;
  }
  return ExitCode::kBug;
}

std::string bug_message(std::string_view what) {
  return "sparklec: internal error: " + escape_control(what) +
         "\nThis is a bug in Sparkle, not a mistake of yours. Please report it with the command line and the "
         "program.\n";
}

void Console::to_stderr(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), stderr); }

void Console::print(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), stdout); }

void Console::note(std::string_view text) const { to_stderr("sparklec: note: " + escape_control(text) + "\n"); }

void Console::show(const Diagnostics &diagnostics, const Source &source) {
  if (diagnostics.list().empty()) return;
  located_ = located_ || diagnostics.has_errors();
  to_stderr(form_ == DiagnosticsForm::kJson ? render_json(diagnostics, source) : render_text(diagnostics, source));
}

ExitCode Console::fail(const Error &error) const {
  const ExitCode code = exit_code_of(error.code);
  if (code == ExitCode::kBug && error.code == ErrorCode::kInternal)
    to_stderr(bug_message(error.text));
  else if (!located_)
    to_stderr("sparklec: error: " + escape_control(error.text) + "\n");
  if (json_) {
    const nlohmann::ordered_json object{
        {"error", {{"code", name_of(error.code)}, {"text", error.text}, {"exit_code", static_cast<int>(code)}}}};
    print(object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }
  return code;
}

Status Console::flush() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return ok();
  return Error{ErrorCode::kIo, "standard output could not be written"};
}

} // namespace sparkle::cli
