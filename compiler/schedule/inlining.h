// `place inline`: definitions that are computed where they are read. Shared by `place` and the cost model.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"

namespace sparkle {

/// The program without the lets that `schedule` inlines: their values stand in the kernels that read them, and touch
/// memory only where they are wanted. Needs stage kImported.
Program inline_lets(const Program &in, const Schedule &schedule);

/// The tensor that a definition writes.
TensorId tensor_written(const Kernel &kernel);

} // namespace sparkle
