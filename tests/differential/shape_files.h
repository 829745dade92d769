// Shape lists of this tree (tests/shapes) and, where they are, external ones beside it (SPARKLE_SHAPE_LISTS).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/shape_list.h"

namespace sparkle::test {

/// A list that cannot be read ends the test program.
std::vector<ConvolutionShape> own_shapes(const std::string &file);

/// Nothing where there is no such list.
std::optional<std::vector<ConvolutionShape>> external_shapes(const std::string &file);
std::string external_shape_folder();

} // namespace sparkle::test
