// Combines the partial results of a reduction: those of unrolled steps and lanes in registers, those of workers through
// near memory. Used by `tile`.
//   before:  acc[u, l] of each worker w                          (split c: serial, worker 64, unrolled 2, lane 4)
//   after:   total = 0; for.lane l { total = total + (acc[0, l] + acc[1, l]) }
//            part[w] = total; barrier
//            if w + 32 < 64 { part[w] = part[w] + part[w + 32] }; barrier; ... and so on, down to part[0]
#pragma once

#include <functional>
#include <vector>

#include "compiler/ir/builder.h"

namespace sparkle {

/// The indices of an element of a register buffer, given the lane's variable.
using SlotIndex = std::function<std::vector<ExprId>(VarId lane)>;

/// Combines `slots` of `partials` (a tree) and their `lanes` into one element of `total`.
StmtId combine_slots(Builder &b, ReduceOp op, Type type, BufferId partials, const std::vector<SlotIndex> &slots,
                     int64_t lanes, BufferId total, const std::vector<ExprId> &total_index);

/// What the workers of a group share: results[.., worker].
struct SharedPartials {
  ReduceOp op;
  Type type;
  BufferId results;
};

/// A tree over `count` workers. `worker`: the number of this one among them. `nest` wraps a statement in the loops over
/// the results of one worker; `index` gives the indices of one of them, that of a worker last. Ends with a barrier: the
/// result is then that of worker 0.
StmtId combine_workers(Builder &b, const std::vector<SharedPartials> &shared, ExprId worker, int64_t count,
                       const std::function<StmtId(std::function<StmtId(std::vector<ExprId>)>)> &nest);

} // namespace sparkle
