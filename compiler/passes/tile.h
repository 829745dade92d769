// Splits the dimensions of a definition into loops over groups, teams, workers, registers and lanes, and turns its
// reductions into accumulators that are set, updated and used.
//   before:  for oc in 0..64 { dst[oc] = max(sum[k in 0..256](src[k] * wei[k, oc]), 0) }
//   after:   for.group oc.0 in 0..2 {                                       (split oc: group, unrolled 2, lane 16)
//              alloc acc[2, 16]
//              for.unrolled, for.lane ... { store acc[..] = 0.0 }
//              for k in 0..256 { for.unrolled oc.1, for.lane oc.2 {
//                s = load src[k]; w = load wei[k, ...]; acc = fma(s, w, acc) } }
//              for.unrolled, for.lane ... { store dst[...] = max(acc, 0.0) } }
// Needs stage kImported; gives kTiled. A factor that does not divide its extent gives a guard, which `pack`,
// `partition` and `simplify` remove where they can. Loops outside the first reduction or register loop surround
// everything; parallel loops inside it index the accumulators. Lanes and workers along an axis of the reduction have
// partial results, which are combined behind it (partial_results.h); then the first worker stores. In a sum, reads
// outside that yield 0 are left out unless the kernel is strict. Keeps: results identical for integer data; terms of a
// reduction are reordered. Pinned by filetests/passes/tile/. Errors: kBadSchedule of plan_loops and of
// schedule/validate.h.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct TileOptions {
  KernelSchedule schedule; ///< `dims` and `order` are applied; the names in all of it are checked.
};
Result<Kernel> tile(const Kernel &in, const TileOptions &options, const TargetInfo &info);

} // namespace sparkle
