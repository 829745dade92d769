// Loop IR -> GLSL. The text is a product: deterministic, and close to what a person would write.
//   before:  for %m group in 0..8 { for %t worker in 0..64 { load %x = %A[%m*64 + %t]; store %B[%m*64 + %t], %x + 1 } }
//   after:   const int m = int(group);
//            const int t = int(worker);
//            B[m * 64 + t] = A[m * 64 + t] + 1.0;
#pragma once

#include <string>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle::vulkan {

struct Shader {
  std::string glsl;
  int64_t local_size = 1;
  int64_t near_bytes = 0;
};

/// Needs a kernel at stage kLowerable that check_kernel accepts. Buffers, push constants and group numbers as
/// ShaderCode says; bindings start at 16-byte boundaries of device memory, so that vectors can overlay them.
/// GL_EXT_control_flow_attributes is used for loops to unroll; 64-bit integers (shaderInt64) only with index_bits 64.
/// Elements of 8 and 16 bits are such in storage buffers (storageBuffer8BitAccess, storageBuffer16BitAccess) and, where
/// the machine has them there (shaderInt8, shaderInt16), in shared memory; as values, i8 and u8 are `int`, and f16 and
/// bf16 `uint` with their bits, converted to and from `float` by exact arithmetic on bits.
Result<Shader> emit_glsl(const Program &program, const Kernel &kernel, const TargetInfo &info);

} // namespace sparkle::vulkan
