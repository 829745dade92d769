// Rewrites of single operations that LLVM has no rule for. They need values, not register buffers: after SROA.
//
//   smax(zext a, zext b)  ->  zext (umax(a, b))       and smin, and sext: extrema of bytes stay bytes
//   x / 9.0               ->  q = x * (1/9), q + (x - q*9) * (1/9) in fused operations
//
// The second one is targets/cpu/division.h; tests/unit/targets/llvm/llvm_peephole_test.cpp tries all significands.
#pragma once

namespace llvm {
class Function;
}

namespace sparkle::llvm_target {

/// Of functions whose kernel is strict.
inline constexpr char kStrictAttribute[] = "sparkle-strict";

/// `strict`: divisions stay but where the bits are always those of the division.
void rewrite_operations(llvm::Function &function, bool strict);

} // namespace sparkle::llvm_target
