// Whether a kernel's index arithmetic can be done in 32 bits.
#pragma once

#include "compiler/analysis/interval.h"

namespace sparkle {

/// True when every index expression of the body, every operand of one, and every buffer's size in bytes provably lies
/// in the range of a signed 32-bit number. A symbol without an upper bound in `ranges` makes it false wherever it is
/// used.
bool fits_in_32_bits(const Kernel &kernel, const Ranges &ranges = {});

} // namespace sparkle
