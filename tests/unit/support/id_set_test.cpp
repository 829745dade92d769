#include "compiler/support/id_set.h"

#include <vector>

#include <gtest/gtest.h>

namespace sparkle {
namespace {

enum class NodeId : uint32_t {};
using Set = IdSet<NodeId, 1>; // Ids from 64 on are on the heap.

std::vector<uint32_t> members(const Set &set) {
  std::vector<uint32_t> out;
  for (NodeId id : set) out.push_back(index_of(id));
  return out;
}

TEST(IdSet, keeps_ids_in_order_inline_and_beyond) {
  Set set;
  EXPECT_TRUE(set.empty());
  for (uint32_t id : {130u, 0u, 63u, 64u, 1000u}) EXPECT_TRUE(set.insert(NodeId{id}));
  EXPECT_FALSE(set.insert(NodeId{64}));
  EXPECT_EQ(members(set), (std::vector<uint32_t>{0, 63, 64, 130, 1000}));
  EXPECT_EQ(set.size(), 5u);
  EXPECT_TRUE(set.contains(NodeId{1000}));
  EXPECT_FALSE(set.contains(NodeId{999}));
  EXPECT_FALSE(set.contains(NodeId{100000}));
  set.erase(NodeId{64});
  set.erase(NodeId{100000});
  EXPECT_EQ(members(set), (std::vector<uint32_t>{0, 63, 130, 1000}));
  set.clear();
  EXPECT_TRUE(set.empty());
}

TEST(IdSet, merges_and_compares_whatever_room_the_sets_have) {
  Set small{NodeId{3}}, large{NodeId{3}, NodeId{500}};
  EXPECT_FALSE(small == large);
  EXPECT_TRUE(small.intersects(large));
  Set merged = small;
  merged.merge(large);
  EXPECT_EQ(merged, large);
  large.erase(NodeId{500});
  EXPECT_EQ(small, large);
  EXPECT_FALSE(Set{NodeId{500}}.intersects(small));
}

TEST(IdSet, folds_ids_into_one_word) {
  EXPECT_EQ((Set{NodeId{1}, NodeId{64}, NodeId{130}}).folded(), 0b111u);
  EXPECT_EQ(Set().folded(), 0u);
}

} // namespace
} // namespace sparkle
