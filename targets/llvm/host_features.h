// Which instructions the LLVM target may use: what this machine has, under a cap.
#pragma once

#include <string>
#include <string_view>

#include "compiler/support/result.h"

namespace sparkle::llvm_target {

struct CpuModel {
  std::string cpu;      ///< LLVM's name of the baseline that `features` extend.
  std::string tune;     ///< LLVM's name of the machine to tune for.
  std::string features; ///< `+avx2,+fma,...`: all that may be used beyond the baseline.
};

/// `cap`: `avx2` or `avx512` (then the machine must have it), or empty for the best that the machine and its operating
/// system support. kUnsupported: the cap is more than the machine has; kInvalidInput: the cap is not known.
Result<CpuModel> choose_cpu(std::string_view cap);

} // namespace sparkle::llvm_target
