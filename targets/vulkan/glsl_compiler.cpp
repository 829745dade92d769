#include "targets/vulkan/glsl_compiler.h"

#include <glslang/Public/ResourceLimits.h>
#include <glslang/Public/ShaderLang.h>
#include <glslang/SPIRV/GlslangToSpv.h>
#include <spirv-tools/libspirv.h>

namespace sparkle::vulkan {
namespace {

/// glslang counts its users; its tables live as long as one of them does. Made at the first compilation and kept,
/// because building the tables costs more than compiling a kernel.
class Process {
public:
  Process() { glslang::InitializeProcess(); }
  ~Process() { glslang::FinalizeProcess(); }
  Process(const Process &) = delete;
  Process &operator=(const Process &) = delete;
};

/// The front end's limits are not the device's (check_kernel knows those): they must only be in nobody's way.
TBuiltInResource generous_limits() {
  TBuiltInResource limits = *GetDefaultResources();
  limits.maxComputeWorkGroupSizeX = 1 << 16;
  limits.maxComputeWorkGroupSizeY = 1 << 16;
  limits.maxComputeWorkGroupSizeZ = 1 << 16;
  return limits;
}

Error failed(std::string_view step, const char *log) {
  return {ErrorCode::kInternal, std::string(step) + " of the generated GLSL failed: " + log};
}

} // namespace

Result<std::vector<uint32_t>> compile_glsl(const std::string &glsl) {
  static const Process process;
  const TBuiltInResource limits = generous_limits();
  const auto messages = static_cast<EShMessages>(EShMsgSpvRules | EShMsgVulkanRules);

  glslang::TShader shader(EShLangCompute);
  const char *text = glsl.c_str();
  shader.setStrings(&text, 1);
  shader.setEnvInput(glslang::EShSourceGlsl, EShLangCompute, glslang::EShClientVulkan, 100);
  shader.setEnvClient(glslang::EShClientVulkan, glslang::EShTargetVulkan_1_1);
  shader.setEnvTarget(glslang::EShTargetSpv, glslang::EShTargetSpv_1_3);
  if (!shader.parse(&limits, 450, false, messages)) return failed("compilation", shader.getInfoLog());

  glslang::TProgram program;
  program.addShader(&shader);
  if (!program.link(messages)) return failed("linking", program.getInfoLog());

  glslang::SpvOptions options;
  options.disableOptimizer = true;
  std::vector<uint32_t> spirv;
  glslang::GlslangToSpv(*program.getIntermediate(EShLangCompute), spirv, &options);
  if (spirv.empty()) return failed("translation", "no code came out");
  return spirv;
}

// Not spv::Disassemble of glslang: its tables are built at start-up and would double the start of every program.
std::string disassemble(const std::vector<uint32_t> &spirv) {
  const spv_context context = spvContextCreate(SPV_ENV_VULKAN_1_2);
  spv_text text = nullptr;
  constexpr uint32_t kStyle = SPV_BINARY_TO_TEXT_OPTION_INDENT | SPV_BINARY_TO_TEXT_OPTION_FRIENDLY_NAMES;
  const spv_result_t read = spvBinaryToText(context, spirv.data(), spirv.size(), kStyle, &text, nullptr);
  std::string out;
  if (read == SPV_SUCCESS) out.assign(text->str, text->length);
  spvTextDestroy(text);
  spvContextDestroy(context);
  return out;
}

} // namespace sparkle::vulkan
