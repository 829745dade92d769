// Which elements of a result are looked at when there are too many for all of them.
#pragma once

#include <cstdint>
#include <vector>

namespace sparkle {

/// All corners; for each border and for the last tile's worth of each dimension random points on it; then `random`
/// points anywhere. Without duplicates, in ascending order, the same for the same seed. Empty for a shape without
/// elements.
std::vector<std::vector<int64_t>> sample_points(const std::vector<int64_t> &shape, int64_t random, uint64_t seed);

} // namespace sparkle
