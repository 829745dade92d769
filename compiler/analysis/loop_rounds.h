// How many rounds the loops of a kernel make. Some machines stop all loops of a worker, without a word, once they have
// made so many rounds together (TargetInfo::max_loop_rounds).
#pragma once

#include <cstdint>
#include <optional>

#include "compiler/ir/kernel.h"

namespace sparkle {

/// Rounds that the loops of one worker make at most; nothing where some loop has no bound. Workers in lock step run
/// what any of them runs: both branches of an If count, each loop has one more round, in which it is found to be at its
/// end, and in this one the loops inside have one each. An unrolled loop of known extent without other loops inside it
/// is code, and no loop. Needs stage kLowerable.
std::optional<int64_t> loop_rounds(const Kernel &kernel);

} // namespace sparkle
