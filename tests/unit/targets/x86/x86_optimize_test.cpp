#include "targets/x86/optimize.h"

#include "targets/x86/allocate.h"
#include "tests/unit/targets/x86/random_runs.h"

namespace sparkle::x86 {
namespace {

constexpr uint32_t kSeeds = 60;

/// The step keeps what the code does, and finds something to do.
template <class Step> void expect_kept(const Pressure &pressure, Step &&step) {
  size_t changed = 0;
  for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const Function before = random_code(random_of(pressure, seed));
    Function after = before;
    step(after);
    expect_valid(after);
    ASSERT_EQ(memory_after(before, nullptr, 1), memory_after(after, nullptr, 2)) << to_text(before);
    changed += to_text(before) != to_text(after);
  }
  EXPECT_GT(changed, kSeeds / 2);
}

using X86OptimizeRandom = X86Random;
TEST_P(X86OptimizeRandom, CopiesKeepWhatTheCodeDoes) { expect_kept(GetParam(), propagate_copies); }
TEST_P(X86OptimizeRandom, FoldedLoadsKeepWhatTheCodeDoes) { expect_kept(GetParam(), fold_loads); }
TEST_P(X86OptimizeRandom, SharedResultsKeepWhatTheCodeDoes) {
  expect_kept(GetParam(), [](Function &function) {
    share_results(function);
    propagate_copies(function);
  });
}
TEST_P(X86OptimizeRandom, DeadCodeKeepsWhatTheCodeDoes) { expect_kept(GetParam(), remove_dead); }

TEST_P(X86OptimizeRandom, AllKeepsWhatTheCodeDoes) {
  expect_kept(GetParam(), [](Function &function) { optimize(function); });
}

TEST_P(X86OptimizeRandom, AllocationAfterwardsKeepsWhatTheCodeDoes) {
  for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const Function before = random_code(random_of(GetParam(), seed));
    Function after = before;
    optimize(after);
    const Result<Allocation> allocation = allocate(after);
    ASSERT_TRUE(allocation);
    ASSERT_EQ(memory_after(before, nullptr, 1), memory_after(after, &*allocation, 2)) << to_text(before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, X86OptimizeRandom, testing::ValuesIn(kPressures), name_of_pressure);

} // namespace
} // namespace sparkle::x86
