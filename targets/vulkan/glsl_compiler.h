// GLSL -> SPIR-V by glslang, in process. No optimiser runs over the result: it made our tiles slower where measured
// (SGEMM 128x128x16 on an H100: 43.9 TFLOPS as compiled, 33.5 after `spirv-opt -O`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle::vulkan {

/// For Vulkan 1.1 (SPIR-V 1.3). A text that does not compile is an internal error: kInternal, with the compiler's log.
Result<std::vector<uint32_t>> compile_glsl(const std::string &glsl);

/// SPIR-V as text, for people.
std::string disassemble(const std::vector<uint32_t> &spirv);

} // namespace sparkle::vulkan
