// Skews of tiles: chosen from the nearest cache's ways, counted, refused.
#include "compiler/schedule/tile_skew.h"

#include <gtest/gtest.h>

#include "compiler/schedule/schedule.h"
#include "tests/unit/machines.h"

namespace sparkle {
namespace {

using Numbers = std::vector<int64_t>;

TEST(TileSkew, PartsRowsThatLieWholeWaysApart) {
  const TargetInfo info = test::machine("cascadelake"); // 4096 bytes, lines of 64.
  EXPECT_EQ(choose_skew({8, 1024}, 4, info), Numbers{16});
  EXPECT_EQ(choose_skew({8, 3072}, 4, info), Numbers{16});
  EXPECT_EQ(choose_skew({8, 4096}, 1, info), Numbers{64});
  EXPECT_EQ(choose_skew({8, 1024, 4}, 2, info), (Numbers{32}));
  EXPECT_EQ(choose_skew({8, 1020}, 4, info), Numbers{});
  EXPECT_EQ(choose_skew({8, 512}, 4, info), Numbers{});
}

TEST(TileSkew, LooksAtEachDimension) {
  const TargetInfo info = test::machine("cascadelake");
  EXPECT_EQ(choose_skew({4, 18, 1024}, 4, info), (Numbers{0, 16}));
  EXPECT_EQ(choose_skew({4, 32, 512}, 4, info), Numbers{16});
  EXPECT_EQ(choose_skew({4, 64, 1024}, 4, info), (Numbers{16, 16})) << "64 lines more are a way again";
  EXPECT_EQ(choose_skew({1, 18, 1024}, 4, info), (Numbers{0, 16}));
  EXPECT_EQ(choose_skew({8, 1, 1024}, 4, info), Numbers{16}) << "one row has no neighbours";
  EXPECT_EQ(choose_skew({4096}, 4, info), Numbers{});
  EXPECT_EQ(choose_skew({}, 4, info), Numbers{});
}

TEST(TileSkew, ReadsTheMachine) {
  EXPECT_EQ(choose_skew({8, 1024}, 4, test::machine("aarch64")), Numbers{}) << "ways of 16384 bytes";
  EXPECT_EQ(choose_skew({8, 4096}, 4, test::machine("aarch64")), Numbers{16});
  EXPECT_EQ(choose_skew({8, 4096}, 4, test::machine("generic_gpu")), Numbers{}) << "no cache whose ways are known";
}

TEST(TileSkew, CountsWhatLiesBetweenRows) {
  EXPECT_EQ(skewed_elements({8, 1024}, {}), 8 * 1024);
  EXPECT_EQ(skewed_elements({8, 1024}, {16}), 8 * 1040);
  EXPECT_EQ(skewed_elements({2, 3, 5}, {1, 4}), 2 * (3 * (5 + 4) + 1));
  EXPECT_EQ(skewed_elements({}, {}), 1);
  EXPECT_EQ(skewed_elements({INT64_MAX / 8, 8}, {1}), std::nullopt);
}

TEST(TileSkew, RefusesWhatHasNoRowsOrNoSense) {
  const auto text = [](const Numbers &skew, size_t dims) {
    const Status status = check_skew("bx", skew, dims);
    if (status) return std::string("fine");
    EXPECT_EQ(status.error().code, ErrorCode::kBadSchedule);
    return status.error().text;
  };
  EXPECT_EQ(text({}, 0), "fine");
  EXPECT_EQ(text({16}, 2), "fine");
  EXPECT_EQ(text({0, kGreatestSkew}, 3), "fine");
  EXPECT_EQ(text({-1}, 2), "`place at` of `bx`: `skew` takes 0 to 65536 elements, not -1");
  EXPECT_EQ(text({0, 65537}, 3), "`place at` of `bx`: `skew` takes 0 to 65536 elements, not 65537");
  EXPECT_EQ(text({16}, 1), "`place at` of `bx`: `skew` parts the rows of a tile; this one has a single row");
  EXPECT_EQ(text({16}, 0), "`place at` of `bx`: `skew` parts the rows of a tile; this one has a single row");
  EXPECT_EQ(text({0, 16}, 2),
            "`place at` of `bx`: `skew` has 2 numbers; this tile has 1 dimension outside the innermost one");
  EXPECT_EQ(text({0, 0, 16}, 3),
            "`place at` of `bx`: `skew` has 3 numbers; this tile has 2 dimensions outside the innermost one");
}

} // namespace
} // namespace sparkle
