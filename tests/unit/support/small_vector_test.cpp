#include "compiler/support/small_vector.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sparkle {
namespace {

using Short = SmallVector<int, 3>;

std::vector<int> items(const Short &list) { return {list.begin(), list.end()}; }

TEST(SmallVector, CopiesAndMovesBeyondItsOwnRoom) {
  for (const int count : {0, 2, 3, 4, 9}) {
    Short list;
    std::vector<int> expected;
    for (int i = 0; i < count; ++i) list.push_back(i), expected.push_back(i);
    Short copy = list, other{7, 8};
    EXPECT_EQ(items(copy), expected);
    other = list;
    EXPECT_EQ(items(other), expected);
    const Short &itself = other;
    other = itself;
    EXPECT_EQ(items(other), expected);
    const Short moved = std::move(copy);
    EXPECT_EQ(items(moved), expected);
    EXPECT_TRUE(copy.empty()) << "a moved list may be used again";
    copy.push_back(5);
    EXPECT_EQ(items(copy), std::vector<int>{5});
    EXPECT_EQ(items(list), expected) << "the source of a copy stays";
  }
}

TEST(SmallVector, DoesWhatAVectorDoes) {
  std::mt19937 random(1);
  Short list;
  std::vector<int> expected;
  for (int step = 0; step < 3000; ++step) {
    const size_t at = expected.empty() ? 0 : random() % expected.size();
    switch (random() % 5) {
    case 0:
    case 1: list.push_back(step), expected.push_back(step); break;
    case 2:
      list.insert(list.begin() + at, step), expected.insert(expected.begin() + static_cast<ptrdiff_t>(at), step);
      break;
    case 3:
      if (expected.empty()) break;
      list.erase(list.begin() + at), expected.erase(expected.begin() + static_cast<ptrdiff_t>(at));
      break;
    default:
      if (random() % 40 == 0) list.clear(), expected.clear();
    }
    ASSERT_EQ(items(list), expected) << step;
  }
}

} // namespace
} // namespace sparkle
