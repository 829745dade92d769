// The `vulkan` target: loop IR -> GLSL -> SPIR-V. Makes shaders; running them is the runtime's business.
#pragma once

#include "compiler/target/target.h"

namespace sparkle {

/// Source text of a launch: GLSL, or with `LowerOptions::assembly` the SPIR-V as text.
Target vulkan_target();

} // namespace sparkle
