// Programs whose results stand below them: under tests/filetests/values, one rule of the language a case, and in
// docs/language.md.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/import/value_cases.h"
#include "tests/unit/kernel_files.h"

namespace sparkle {
namespace {

std::vector<ValueCase> programs_of_document() {
  std::istringstream lines(test::read_text(SPARKLE_DOCS "/language.md"));
  std::vector<ValueCase> programs;
  std::string text;
  bool inside = false;
  int number = 0, begin = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (inside && line == "```") {
      programs.push_back(read_value_case("docs/language.md:" + std::to_string(begin), text));
      inside = false;
    }
    if (inside) text += line + "\n";
    if (line != "```spk") continue;
    inside = true;
    begin = number;
    text.clear();
  }
  return programs;
}

TEST(ImportCases, ProgramsGiveWhatTheySay) {
  const auto files = test::kernel_files("values");
  ASSERT_GE(files.size(), 5u);
  for (const auto &path : files) {
    const auto cases = read_value_cases(test::read_text(path));
    EXPECT_FALSE(cases.empty()) << path;
    for (const ValueCase &test : cases) {
      SCOPED_TRACE(path.filename().string() + ": " + test.name);
      EXPECT_FALSE(test.runs.empty()) << "no `// bind:` line";
      for (const ValueRun &run : test.runs) EXPECT_FALSE(run.gives.empty()) << "a run that gives nothing";
      check_value_case(test);
    }
  }
}

/// Every program of the document says what it gives.
TEST(ImportCases, ProgramsOfTheDocumentGiveWhatTheySay) {
  const auto programs = programs_of_document();
  ASSERT_GE(programs.size(), 12u);
  for (const ValueCase &test : programs) {
    SCOPED_TRACE(test.name);
    EXPECT_FALSE(test.runs.empty()) << "no `// bind:` line";
    for (const ValueRun &run : test.runs) EXPECT_FALSE(run.gives.empty()) << "a run that gives nothing";
    check_value_case(test);
  }
}

} // namespace
} // namespace sparkle
