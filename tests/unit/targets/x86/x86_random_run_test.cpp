// Random flat code through all steps, run by the processor.
#include "targets/x86/optimize.h"
#include "tests/unit/targets/x86/random_runs.h"
#include "tests/unit/targets/x86/run_code.h"

namespace sparkle::x86 {
namespace {

/// As memory_after, by the processor.
std::vector<uint8_t> memory_after_code(const Function &function, const Allocation &allocation) {
  std::vector<uint8_t> memory;
  for (size_t i = 0; i < kRandomMemoryBytes; ++i) memory.push_back(static_cast<uint8_t>(i * i >> 5));
  const Runnable code = make_runnable(function, allocation);
  EXPECT_TRUE(code.entry);
  if (!code.entry) return memory;
  const auto address = [&](size_t argument) { return memory.data() + kRandomArguments[argument]; };
  code.entry(reinterpret_cast<const SparkleArguments *>(address(0)), reinterpret_cast<int64_t>(address(1)),
             static_cast<int64_t>(kRandomArguments[2]), reinterpret_cast<void *>(kRandomArguments[3]));
  return memory;
}

using X86RandomRun = X86Random;

TEST_P(X86RandomRun, MachineCodeDoesWhatTheCodeSays) {
  if (!has_family(GetParam().family)) GTEST_SKIP() << "the processor lacks the family";
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCode random = random_of(GetParam(), seed);
    random.has_floats = false;
    const Function before = random_code(random);
    Function after = before;
    optimize(after);
    const Result<Allocation> allocation = allocate(after);
    ASSERT_TRUE(allocation);
    ASSERT_EQ(memory_after(before, nullptr, 1), memory_after_code(after, *allocation)) << to_text(before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, X86RandomRun, testing::ValuesIn(kPressures), name_of_pressure);

} // namespace
} // namespace sparkle::x86
