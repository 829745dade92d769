// Machine descriptions of targets/fixtures, for tests of schedules.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "compiler/target/target_info.h"

namespace sparkle::test {

inline TargetInfo machine(const std::string &name) {
  std::ifstream file(std::string(SPARKLE_ROOT) + "/targets/fixtures/" + name + ".target");
  const Source source(name, std::string(std::istreambuf_iterator<char>(file), {}));
  Diagnostics diagnostics;
  auto info = parse_target_info(source, diagnostics);
  EXPECT_TRUE(info) << render_text(diagnostics, source);
  return info ? *info : TargetInfo{};
}

} // namespace sparkle::test
