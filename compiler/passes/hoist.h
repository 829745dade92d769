// Moves what a loop does not change out of it, and gives names to expensive parts of index arithmetic.
//   before:  for k in 0..64 { %b = load bias[oc]; %x = load src[p/196*12544 + p%196 + k*196] ... }
//   after:   %b = load bias[oc]
//            let %src_at = p/196*12544 + p%196
//            for k in 0..64 { %x = load src[%src_at + k*196] ... }
// Lets and Loads leave serial, unrolled and lane loops as far as their operands allow, never worker, team or group
// loops. A Load leaves only when the loop neither writes its buffer nor (near memory) holds a barrier, and leaves a
// branch or a loop that may not run only when it provably stays inside its buffer; masks go along. Then invariant parts
// of sums and of conjunctions that hold a / or % by a constant, or two comparisons, are bound by a Let where the last
// of their variables is. Names: `<buffer>_at` for indices, `<buffer>_inside` for conditions, `<variable>_div`. Needs
// stage kTiled to kLowerable and keeps it; best after `simplify`, whose normal form shows the sums. Idempotent. Keeps:
// results bit-identical. Errors: kInternal at stage kImported. Pinned by filetests/passes/hoist/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct HoistOptions {
  bool statements = true;  ///< Move Lets and Loads.
  bool expressions = true; ///< Bind expensive invariant expressions.
};

Result<Kernel> hoist(Kernel in, const HoistOptions &options, const TargetInfo &info);

} // namespace sparkle
