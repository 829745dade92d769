#include "targets/vulkan/glsl_compiler.h"
#include "targets/vulkan/glsl_emitter.h"
#include "targets/vulkan/kernel_check.h"
#include "tests/tools/filetest_handlers.h"

namespace sparkle {

/// A machine whose limits are in no test's way but for those of near memory and workers.
static TargetInfo plain_machine() {
  TargetInfo info;
  info.max_workers = 1024;
  info.near_bytes = 32768;
  info.max_groups = 1 << 24;
  info.max_buffer_bytes = 1 << 27;
  return info;
}

Result<std::string> filetest_vulkan(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(const ParsedIr parsed, parse_filetest(test, diagnostics, true));
  std::string out;
  for (const Kernel &kernel : parsed.program.kernels) {
    SPARKLE_TRY_STATUS(vulkan::check_kernel(kernel, plain_machine()));
    SPARKLE_TRY(const vulkan::Shader shader, vulkan::emit_glsl(parsed.program, kernel, plain_machine()));
    SPARKLE_TRY(const auto spirv, vulkan::compile_glsl(shader.glsl));
    if (spirv.empty()) return Error{ErrorCode::kInternal, "no SPIR-V"};
    out += shader.glsl;
  }
  return out;
}

} // namespace sparkle
