// One random kernel under one random schedule, and what came out.
#pragma once

#include <string>

#include "tests/differential/kernel_case.h"
#include "tests/fuzz/random.h"

namespace sparkle::test {

enum class FuzzTarget : uint8_t {
  kPasses, ///< The interpreter after every pass, for a machine of any kind.
  kLlvm,   ///< Machine code, planned for any CPU.
  kX86,    ///< Likewise, without LLVM.
  kVulkan, ///< Compute shaders, on the first device.
};

enum class Outcome : uint8_t { kEqual, kRefused, kWrong };

struct FuzzResult {
  Outcome outcome = Outcome::kEqual;
  std::string why; ///< Of a refusal or a wrong result.
};

/// Case `number` of seed `seed`: the same for ever, as long as the generators stay as they are.
class FuzzCase {
public:
  /// `storage_types`: with elements of every type (storage_types.h), or a kernel about values (random_values.h).
  FuzzCase(FuzzTarget target, bool storage_types, uint64_t seed, uint64_t number);
  /// Makes kernel, schedule and expected results.
  FuzzResult prepare();
  /// Runs what is prepared.
  FuzzResult run() { return attempt(schedule_); }
  /// After a wrong result: drops features of the schedule as long as something stays wrong.
  FuzzResult shrink(FuzzResult wrong);
  /// Kernel, numbers, machine and schedule.
  std::string text() const;

private:
  FuzzResult attempt(const Schedule &schedule);
  Status compute(const Schedule &schedule, TensorSet &tensors);
  Status interpret_all_passes(const Schedule &schedule, TensorSet &tensors);

  FuzzTarget target_;
  bool storage_types_;
  Random random_;
  uint64_t data_seed_;
  KernelText kernel_;
  std::string machine_;
  TargetInfo info_;
  Schedule schedule_;
  Result<Program> program_;
  std::optional<TensorSet> inputs_, expected_;
  std::string wrong_pass_; ///< Set by interpret_all_passes.
};

} // namespace sparkle::test
