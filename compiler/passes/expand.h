// Writes element functions as arithmetic, so that every machine computes the same: the range of the operand is reduced,
// a minimax polynomial follows, and the exponent is put together from bits.
//   before:  %e: f32x16 = exp(%x)
//   after:   %exp_in: f32x16 = max(%x, -104.0)
//            %exp_at: f32x16 = fma(%exp_in, 1.442695, 12583166.0)
//            ...
//            %exp: f32x16 = select(%x < 89.0, %exp_p, %x + inf)
//            %e: f32x16 = %exp
// exp, log, tanh, sigmoid and erf of f32 are expanded; sqrt and rsqrt stay: machines have them. Errors of the results:
// compiler/analysis/element_functions.h. Special operands (NaN, infinities, zeros) give what IEEE 754 recommends; where
// the machine keeps subnormals, subnormal results are as exact as their ulp allows. The kernel becomes `strict`: from
// here on its arithmetic is done as it is written, for these steps depend on each rounding. Lets stand right before the
// statement; a function of what a loop does not change can be hoisted. Needs stages kScheduled to kLowerable and keeps
// the stage. Errors: kInternal at another stage. A kernel without these functions stays as it is. Pinned by
// filetests/passes/expand/; bounds by tests/differential/functions_test.cpp.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

struct ExpandOptions {};

Result<Kernel> expand(Kernel in, const ExpandOptions &options, const TargetInfo &info);

} // namespace sparkle
