// Lays out what a kernel reads as the panels in which it reads it: weights once, other tensors once a run.
//   before:  dst[oh, oc] = sum[kh, ic](src[oh + kh, ic] * wei[kh, ic, oc])
//   after:   kernel @wei.pack { wei.pack[oc_0, kh, ic, oc_1] = wei[kh, ic, oc_0*32 + oc_1] if oc_0*32 + oc_1 < 60
//                               else 0 }
//            dst[oh, oc] = sum[kh, ic](src[oh + kh, ic] * wei.pack[oc / 32, kh, ic, oc % 32])
// Applies the stagings at level far of a Schedule (`stage wei far layout oc.0 kh.0 ic.0 oc.1`) to a program at stage
// kImported, after `place` and before `tile`; the packing kernels are ordinary definitions and are scheduled like them.
// Panels of constant tensors are made by `prepack`. Panels are padded with zeros to whole tiles. Keeps: results
// bit-identical. Pinned by filetests/passes/layout/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct LayoutOptions {
  Schedule schedule;
};
Result<Program> layout(const Program &in, const LayoutOptions &options, const TargetInfo &info);

} // namespace sparkle
