// Named limits of the language: past each of them the text is refused with a code, whatever it holds.
#pragma once

#include <cstddef>

namespace sparkle::dsl {

inline constexpr size_t kMaxSourceBytes = size_t{1} << 20;
inline constexpr int kMaxNesting = 128;          ///< Open brackets, unary operators and nested tables at one place.
inline constexpr int kMaxExpressionDepth = 256;  ///< Height of an expression tree (`a+a+a` has height 3).
inline constexpr size_t kMaxRank = 8;            ///< Dimensions of a tensor; indices of one reduction.
inline constexpr int kMaxInlinedDepth = 512;     ///< Depth of an expression with the bodies of `fn`s in place.
inline constexpr size_t kMaxTypedNodes = 200000; ///< Expression nodes of one kernel, functions and kernels in place.
inline constexpr int kMaxCallDepth = 32;         ///< Kernels that call kernels.
inline constexpr size_t kMaxCalls = 256;         ///< Calls of kernels in one kernel, those of what it calls included.
inline constexpr size_t kMaxTableEntries = 65536;
inline constexpr int kMaxLiteralDigits = 100;
inline constexpr int kMaxLiteralExponent = 400; ///< Decimal: 1e400 is past every type.
inline constexpr size_t kMaxRationalBits = 4096;

} // namespace sparkle::dsl
