// Greedy by size: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020), section 5.
// Optimal packing is NP-hard; for the few intermediates of a program greedy placement is within a few percent.
#include "compiler/target/workspace_layout.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

struct Placed {
  int64_t begin;
  int64_t end;
  int first;
  int last;
};

/// The lowest gap between the blocks alive at the same time. `placed` is sorted by `begin`. No overflow: all ends lie
/// below the checked sum of all sizes.
int64_t lowest_fit(std::span<const Placed> placed, const LiveBlock &block, int64_t bytes) {
  int64_t at = 0;
  for (const Placed &other : placed) {
    if (other.last < block.first || block.last < other.first) continue;
    if (other.begin - at >= bytes) break;
    at = std::max(at, other.end);
  }
  return at;
}

Result<std::vector<int64_t>> round_up_sizes(const std::vector<LiveBlock> &blocks) {
  std::vector<int64_t> sizes;
  int64_t total = 0;
  for (const LiveBlock &block : blocks) {
    const int64_t limit = std::numeric_limits<int64_t>::max() - kBlockAlignment;
    const int64_t rounded = block.bytes > limit ? limit : ceil_div(block.bytes, kBlockAlignment) * kBlockAlignment;
    const auto sum = checked_add(total, rounded);
    if (block.bytes > limit || !sum)
      return Error{ErrorCode::kShapeOverflow, "the sum of the buffer sizes leaves 64 bits"};
    total = *sum;
    sizes.push_back(rounded);
  }
  return sizes;
}

} // namespace

Result<BlockLayout> lay_out_blocks(const std::vector<LiveBlock> &blocks) {
  SPARKLE_TRY(const std::vector<int64_t> sizes, round_up_sizes(blocks));
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });

  BlockLayout layout;
  layout.offsets.resize(blocks.size());
  std::vector<Placed> placed;
  for (const size_t i : order) {
    if (sizes[i] == 0) continue;
    const int64_t begin = lowest_fit(placed, blocks[i], sizes[i]);
    const Placed entry{begin, begin + sizes[i], blocks[i].first, blocks[i].last};
    const auto by_begin = [](const Placed &a, const Placed &b) { return a.begin < b.begin; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), entry, by_begin), entry);
    layout.offsets[i] = begin;
    layout.bytes = std::max(layout.bytes, entry.end);
  }
  return layout;
}

} // namespace sparkle
