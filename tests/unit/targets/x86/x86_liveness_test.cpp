#include <algorithm>

#include "targets/x86/liveness.h"
#include "tests/unit/targets/x86/flat_code.h"

namespace sparkle::x86 {
namespace {

constexpr const char *kNest = R"(function @f avx2
  g0 = arg 0
  g1 = arg 1
  g2 = gconst 0
L0:
  g3 = gconst 0
L1:
  g4 = gload.8 [g0]
  g3 = gadd.8 g3, g4
  jump_if.eq.8 g4, 7, L3
  jump_if.lt.8 g3, g1, L1
  g2 = gadd.8 g2, 1
  jump_if.lt.8 g2, 9, L0
  jump L2
L3:
  gstore.8 g3, [g0]
L2:
  ret
)";

TEST(X86FlowGraph, LoopsAreNested) {
  const FlowGraph graph = flow_graph(flat_code(kNest));
  std::vector<int> depths, innermost;
  for (const FlowGraph::Block &block : graph.blocks) {
    depths.push_back(block.depth);
    innermost.push_back(block.is_innermost);
  }
  EXPECT_EQ(depths, (std::vector<int>{0, 1, 2, 2, 1, 0, 0, 0}));
  EXPECT_EQ(innermost, (std::vector<int>{0, 0, 1, 1, 0, 0, 0, 0}));
}

std::vector<uint32_t> numbers(std::vector<VReg> regs) {
  std::vector<uint32_t> out;
  for (const VReg reg : regs) out.push_back(index_of(reg));
  std::sort(out.begin(), out.end());
  return out;
}

TEST(X86Liveness, HoldsAroundLoops) {
  const Liveness liveness(flat_code(kNest));
  EXPECT_EQ(numbers(liveness.live_in(0)), (std::vector<uint32_t>{}));
  EXPECT_EQ(numbers(liveness.live_in(1)), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(numbers(liveness.live_in(2)), (std::vector<uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(numbers(liveness.live_in(4)), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(numbers(liveness.live_in(6)), (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(numbers(liveness.live_in(7)), (std::vector<uint32_t>{}));
}

TEST(X86Liveness, RangesReachOverLoops) {
  const Liveness liveness(flat_code(kNest));
  const LiveRange &limit = liveness.ranges()[1];
  EXPECT_EQ(limit.first, 3u); // its `arg`
  EXPECT_EQ(limit.last, 2 * 11 + 1u) << "read within both loops, so kept to the end of the outer";
  EXPECT_EQ(limit.writes, 1u);
  EXPECT_EQ(limit.uses, 101.0F);
  const LiveRange &loaded = liveness.ranges()[4];
  EXPECT_EQ(loaded.first, 2 * 6 + 1u);
  EXPECT_EQ(loaded.last, 2 * 8u);
}

} // namespace
} // namespace sparkle::x86
