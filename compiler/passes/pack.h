// Copies what a tensor's reads touch below a loop into nearer memory: near memory (by all workers of the group) or
// registers.
//   before:  for ic.0 { for.unrolled ic.1, p.1 { s = load src[...p..., ic] if inside; acc = fma(s, w, acc) } }
//   after:   alloc src.near[16, 132]
//            for ic.0 { copy src.near[ic, p] = src[...] if inside else 0; barrier
//                       for.unrolled ic.1, p.1 { s = load src.near[ic.1, p.1]; acc = fma(s, w, acc) } barrier }
// Applies the stagings at level near and register of a Schedule to a kernel at stage kTiled. Guards that only kept
// memory safe or zero terms out, which the staged copy now does, are dropped (pack_relax.h). Keeps: results identical
// (padding yields 0 times a finite weight; not when strict). Pinned by filetests/passes/pack/.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct PackOptions {
  KernelSchedule schedule; ///< `stagings` alone matter here; those at level far are done by `layout`.
};
Result<Kernel> pack(const Kernel &in, const PackOptions &options, const TargetInfo &info);

} // namespace sparkle
