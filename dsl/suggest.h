// "did you mean": the nearest of several names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sparkle::dsl {

/// The name with the fewest edits to `wanted`, if those are few enough to be a slip of the finger; else empty.
std::string nearest_name(std::string_view wanted, const std::vector<std::string> &names);

} // namespace sparkle::dsl
