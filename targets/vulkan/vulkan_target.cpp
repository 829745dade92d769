#include "targets/vulkan/vulkan_target.h"

#include "targets/vulkan/glsl_compiler.h"
#include "targets/vulkan/glsl_emitter.h"
#include "targets/vulkan/kernel_check.h"

namespace sparkle {
namespace {

Status check(const Program &program, const TargetInfo &info) {
  for (const std::vector<Kernel> *kernels : {&program.prepack, &program.kernels}) {
    for (const Kernel &kernel : *kernels) SPARKLE_TRY_STATUS(vulkan::check_kernel(kernel, info));
  }
  return ok();
}

Status fill_launch(const Program &program, const Kernel &kernel, const TargetInfo &info, const LowerOptions &options,
                   Launch &launch) {
  SPARKLE_TRY(vulkan::Shader shader, vulkan::emit_glsl(program, kernel, info));
  ShaderCode code;
  SPARKLE_TRY(code.words, vulkan::compile_glsl(shader.glsl));
  code.local_size = static_cast<uint32_t>(shader.local_size);
  code.wide_index = kernel.index_bits == 64;
  launch.near_bytes = shader.near_bytes;
  if (options.keep_text)
    launch.source_text = options.assembly ? vulkan::disassemble(code.words) : std::move(shader.glsl);
  launch.code = std::move(code);
  return ok();
}

Status fill_launches(const Program &program, const std::vector<Kernel> &kernels, const TargetInfo &info,
                     const LowerOptions &options, std::vector<Launch> &launches) {
  SPARKLE_CHECK(kernels.size() == launches.size(), "a launch for each kernel");
  for (size_t i = 0; i < kernels.size(); ++i)
    SPARKLE_TRY_STATUS(fill_launch(program, kernels[i], info, options, launches[i]));
  return ok();
}

Result<Artifact> lower(const Program &program, const TargetInfo &info, const LowerOptions &options) {
  SPARKLE_TRY_STATUS(check(program, info));
  SPARKLE_TRY(Artifact artifact, plan_artifact(program, "vulkan"));
  SPARKLE_TRY_STATUS(fill_launches(program, program.prepack, info, options, artifact.prepack));
  SPARKLE_TRY_STATUS(fill_launches(program, program.kernels, info, options, artifact.launches));
  return artifact;
}

} // namespace

Target vulkan_target() { return {"vulkan", check, lower}; }

} // namespace sparkle
