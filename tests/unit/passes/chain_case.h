// A program at stage imported with schedules by hand, that goes through the whole chain of passes.
#pragma once

#include <ostream>
#include <string_view>
#include <vector>

namespace sparkle::test {

struct ChainCase {
  std::string_view name;
  std::string_view program;
  std::vector<std::string_view> schedules;
};

inline std::ostream &operator<<(std::ostream &out, const ChainCase &c) { return out << c.name; }

} // namespace sparkle::test
