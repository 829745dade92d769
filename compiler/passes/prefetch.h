// Asks for what a loop will read some steps later.
//   before:  for ic.0 in 0..32 { for.unrolled ic.1 in 0..16 { w = load wei[ramp(ic.0*256 + ic.1*16, 1, 16)]; ... } }
//   after:   for ic.0 in 0..32 { for.unrolled l in 0..16 { prefetch.l1 wei[min(ic.0 + 4, 31)*256 + l*16] }
//                                for.unrolled ic.1 in 0..16 { w = load wei[...]; ... } }                  (distance 4)
// For each hint and each load of its tensor (or of a copy of it in memory) inside loop `at`: the addresses with the
// loop's variable advanced by `distance`, at most to the last iteration, one per cache line (TargetInfo.memories) and
// not one per element; at the start of the loop's body. Loads that touch the same lines get one hint. Where a load is
// guarded or masked, its indices are clamped to the buffer; where they depend on loaded values, there is no hint. A
// loop `at` that is not there has one iteration, or none: nothing to fetch ahead. No hints on machines without them
// (TargetInfo.fetch_ahead). Needs stages kVectorized and kScheduled, ahead of `unroll`; keeps the stage and all
// results. Error kBadSchedule: a distance or cache level out of range. Pinned by filetests/passes/prefetch/.
#pragma once

#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct PrefetchOptions {
  std::vector<PrefetchHint> hints; ///< KernelSchedule::prefetches.
};
Result<Kernel> prefetch(Kernel in, const PrefetchOptions &options, const TargetInfo &info);

} // namespace sparkle
