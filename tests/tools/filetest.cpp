#include "tests/tools/filetest.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "compiler/ir/parser.h"
#include "compiler/ir/printer.h"

namespace sparkle {
namespace {

constexpr std::string_view kExpect = "; expect:";
constexpr std::string_view kExpectError = "; expect-error: ";

struct Parts {
  std::string input;       ///< With the header.
  std::string expectation; ///< From the first line that starts with `; expect` on.
};

Parts split(const std::string &text) {
  size_t at = text.starts_with("; expect") ? 0 : text.find("\n; expect");
  if (at == std::string::npos) return {text, ""};
  if (at != 0) ++at;
  return {text.substr(0, at), text.substr(at)};
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin));
}

/// The `; key: value` lines at the top.
Filetest read_header(const std::string &path, const std::string &input) {
  Filetest test{Source(path, input), "", "", {}};
  std::istringstream lines(input);
  for (std::string line; std::getline(lines, line) && line.starts_with(";");) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = trimmed(std::string_view(line).substr(1, colon - 1));
    const std::string value = trimmed(std::string_view(line).substr(colon + 1));
    if (key != "test") {
      test.headers.emplace_back(key, value);
      continue;
    }
    const size_t brace = value.find('{');
    test.command = trimmed(std::string_view(value).substr(0, brace));
    if (brace != std::string::npos && value.ends_with("}"))
      test.arguments = value.substr(brace + 1, value.size() - brace - 2);
  }
  return test;
}

std::string error_lines(const Filetest &test, const Diagnostics &diagnostics) {
  std::string lines;
  for (const Diagnostic &d : diagnostics.list()) {
    if (d.severity != Severity::kError) continue;
    const Source::Place place = test.source.place(d.range.begin);
    lines += kExpectError;
    lines += std::to_string(place.line) + ":" + std::to_string(place.column) + " " + d.code + "\n";
  }
  return lines;
}

/// Printed IR must read back as itself, whoever made it.
bool is_fixed_point(const std::string &text) {
  if (!text.starts_with("kernel @") && !text.starts_with("program @")) return true;
  Diagnostics diagnostics;
  auto parsed = parse_ir(Source("printed", text), diagnostics);
  if (!parsed) return false;
  return (parsed->is_kernel ? print(parsed->program.kernels.front()) : print(parsed->program)) == text;
}

/// What the file's last part should be.
Result<std::string> actual_expectation(const Filetest &test, FiletestHandler run, Diagnostics &diagnostics) {
  Result<std::string> result = Error{};
  try {
    result = run(test, diagnostics);
  } catch (const InternalError &e) {
    return Error{ErrorCode::kInternal, e.what()};
  }
  if (diagnostics.has_errors()) return error_lines(test, diagnostics);
  if (!result) {
    std::string text = result.error().text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return std::string(kExpectError) + std::string(name_of(result.error().code)) + ": " + text + "\n";
  }
  if (!is_fixed_point(*result))
    return Error{ErrorCode::kInternal, "the printed result does not read back as itself:\n" + *result};
  return std::string(kExpect) + "\n" + *result;
}

/// The first line in which two texts differ, and both texts.
std::string difference(const std::string &expected, const std::string &actual) {
  const auto [a, b] = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
  const auto line = 1 + std::count(expected.begin(), a, '\n');
  return "line " + std::to_string(line) + " of the expectation differs\n--- expected\n" + expected + "+++ actual\n" +
         actual;
}

} // namespace

std::string Filetest::header(std::string_view key, std::string_view otherwise) const {
  for (const auto &[name, value] : headers)
    if (name == key) return value;
  return std::string(otherwise);
}

FiletestOutcome run_filetest(const std::string &path, bool bless) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {false, false, "the file cannot be read"};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Parts parts = split(text);
  const Filetest test = read_header(path, parts.input);
  const auto commands = filetest_commands();
  const auto found =
      std::find_if(commands.begin(), commands.end(), [&](const auto &c) { return c.name == test.command; });
  if (found == commands.end()) return {false, false, "no command `" + test.command + "` in the line `; test: `"};
  Diagnostics diagnostics;
  const Result<std::string> actual = actual_expectation(test, found->run, diagnostics);
  if (!actual) return {false, false, actual.error().text};
  if (*actual == parts.expectation) return {true, false, ""};
  if (!bless) return {false, false, difference(parts.expectation, *actual) + render_text(diagnostics, test.source)};
  std::ofstream(path, std::ios::binary | std::ios::trunc) << parts.input << *actual;
  return {true, true, ""};
}

} // namespace sparkle
