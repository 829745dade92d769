// Small rewrites of selected code, in the order of optimize(). Each keeps what the function computes, bit by bit.
#pragma once

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

/// Uses of a copy read what it was copied from, as long as that is not written again.
void propagate_copies(Function &function);
/// What is computed twice in straight code is a copy the second time, unless that is far away. Whether any was.
bool share_results(Function &function);
/// A load that one instruction of its block alone uses becomes that instruction's memory operand, where nothing
/// between them may write there.
void fold_loads(Function &function);
/// Instructions whose result nothing reads and that do nothing else.
void remove_dead(Function &function);

void optimize(Function &function);

} // namespace sparkle::x86
