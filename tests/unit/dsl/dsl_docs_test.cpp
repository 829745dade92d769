// Every program in docs/language.md checks, and binds with small sizes.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/dsl/dsl_fixture.h"

namespace sparkle::dsl {
namespace {

std::vector<std::string> programs() {
  std::ifstream in(SPARKLE_DOCS "/language.md");
  std::vector<std::string> found;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "```spk") found.emplace_back();
    if (inside && line == "```") inside = false;
    if (inside) found.back() += line + "\n";
    if (line == "```spk") inside = true;
  }
  return found;
}

TEST(DslDocs, EveryProgramIsSound) {
  const auto texts = programs();
  ASSERT_GE(texts.size(), 10u);
  for (const std::string &text : texts) {
    FrontEnd front(text);
    ASSERT_TRUE(front.checked) << text << front.errors();
    BindRequest request;
    for (const IntName &name : front.checked->kernels.at(0).ints)
      if (!name.is_parameter && !is_valid(name.definition)) request.values[name.name] = 3;
    front.bind_with(request);
    EXPECT_TRUE(front.bound) << text << front.errors();
  }
}

} // namespace
} // namespace sparkle::dsl
