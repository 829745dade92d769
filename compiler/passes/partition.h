// Makes variants of a loop's body for its first and last tiles, so that the middle runs without guards, and turns
// guards into loop bounds.
//   before:  for.group ow.0 in 0..4 {
//              for kw in 0..3 { for.unrolled i in 0..14 { if 0 <= ow.0*14 + i + kw - 1 < 56 { fma } } } }
//   after:   for.group ow.0 in 0..4 {
//              if ow.0 < 1 { ... }
//              if 1 <= ow.0 && ow.0 < 3 { ... no guard ... }
//              if 3 <= ow.0 { ... } }
// `partition ow` makes these variants; with `partition kw`, kw = 0 and kw = 1..2 become loops of their own in the edge
// variants. Indices that are kept inside a tensor are treated like guards: of min(max(x, 0), 9), of a reflection
// min(x, 19 - x), of x % 10 the middle has x alone. `clip`: a guard that covers a loop's whole body and bounds its
// variable becomes the loop's begin or end.
// Needs stage kTiled. Serial loops are split into consecutive loops; group loops stay whole, their variants are chosen
// inside the worker's body, so the grid does not change. Guards that no choice of the loop variable decides stay.
// Keeps: results bit-identical. Pinned by filetests/passes/partition/.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct PartitionOptions {
  std::vector<std::string> dims; ///< Dimensions whose loops get variants; empty: none (neutral).
  bool clip = true;              ///< Neutral: false.
};
Result<Kernel> partition(const Kernel &in, const PartitionOptions &options, const TargetInfo &info);

} // namespace sparkle
