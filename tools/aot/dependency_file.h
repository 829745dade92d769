// Dependencies in the syntax of make, as compilers write them with -MD.
#pragma once

#include <string>
#include <vector>

namespace sparkle::aot {

/// `outputs: inputs`, spaces, `#`, `$` and such escaped; then an empty rule for each input but the first, so that make
/// does not stop when one is removed.
std::string dependency_text(const std::vector<std::string> &outputs, const std::vector<std::string> &inputs);

} // namespace sparkle::aot
