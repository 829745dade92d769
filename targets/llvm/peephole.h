// Rewrites of single operations that LLVM has no rule for. They need values, not register buffers: after SROA.
//
//   smax(zext a, zext b)  ->  zext (umax(a, b))       and smin, and sext: extrema of bytes stay bytes
//   x / 9.0               ->  q = x * (1/9), q + (x - q*9) * (1/9) in fused operations
//
// The second one is for whole constants from 2 to 256, where it gives the correctly rounded quotient (all numerators
// are tried by tests/unit/targets/llvm/division_test.cpp) but for results in the denormal range. A division takes as
// long as 24 multiply-adds on Cascade Lake.
#pragma once

namespace llvm {
class Function;
}

namespace sparkle::llvm_target {

/// Of functions whose kernel is strict.
inline constexpr char kStrictAttribute[] = "sparkle-strict";

/// `strict`: divisions stay.
void rewrite_operations(llvm::Function &function, bool strict);

} // namespace sparkle::llvm_target
