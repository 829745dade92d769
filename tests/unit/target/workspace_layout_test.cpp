#include "compiler/target/workspace_layout.h"

#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace sparkle {
namespace {

bool overlap(int64_t a, int64_t a_end, int64_t b, int64_t b_end) { return a < b_end && b < a_end; }

TEST(WorkspaceLayout, BlocksThatNeverLiveTogetherShareBytes) {
  auto layout = lay_out_blocks({{1000, 0, 1}, {1000, 2, 3}});
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->offsets, (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(layout->bytes, 1024);
}

TEST(WorkspaceLayout, ALaunchThatReadsOneAndWritesTheOtherKeepsThemApart) {
  auto layout = lay_out_blocks({{100, 0, 1}, {100, 1, 2}});
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->offsets, (std::vector<int64_t>{0, 128}));
  EXPECT_EQ(layout->bytes, 256);
}

TEST(WorkspaceLayout, FillsTheLowestGap) {
  // A chain of three and one block that lives throughout: the third link goes where the first one was.
  auto layout = lay_out_blocks({{64, 0, 1}, {64, 1, 2}, {64, 2, 3}, {640, 0, 3}});
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->offsets, (std::vector<int64_t>{640, 704, 640, 0}));
  EXPECT_EQ(layout->bytes, 768);
}

TEST(WorkspaceLayout, EmptyBlocksTakeNothing) {
  auto layout = lay_out_blocks({{0, 0, 5}, {64, 0, 5}});
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->bytes, 64);
  EXPECT_EQ(lay_out_blocks({})->bytes, 0);
}

TEST(WorkspaceLayout, OverflowIsAnError) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(lay_out_blocks({{most, 0, 0}}).error().code, ErrorCode::kShapeOverflow);
  EXPECT_EQ(lay_out_blocks({{most - 200, 0, 0}, {most / 2, 0, 0}}).error().code, ErrorCode::kShapeOverflow);
}

TEST(WorkspaceLayout, NeverOverlapsWhatLivesTogether) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<LiveBlock> blocks(1 + random() % 12);
    for (LiveBlock &block : blocks) {
      block.bytes = static_cast<int64_t>(random() % 2000);
      block.first = static_cast<int>(random() % 6);
      block.last = block.first + static_cast<int>(random() % 4);
    }
    auto layout = lay_out_blocks(blocks);
    ASSERT_TRUE(layout);
    for (size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_EQ(layout->offsets[i] % kBlockAlignment, 0);
      EXPECT_LE(layout->offsets[i] + blocks[i].bytes, layout->bytes);
      for (size_t j = 0; j < i; ++j) {
        const bool together = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
        if (!together || blocks[i].bytes == 0 || blocks[j].bytes == 0) continue;
        EXPECT_FALSE(overlap(layout->offsets[i], layout->offsets[i] + blocks[i].bytes, layout->offsets[j],
                             layout->offsets[j] + blocks[j].bytes));
      }
    }
  }
}

} // namespace
} // namespace sparkle
