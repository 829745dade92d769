// Turns cooperative copies into loads and stores of each worker, and runs their loads ahead of the arithmetic.
//   before:  for k { copy A.near = A[k..]; barrier; compute A.near; barrier }    (stage A near ... buffers 2 ahead 1)
//   after:   fetch A[0]; commit to A.near[0]; barrier
//            for k { if k + 1 < K { fetch A[k + 1] into registers }  compute A.near[k % 2]
//                    if k + 1 < K { commit to A.near[(k + 1) % 2] }  barrier }
// With one buffer and `ahead 1` the next step's loads run before this step's arithmetic and two barriers stay; with two
// buffers and `ahead 0` one barrier goes. Neutral: buffers 1, ahead 0: load, store, barrier. Needs stage kVectorized
// (access widths are final); gives kScheduled: no Copy is left. Keeps: results bit-identical. Pinned by
// filetests/passes/overlap/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// How much is written in each Copy (from the schedule's stagings).
struct OverlapOptions {};
/// Whether the pass does more than to set the stage.
bool has_copies_or_workers(const Kernel &kernel);
Result<Kernel> overlap(Kernel in, const OverlapOptions &options, const TargetInfo &info);

} // namespace sparkle
