// Gives every buffer one dimension and every access one index.
//   before:  %x = load src[n, oh*2 + kh, ramp(ow*16, 1, 16)]        src: f32[4, 30, 64], strides [1920, 64, 1]
//   after:   %x = load src[ramp(n*1920 + oh*128 + kh*64 + ow*16, 1, 16)]                   src: f32[7680]
// Needs stage kScheduled; gives kLowerable, simplified (`simplify` runs as its second half: sums of products are only
// cheap in their normal form). The extent of a buffer becomes the span of its addressed elements, gaps of strides
// included. Sets index_bits to 32 when every index, every intermediate and every buffer's size in bytes provably fits,
// else to 64. Keeps: results bit-identical. Errors: kUnsupported for kernels that move fragments, whose rows need a
// pitch that the lowerable form does not say; kInternal for another stage. Pinned by filetests/passes/flatten/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct FlattenOptions {
  /// Choose 64-bit indices even where 32 bits are enough.
  bool wide_indices = false;
};

Result<Kernel> flatten(const Kernel &in, const FlattenOptions &options, const TargetInfo &info);

} // namespace sparkle
