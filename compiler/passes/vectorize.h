// Replaces lane loops by vector statements.
//   before:  for.lane %l in 0..16 { w = load wei[k, oc*16 + l]; s = load src[k]; acc[l] = fma(s, w, acc[l]) }
//   after:   w = load wei[k, ramp(oc*16, 1, 16)]; s = load src[k]; acc[ramp(0, 1, 16)] = fma(broadcast s, w, ...)
// Only what depends on the lane is widened; loads that do not stay scalar. Index expressions that are linear in the
// lane come out as one ramp. A guard that depends on the lane becomes the mask of the loads and stores inside, of
// register stores a select; where some lane can be proven to hold whenever any does, an If of that lane's condition
// stays around them, so that scalar loads inside are not executed in vain. Register buffers allocated inside get a
// dimension for the lanes. A scalar register that all lanes add to (or multiply, min, max) gets the combined lanes; not
// when strict, as for floats the order of the terms changes. Needs stage kTiled; gives kVectorized. Copies are left
// alone. Errors (kBadSchedule): a barrier, copy, fragment operation, near allocation or lane loop inside a lane loop;
// bounds that depend on the lane; lanes that overwrite each other's value. Keeps: results bit-identical but for such
// sums. Pinned by filetests/passes/vectorize/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct VectorizeOptions {};
Result<Kernel> vectorize(const Kernel &in, const VectorizeOptions &options, const TargetInfo &info);

} // namespace sparkle
