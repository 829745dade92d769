// Turns guards that cover a loop's whole body and bound its variable into the loop's bounds. Used by `partition`.
//   before:  for kh in 0..3 { for.unrolled i { if 0 <= oh + kh - 1 && oh + kh - 1 < 56 && G { ... } } }
//   after:   for kh in max(0, 1 - oh)..min(3, 57 - oh) { for.unrolled i { if G { ... } } }
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

struct Clipped {
  Kernel kernel;
  std::vector<StmtId> loops; ///< The clipped ones, in `kernel`; outside of them nothing changed.
};

/// Serial loops take any bound that mentions variables outside the loop alone; unrolled loops only constant ones.
/// Nothing when there is no such guard.
std::optional<Clipped> clip_loops(const Kernel &in);

} // namespace sparkle
