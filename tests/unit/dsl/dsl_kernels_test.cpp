// Every kernel under tests/filetests/dsl: parses, prints as a fixed point, checks, and binds to exactly the text that
// stands behind `// bound:`. SPARKLE_BLESS=1 rewrites that text.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "dsl/printer.h"
#include "tests/unit/dsl/dsl_fixture.h"
#include "tests/unit/kernel_files.h"

namespace sparkle::dsl {
namespace {

std::string commented(const std::string &text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) out += "// " + line + "\n";
  return out;
}

/// One block for each `// bind:` line.
std::string bound_text(const std::string &text, const std::filesystem::path &path) {
  std::string out;
  for (const std::string &line : test::bind_lines(text)) {
    FrontEnd front(text, parse_request(line));
    EXPECT_TRUE(front.bound) << path << "\n" << line << "\n" << front.errors();
    if (front.bound) out += commented(print(*front.bound));
  }
  return out;
}

TEST(DslKernels, BindToTheirGoldenText) {
  const auto files = test::kernel_files("dsl");
  ASSERT_GE(files.size(), 20u);
  for (const auto &path : files) {
    const std::string text = test::read_text(path);
    const size_t mark = text.find("// bound:\n");
    const std::string seen = bound_text(text, path);
    EXPECT_FALSE(seen.empty()) << path << " has no `// bind:` line";
    if (std::getenv("SPARKLE_BLESS") != nullptr) {
      std::ofstream(path, std::ios::binary) << text.substr(0, mark) << "// bound:\n" << seen;
      continue;
    }
    ASSERT_NE(mark, std::string::npos) << path << " has no `// bound:` text";
    EXPECT_EQ(seen, text.substr(mark + 10)) << path;
  }
}

TEST(DslKernels, PrintAsAFixedPoint) {
  for (const auto &path : test::kernel_files("dsl")) {
    FrontEnd front(test::read_text(path));
    ASSERT_TRUE(front.file) << path << "\n" << front.errors();
    const std::string once = print(*front.file);
    FrontEnd again(once);
    ASSERT_TRUE(again.file) << once << again.errors();
    EXPECT_EQ(once, print(*again.file)) << path;
    EXPECT_TRUE(again.checked) << path << "\n" << again.errors();
  }
}

} // namespace
} // namespace sparkle::dsl
