// Flat code for tests, from its text.
#pragma once

#include <gtest/gtest.h>

#include "targets/x86/text.h"

namespace sparkle::x86 {

inline Function flat_code(const std::string &text) {
  const Source source("test", text);
  Diagnostics diagnostics;
  Result<Function> function = parse_function(source, diagnostics);
  EXPECT_TRUE(function) << render_text(diagnostics, source);
  return function ? std::move(*function) : Function();
}

} // namespace sparkle::x86
