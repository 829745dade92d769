// Keeps expanded loops within the instruction cache.
//   before:  for.unrolled oh in 0..64 { for.unrolled oc in 0..4 { ... } }        (expanded: more than
//   TargetInfo.code_bytes) after:   for oh in 0..64 { for.unrolled oc in 0..4 { ... } }
// An unrolled loop whose expansion, with all unrolled loops inside it, needs more than the budget becomes serial, from
// the outermost inward, until what is left fits. A loop whose variable subscripts a register buffer stays: its
// subscripts must become constants. The loops' order is not changed. Code is estimated per statement from its
// operations and lanes. Needs stages kVectorized to kLowerable; keeps the stage and all results. Error kBadSchedule:
// loops that must stay expand to more than kHardLimit budgets. Pinned by filetests/passes/unroll/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct UnrollOptions {
  /// Expansions of register loops beyond this many budgets are refused: they would spill and never stay in the cache.
  static constexpr int64_t kHardLimit = 16;
};
Result<Kernel> unroll(Kernel in, const UnrollOptions &options, const TargetInfo &info);

/// Bytes of machine code that a statement expands to, roughly.
int64_t code_bytes(const Kernel &kernel, StmtId stmt, const TargetInfo &info);

} // namespace sparkle
