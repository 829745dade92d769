// Decides for every `let` whether it is computed where it is read, in the groups of its consumer, or stored by a kernel
// of its own.
//   before:  kernel @acc { workspace acc[...] = sum(...) }   kernel @dst { dst[...] = max(acc[...] + bias[oc], 0) }
//   after:   kernel @dst { dst[...] = max(sum(...) + bias[oc], 0) }                (acc: place inline, an epilogue)
//   before:  kernel @bx { bx[y, x] = ... }   kernel @dst { dst[y, x] = sum[i in 0..5](bx[y + i, x]) }
//   after:   kernel @bx { for y_tile, y in 0..12 { bx[y_tile, y, x] = ... at row y_tile*8 + y } }
//            kernel @dst { dst[y, x] = sum[i in 0..5](bx[y/8, y + i - y/8*8, x]) }
//                                                      (bx: place at y.0 of dst; dst: split y: group, serial 8)
// A group computes all rows that its tile reads, those that neighbouring tiles share as often as they do; rows outside
// the let repeat its last one and are never read. `merge` brings such kernels together once their loops are scheduled.
// Works on a whole program at stage kImported, first of all passes. A definition that depends on constants alone moves
// to `prepack`. Neutral value: `place stored` for every let, which is the cost of no fusion. Keeps: results identical
// for integer data; with floats the order of operations is the same, intermediates stay in f32. Errors:
// kBadSchedule for names that are not defined, a loop that is not the consumer's innermost group loop, a let that
// others read too, or tiles beyond near memory. Pinned by filetests/passes/place/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct PlaceOptions {
  Schedule schedule;
};
Result<Program> place(const Program &in, const PlaceOptions &options, const TargetInfo &info);

} // namespace sparkle
