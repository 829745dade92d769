// What values definitions can have, as the cost model sees it (compiler/schedule/value_bounds.h).
#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/schedule/value_bounds.h"

namespace sparkle {
namespace {

/// A let of `element` whose value is `value`, from bytes @u and @s, and @before, which the first let writes.
Interval bounds_of(const std::string &element, const std::string &value) {
  const Source source("program", R"(program @p {
  tensor u: u8[64] input align 1
  tensor s: i8[64] input align 1
  tensor before: i32[60] workspace
  tensor after: )" + element + R"([50] workspace align 1
  kernel @before stage imported {
    buffer @u: u8[64] far input = tensor u align 1
    buffer @before: i32[60] far workspace = tensor before
    for %x in 0..60 { store @before[%x] = sum[%i in 0..5](select(%i < 1, 1:i32, 4:i32) * i32(@u[%x + %i])) }
  }
  kernel @after stage imported {
    buffer @u: u8[64] far input = tensor u align 1
    buffer @s: i8[64] far input = tensor s align 1
    buffer @before: i32[60] far workspace = tensor before
    buffer @after: )" + element + R"([50] far workspace = tensor after align 1
    for %x in 0..50 { store @after[%x] = )" +
                                     value + R"( }
  }
})");
  Diagnostics diagnostics;
  const auto parsed = parse_ir(source, diagnostics);
  EXPECT_TRUE(parsed) << render_text(diagnostics, source);
  if (!parsed) return {};
  const TensorBounds all = tensor_bounds(parsed->program);
  const auto found = all.find(TensorId{3});
  return found == all.end() ? Interval{} : found->second;
}

TEST(ValueBounds, AddUpSumsTermByTerm) {
  EXPECT_EQ(bounds_of("i32", "@before[%x]"), (Interval{0, 255 * 17}));
  EXPECT_EQ(bounds_of("i32", "sum[%i in 0..3](@before[%x + %i]) - 5:i32"), (Interval{-5, 3 * 255 * 17 - 5}));
  EXPECT_EQ(bounds_of("i32", "sum[%i in 0..2, %j in 0..3](i32(@s[%x + %i + %j]))"), (Interval{-128 * 6, 127 * 6}));
}

TEST(ValueBounds, FollowArithmeticAndSaturate) {
  EXPECT_EQ(bounds_of("i32", "max(i32(@u[%x]) * i32(@s[%x]), -100:i32) / 7:i32"), (Interval{-15, 255 * 127 / 7}));
  EXPECT_EQ(bounds_of("i32", "min(i32(@u[%x]), i32(@s[%x]))"), (Interval{-128, 127}));
  EXPECT_EQ(bounds_of("u8", "u8(i32(@u[%x]) - 50:i32)"), (Interval{0, 205}));
}

TEST(ValueBounds, KnowNothingOfWhatMayWrapOrIsLong) {
  EXPECT_EQ(bounds_of("i32", "@before[%x] * @before[%x] * @before[%x]"), Interval{});
  EXPECT_EQ(bounds_of("i32", "sum[%i in 0..100](i32(@u[(%x + %i) / 8]))"), Interval{});
  EXPECT_EQ(bounds_of("i32", "prod[%i in 0..2](i32(@u[%x + %i]))"), Interval{});
}

TEST(ValueBounds, TellWhatFits16Bits) {
  EXPECT_TRUE(fits_16_bits({0, 65535}));
  EXPECT_TRUE(fits_16_bits({-32768, 32767}));
  EXPECT_FALSE(fits_16_bits({-1, 32768}));
  EXPECT_FALSE(fits_16_bits({0, 65536}));
  EXPECT_FALSE(fits_16_bits({}));
}

} // namespace
} // namespace sparkle
