// Runs a function on a thread of its own with a large stack.
#pragma once

#include <functional>

#include "compiler/support/result.h"

namespace sparkle::llvm_target {

/// LLVM's instruction selection and printing recurse deeply; a caller's worker thread may have only half a megabyte of
/// stack. `work` must not throw. kOutOfMemory when no thread can be started.
Status run_on_large_stack(const std::function<void()> &work);

} // namespace sparkle::llvm_target
