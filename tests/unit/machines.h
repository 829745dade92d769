// Machine descriptions of targets/fixtures, by name.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "compiler/target/target_info.h"
#include "tests/unit/read_text.h"

namespace sparkle::test {

inline TargetInfo machine(const std::string &name) {
  const Source source(name, read_text(SPARKLE_ROOT "/targets/fixtures/" + name + ".target"));
  Diagnostics diagnostics;
  auto info = parse_target_info(source, diagnostics);
  EXPECT_TRUE(info) << render_text(diagnostics, source);
  return info ? *info : TargetInfo{};
}

} // namespace sparkle::test
