// Marks the stores of results that nobody will read soon as streaming: they bypass the caches.
//   before:  store dst[ramp(p*16, 1, 16)] = v
//   after:   store.streaming dst[ramp(p*16, 1, 16)] = v
// Applies to stores of output tensors, with no mask, of contiguous vectors of 16 bytes or a multiple, provably
// multiples of the vector away from the buffer's first element, into buffers that the kernel does not read. Other
// stores stay plain. Where the first element itself lies is for the targets to find out, at the call if need be. Needs
// stages kVectorized to kLowerable; keeps the stage and all results. Neutral: kPlain. Pinned by
// filetests/passes/stream/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct StreamOptions {
  StoreKind store = StoreKind::kPlain; ///< KernelSchedule::store.
};
Result<Kernel> stream(Kernel in, const StreamOptions &options, const TargetInfo &info);

} // namespace sparkle
