#include "runtime/executable_kinds.h"
#include "targets/reference/interpreter.h"

namespace sparkle {

Status run_interpreted(const Launch &launch, const std::vector<void *> &buffers, const std::vector<int64_t> &bytes,
                       const BoundArguments &arguments) {
  const auto *code = std::get_if<InterpretedCode>(&launch.code);
  SPARKLE_CHECK(code && code->kernel, "launch " + launch.name + " has no kernel to interpret");
  const Kernel &kernel = *code->kernel;
  reference::KernelArguments values;
  values.values = {arguments.symbols, arguments.uniforms};
  for (uint32_t i = 0; i < kernel.buffer_count(); ++i) {
    const auto buffer = static_cast<BufferId>(i);
    for (size_t j = 0; j < launch.buffers.size(); ++j)
      if (kernel.buffer(buffer).level == MemoryLevel::kFar && kernel.buffer(buffer).tensor == launch.buffers[j])
        values.buffers[buffer] = {buffers[j], bytes[j]};
  }
  return reference::interpret(kernel, values);
}

} // namespace sparkle
