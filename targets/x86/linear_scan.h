// One pass over live ranges in the order of their starts: each gets a register that no other range holds there.
#pragma once

#include "targets/x86/allocate.h"
#include "targets/x86/liveness.h"

namespace sparkle::x86 {

struct Scan {
  IdTable<VReg, uint8_t> registers; ///< Without meaning for spilled and unused registers.
  std::vector<VReg> spilled;        ///< What did not fit.
};

/// `cost` is what spilling each range costs for each point that becomes free; kUnspillable: it cannot be spilled.
inline constexpr float kUnspillable = std::numeric_limits<float>::infinity();
Scan linear_scan(const Function &function, const LiveRanges &ranges, const std::vector<float> &cost);

} // namespace sparkle::x86
