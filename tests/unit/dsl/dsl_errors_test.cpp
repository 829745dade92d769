// Every case under tests/filetests/errors: exactly the expected diagnostics, with code, line and column.
// A file holds cases; each starts with `//// name`. Below a line of the text, `//   ^ code` expects an error at that
// column; `// expect: LINE:COLUMN code` says it in numbers (lines count from the one after `////`).
// `// says: TEXT` expects TEXT in what is shown to people. `// bind: N=4 open=B src=1x4` binds the kernel; `// pad:
// BYTES` fills the text up with blank lines.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "tests/unit/dsl/dsl_fixture.h"
#include "tests/unit/kernel_files.h"

namespace sparkle::dsl {
namespace {

/// What each code means.
const std::map<std::string, std::string> kCodes = {
#define SPARKLE_DIAGNOSTIC(code, meaning) {code, meaning},
#include "dsl/diagnostics.def"
#undef SPARKLE_DIAGNOSTIC
};

struct Case {
  std::string name, text, bind;
  bool binds = false;
  size_t pad = 0;
  std::multiset<std::string> expected;
  std::vector<std::string> says;
};

std::string place_text(int line, int column, const std::string &code) {
  return std::to_string(line) + ":" + std::to_string(column) + " " + code;
}

void add_line(Case &test, const std::string &line, int number, int &last_code_line) {
  test.text += line + "\n";
  const size_t caret = line.find('^');
  const bool marks = line.starts_with("//") && caret != std::string::npos && line.find_first_not_of(' ', 2) == caret;
  if (marks)
    test.expected.insert(place_text(last_code_line, static_cast<int>(caret) + 1, line.substr(caret + 2)));
  else if (line.starts_with("// expect: "))
    test.expected.insert(line.substr(11));
  else if (line.starts_with("// bind:")) {
    test.binds = true;
    test.bind = line.substr(8);
  } else if (line.starts_with("// pad: "))
    test.pad = std::stoul(line.substr(8));
  else
    last_code_line = number;
}

std::vector<Case> read_cases(const std::filesystem::path &path) {
  std::vector<Case> cases;
  std::ifstream in(path, std::ios::binary);
  int number = 0, last_code_line = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("//// ")) {
      cases.push_back({path.filename().string() + ": " + line.substr(5), {}, {}, false, 0, {}, {}});
      number = last_code_line = 0;
    } else if (!cases.empty())
      add_line(cases.back(), line, ++number, last_code_line);
  }
  return cases;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto &path : test::kernel_files("errors"))
    for (Case &test : read_cases(path)) cases.push_back(std::move(test));
  return cases;
}

std::multiset<std::string> seen_in(const FrontEnd &front) {
  std::multiset<std::string> seen;
  for (const Diagnostic &d : front.diagnostics.list()) {
    const auto place = front.source.place(d.range.begin);
    seen.insert(place_text(place.line, place.column, d.code));
  }
  return seen;
}

TEST(DslErrors, EveryCaseReportsExactlyWhatItSays) {
  const auto cases = all_cases();
  ASSERT_GE(cases.size(), 60u);
  for (Case test : cases) {
    SCOPED_TRACE(test.name);
    if (test.text.size() < test.pad) test.text.append(test.pad - test.text.size(), '\n');
    FrontEnd front(test.text);
    if (test.binds) front.bind_with(parse_request(test.bind));
    EXPECT_FALSE(test.expected.empty()) << "the case expects nothing";
    EXPECT_EQ(seen_in(front), test.expected) << front.errors();
    for (const std::string &text : test.says)
      EXPECT_NE(front.errors().find(text), std::string::npos) << text << "\n" << front.errors();
    for (const Diagnostic &d : front.diagnostics.list())
      EXPECT_TRUE(kCodes.contains(d.code)) << d.code << " is not in diagnostics.def";
  }
}

TEST(DslErrors, EveryCodeHasACase) {
  std::set<std::string> covered;
  for (const Case &test : all_cases())
    for (const std::string &expected : test.expected) covered.insert(expected.substr(expected.find(' ') + 1));
  for (const auto &[code, meaning] : kCodes)
    EXPECT_TRUE(covered.contains(code)) << code << " has no case under tests/filetests/errors";
}

/// The first message of each code.
std::map<std::string, std::string> examples() {
  std::map<std::string, std::string> found;
  for (const Case &test : all_cases()) {
    if (test.pad > 0) continue;
    FrontEnd front(test.text);
    if (test.binds) front.bind_with(parse_request(test.bind));
    for (const Diagnostic &d : front.diagnostics.list()) found.emplace(d.code, d.text);
  }
  return found;
}

std::string table_cell(const std::string &text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string errors_page() {
  std::string page =
      "# Errors of the kernel language\n\nWritten by a test from `dsl/diagnostics.def` and the cases under "
      "`tests/filetests/errors`:\n`SPARKLE_BLESS=1 ctest -R DslErrors` renews it. Limits are in "
      "[language.md](language.md).\n\n| code | means | for example |\n|---|---|---|\n";
  const auto messages = examples();
  for (const auto &[code, meaning] : kCodes) {
    const auto example = messages.find(code);
    page += "| `" + code + "` | " + table_cell(meaning) + " | " +
            (example == messages.end() ? "" : table_cell(escape_control(example->second))) + " |\n";
  }
  return page;
}

TEST(DslErrors, ThePageListsThemAll) {
  const std::string path = SPARKLE_DOCS "/errors.md", wanted = errors_page();
  if (std::getenv("SPARKLE_BLESS") != nullptr) std::ofstream(path, std::ios::binary) << wanted;
  EXPECT_EQ(test::read_text(path), wanted) << "SPARKLE_BLESS=1 renews it";
}

} // namespace
} // namespace sparkle::dsl
