#include "compiler/schedule/tile_skew.h"

#include <algorithm>

#include "compiler/schedule/schedule.h"
#include "compiler/support/checked_math.h"

namespace sparkle {

std::vector<int64_t> choose_skew(const std::vector<int64_t> &tile, int64_t element_bytes, const TargetInfo &info) {
  const auto cache = std::ranges::find_if(
      info.memories, [](const MemoryInfo &memory) { return !memory.explicit_fill && memory.way_stride_bytes > 0; });
  if (cache == info.memories.end()) return {};
  std::vector<int64_t> skew(tile.size(), 0);
  int64_t stride = 1;
  for (size_t d = tile.size(); d-- > 0; stride *= tile[d]) {
    const bool has_rows = d + 1 < tile.size() && tile[d] > 1;
    if (!has_rows || stride * element_bytes % cache->way_stride_bytes != 0) continue;
    skew[d] = cache->line_bytes / element_bytes;
    stride += skew[d];
  }
  while (!skew.empty() && skew.back() == 0) skew.pop_back();
  return skew;
}

std::optional<int64_t> skewed_elements(const std::vector<int64_t> &tile, const std::vector<int64_t> &skew) {
  std::optional<int64_t> elements = 1;
  for (size_t d = tile.size(); d-- > 0 && elements;) {
    if (d < skew.size()) elements = checked_add(*elements, skew[d]);
    if (elements) elements = checked_mul(*elements, tile[d]);
  }
  return elements;
}

Status check_skew(const std::string &let, const std::vector<int64_t> &skew, size_t dims) {
  const auto bad = [&](const std::string &text) {
    return Error{ErrorCode::kBadSchedule, "`place at` of `" + let + "`: `skew` " + text};
  };
  for (const int64_t elements : skew)
    if (elements < 0 || elements > kGreatestSkew)
      return bad("takes 0 to " + std::to_string(kGreatestSkew) + " elements, not " + std::to_string(elements));
  const size_t most = std::max<size_t>(dims, 1) - 1;
  if (skew.size() <= most) return ok();
  if (most == 0) return bad("parts the rows of a tile; this one has a single row");
  return bad("has " + std::to_string(skew.size()) + " numbers; this tile has " + std::to_string(most) +
             (most == 1 ? " dimension" : " dimensions") + " outside the innermost one");
}

} // namespace sparkle
