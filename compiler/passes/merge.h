// Brings the kernels of lets that are placed at a loop into the kernel of their consumer: one launch, bodies in
// sequence below the group loops that they share.
//   before:  kernel @bx { for.group t { for y { store @bx[t, y, x] = ... } } }
//            kernel @dst { for.group t { for y { %v = load @bx[t, y + i, x] ... store @dst[...] } } }
//   after:   kernel @dst { for.group t { alloc @bx
//                                        for y { store @bx[y, x] = ... }
//                                        barrier.group                       (where a group has several workers)
//                                        for y { %v = load @bx[y + i, x] ... store @dst[...] } } }
// What the kernels handed each other in a workspace becomes a near buffer of the group, without the dimensions that
// number the tiles; `skew N` leaves elements free between its rows. Needs stage kScheduled and keeps it: loops and
// accesses are final, so each kernel came this far alone. Keeps: results bit-identical. Neutral: no `place at`; no
// `skew`. Errors: kBadSchedule where the kernels' group loops differ, a tile of another group is touched, a skew names
// more than the tile's rows, or the tiles exceed near memory. Pinned by filetests/passes/merge/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct MergeOptions {
  Schedule schedule; ///< `place at` of each entry, and the group loops of the consumers.
};
Result<Program> merge(Program in, const MergeOptions &options, const TargetInfo &info);

} // namespace sparkle
