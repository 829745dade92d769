// Kernels that other targets of CPUs compute faster.
#pragma once

#include <string>

#include "compiler/ir/kernel.h"

namespace sparkle::x86 {

/// Why; empty: none of the program's kernels. Bytes that are added up with constant weights, or compared, fit lanes of
/// 8 or 16 bits, which this target does not select: its lanes have 32.
std::string reason_to_defer(const Program &program);

} // namespace sparkle::x86
