// Shares one reduction among several groups: partial results first, their sum by a second kernel.
//   before:  kernel @dst { dst[m, n] = max(sum[k in 0..4608](a[m, k] * b[k, n]) + bias[n], 0) }
//   after:   kernel @dst.part { dst.part[s, m, n] = sum[k in 0..576](a[m, s*576 + k] * b[s*576 + k, n]) }
//   (split_reduction 8)
//            kernel @dst { dst[m, n] = max(sum[s in 0..8](dst.part[s, m, n]) + bias[n], 0) }
// Applies `split_reduction N` of a Schedule to a program at stage kImported, after `place`. The longest axis of the
// reduction is cut; `kernel dst.part { ... }` schedules the first kernel, with `s` as its first dimension. Neutral
// value: 1. Keeps: results identical for integer data; terms of the reduction are reordered. Errors: kBadSchedule where
// a definition has no reduction, more than one, or an axis of open extent; kUnsupported for strict kernels. Pinned by
// filetests/passes/split_reduction/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct SplitReductionOptions {
  Schedule schedule;
};
Result<Program> split_reduction(Program in, const SplitReductionOptions &options, const TargetInfo &info);

} // namespace sparkle
