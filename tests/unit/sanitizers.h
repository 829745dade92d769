// The sanitizers that this tree is built with, for tests of what they change: speed, memory, processes. CMake knows
// them from the flags (tests/unit/CMakeLists.txt): g++ has no macro for all of them.
#pragma once

#include <string_view>

#ifndef SPARKLE_SANITIZERS
#define SPARKLE_SANITIZERS ""
#endif

namespace sparkle::test {

/// As given to -fsanitize, `address` or `address,undefined`; empty for none.
inline constexpr std::string_view kSanitizers = SPARKLE_SANITIZERS;

constexpr bool is_sanitized() { return !kSanitizers.empty(); }
constexpr bool is_sanitized(std::string_view by) { return kSanitizers.find(by) != std::string_view::npos; }

} // namespace sparkle::test
