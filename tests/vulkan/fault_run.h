// A kernel run behind the failing loader (faults.h), from opening the machine to the end of its last object.
#pragma once

#include "runtime/jit.h"
#include "tests/vulkan/faults.h"

namespace sparkle::test {

/// The library's; nullptr without it.
Faults *faults();
MachineOptions behind_faults(bool validation = false);

struct FaultyRun {
  Result<RunReport> report = Error{};
  bool is_right = false; ///< The results are what the interpreter computed.
  FaultReport faults;    ///< After everything was destroyed.
  std::string what;      ///< For messages: the plan in words.
};

/// Convolution in place through a stored intermediate, with constant weights: the caller's tensors, workspace, packed
/// memory; all of it exact. `device` as in JitOptions.
FaultyRun run_with(const FaultPlan &plan, const std::string &device, bool validation = false);

/// What holds whatever fails: the right answer or an error of a kind, nothing left, no endless wait.
void expect_trustworthy(const FaultyRun &run);

} // namespace sparkle::test
