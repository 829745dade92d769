// Decides for every `let` whether it is computed where it is read or stored by a kernel of its own.
//   before:  kernel @acc { workspace acc[...] = sum(...) }   kernel @dst { dst[...] = max(acc[...] + bias[oc], 0) }
//   after:   kernel @dst { dst[...] = max(sum(...) + bias[oc], 0) }                (acc: place inline, an epilogue)
// Works on a whole program at stage kImported, first of all passes. A definition that depends on constants alone moves
// to `prepack`. Neutral value: `place stored` for every let, which is the cost of no fusion. Keeps: results identical
// for integer data; with floats the order of operations is the same, intermediates stay in f32. Pinned by
// filetests/passes/place/.
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
