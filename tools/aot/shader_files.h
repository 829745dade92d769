// A program for Vulkan as files: GLSL, SPIR-V, and a description that says all there is to launching them
// (docs/aot.md).
#pragma once

#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"
#include "tools/aot/output_files.h"

namespace sparkle::aot {

struct ShaderFilesOptions {
  std::string name;     ///< What the files' names start with.
  std::string plan;     ///< The machine description that the schedule was chosen for.
  std::string compiler; ///< `sparklec 0.1.0`.
};

/// `artifact`: of target vulkan, with source texts; all extents constant (else kUnsupported).
Result<std::vector<OutputFile>> shader_files(const Artifact &artifact, const ShaderFilesOptions &options);

} // namespace sparkle::aot
