#include "compiler/analysis/loop_rounds.h"

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"

namespace sparkle {
namespace {

std::optional<int64_t> rounds_of(const std::string &body) {
  Diagnostics diagnostics;
  const Source source("test",
                      "kernel @k stage lowerable {\n  buffer @out: f32[4096] far output = tensor #0\n" + body + "}\n");
  const auto kernel = parse_kernel(source, diagnostics);
  EXPECT_TRUE(kernel) << render_text(diagnostics, source);
  return kernel ? loop_rounds(*kernel) : std::nullopt;
}

const std::string kStore = "store @out[0] = 1.0\n";

TEST(LoopRounds, CountWhatFindsTheEnd) {
  EXPECT_EQ(rounds_of(kStore), 0);
  EXPECT_EQ(rounds_of("for %i in 0..10 {\n" + kStore + "}\n"), 11);
  EXPECT_EQ(rounds_of("for %i in 4..10 {\n" + kStore + "}\nfor %j in 0..2 {\n" + kStore + "}\n"), 7 + 3);
}

TEST(LoopRounds, CountLoopsInsideInEachRound) {
  // Ten rounds with 4 of the inner loop each, and the last one, with one of it.
  EXPECT_EQ(rounds_of("for %i in 0..10 {\nfor %j in 0..3 {\n" + kStore + "}\n}\n"), 10 * (1 + 4) + 2);
}

TEST(LoopRounds, CountBothBranches) {
  EXPECT_EQ(rounds_of("for %i in 0..4 {\nif %i < 2 { for %j in 0..3 {\n" + kStore + "} } else { for %j in 0..5 {\n" +
                      kStore + "} }\n}\n"),
            4 * (1 + 4 + 6) + 3);
}

TEST(LoopRounds, LeaveOutGroupsWorkersAndCode) {
  EXPECT_EQ(
      rounds_of("for.group %g in 0..9 {\nfor.worker %w in 0..64 {\nfor %i in 0..5 {\nfor.unrolled %u in 0..8 {\n" +
                kStore + "}\n}\n}\n}\n"),
      6);
  // Drivers unroll no loop around another one.
  EXPECT_EQ(rounds_of("for.unrolled %u in 0..8 {\nfor %i in 0..5 {\n" + kStore + "}\n}\n"), 8 * (1 + 6) + 2);
}

TEST(LoopRounds, BoundWhatDependsOnOtherLoops) {
  EXPECT_EQ(rounds_of("for %i in 0..8 {\nfor %j in max(0, 3 - %i)..3 {\n" + kStore + "}\n}\n"), 8 * (1 + 4) + 2);
  EXPECT_EQ(rounds_of("for.group %g in 0..8 {\nfor %j in %g * 4..min(%g * 4 + 4, 30) {\n" + kStore + "}\n}\n"), 5);
}

TEST(LoopRounds, DoNotOverflow) {
  EXPECT_EQ(rounds_of("for %a in 0..4000000000 {\nfor %b in 0..4000000000 {\nfor %c in 0..4000000000 {\n" + kStore +
                      "}\n}\n}\n"),
            INT64_MAX);
}

TEST(LoopRounds, AreUnknownWhereTheDataDecides) {
  EXPECT_EQ(rounds_of("%n: f32 = load @out[0]\nfor %i in 0..index(%n) {\n" + kStore + "}\n"), std::nullopt);
}

} // namespace
} // namespace sparkle
