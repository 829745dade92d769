// Targets in shared modules, opened when they are used.
#pragma once

#include "compiler/support/result.h"
#include "compiler/target/target.h"

namespace sparkle {

/// The target in `libsparkle_llvm.so`. Looked for in the folder SPARKLE_PLUGIN_DIR names; then in `../lib/sparkle` and
/// `../lib` beside the running program; then in the folder of the library that holds this function and its `sparkle`.
/// kUnsupported, with the folders and the way out, when there is none or it belongs to another version.
Result<const Target *> open_llvm_target();

} // namespace sparkle
