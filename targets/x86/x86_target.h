// The x86 target: lowerable kernels to machine code in this process, without LLVM.
#pragma once

#include "compiler/target/target.h"

namespace sparkle::x86 {

/// `x86`. LowerOptions::isa: `avx2`, `avx512` or empty. With keep_text each launch holds its own text.
Target target();

} // namespace sparkle::x86
