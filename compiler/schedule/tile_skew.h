// Skews of the tiles that `place at` makes (PlaceAt::skew). Rows of a tile that lie a whole number of ways apart would
// compete for a few lines of the nearest cache; some elements more between them, they do not.
//   tile 8 x 1024 f32, ways 4096 bytes apart, lines of 64:  skew 16 (strides 1040, 1)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// A line for each dimension of `tile` (extents, outermost first) whose stride would be a whole number of ways of the
/// nearest cache; without zeros at the end. None for machines without such a cache.
std::vector<int64_t> choose_skew(const std::vector<int64_t> &tile, int64_t element_bytes, const TargetInfo &info);

/// Elements of a buffer for `tile` with `skew`. Nothing: beyond 64 bits.
std::optional<int64_t> skewed_elements(const std::vector<int64_t> &tile, const std::vector<int64_t> &skew);

/// kBadSchedule where `skew`, of the tile of `let` with `dims` dimensions, is negative, beyond kGreatestSkew, or says
/// something of the innermost dimension or of one that is not there.
Status check_skew(const std::string &let, const std::vector<int64_t> &skew, size_t dims);

} // namespace sparkle
