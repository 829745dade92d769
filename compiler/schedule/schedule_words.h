// Words of the schedule's text form that end a list of loops.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace sparkle {

inline constexpr std::array<std::string_view, 9> kOptionWords = {"at",      "layout", "skew",     "walk", "lanes",
                                                                 "buffers", "ahead",  "distance", "cache"};

/// A dimension with such a name is written with its split: `lanes.0`.
inline bool is_option_word(std::string_view word) {
  return std::find(kOptionWords.begin(), kOptionWords.end(), word) != kOptionWords.end();
}

} // namespace sparkle
