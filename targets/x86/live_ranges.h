// From where to where each register is kept, as one range without holes, and what it costs to keep it elsewhere.
#pragma once

#include <limits>

#include "targets/x86/liveness.h"

namespace sparkle::x86 {

/// Points: instruction i reads at 2 i and writes at 2 i + 1.
struct LiveRange {
  static constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
  uint32_t first = kNever; ///< kNever: neither read nor written.
  uint32_t last = 0;
  float uses = 0; ///< Reads and writes, each 10 times as much a loop around it.
  /// Registers whose machine register suits this one as well, where it is free.
  std::array<VReg, 2> hints = {kNoId<VReg>, kNoId<VReg>};
};

using LiveRanges = std::vector<LiveRange>; ///< By register.

LiveRanges live_ranges(const Function &function, const Liveness &liveness);

} // namespace sparkle::x86
