// The interpreter as a target: lowering keeps the kernels, the runtime interprets their tasks (interpreter.h,
// interpret_tasks).
#pragma once

#include "compiler/target/target.h"

namespace sparkle::reference {

/// Takes every kernel at every stage. Memory of launch buffer i belongs to the kernel's buffers with tensor
/// `buffers[i]`.
const Target &target();

} // namespace sparkle::reference
