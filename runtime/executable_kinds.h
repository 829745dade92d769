// The kinds of bindings. Private to the facade.
#pragma once

#include "runtime/executable.h"

namespace sparkle {

/// Machine code in this process, or interpreted kernels.
Result<std::unique_ptr<Binding>> bind_host(std::shared_ptr<const Executable> executable, BoundArguments arguments);
/// Runs the prepack launches into `packed`.
Status pack_host(std::shared_ptr<const Executable> executable, BoundArguments arguments, void *packed);
Result<std::unique_ptr<Binding>> bind_vulkan(std::shared_ptr<const Executable> executable, BoundArguments arguments);

/// Makes the pipelines of all launches, so that refusals of the driver show when compiling; the context keeps them.
Status load_vulkan(const Artifact &artifact, Machine &machine, int index);

/// Interprets tasks [0, tasks) of a launch. `buffers`: address and size of each of the launch's buffers.
Status run_interpreted(const Launch &launch, const std::vector<void *> &buffers, const std::vector<int64_t> &bytes,
                       const BoundArguments &arguments);

/// Bytes that each tensor of the artifact takes under these symbols.
Result<std::vector<int64_t>> tensor_bytes(const Artifact &artifact, const BoundArguments &arguments);
/// The number of tasks of a launch. kShapeOverflow: it leaves 64 bits.
Result<int64_t> task_count(const Launch &launch, const BoundArguments &arguments);

} // namespace sparkle
