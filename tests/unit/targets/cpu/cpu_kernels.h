// Kernels compiled by the target that SPARKLE_TEST_TARGET names: `llvm`, `x86` or `x86:avx2`.
#pragma once

#include <cstdlib>
#include <string>

#include "targets/registry.h"
#include "tests/unit/targets/kernel_maker.h"

namespace sparkle::test {

inline std::string tested_target() {
  const char *name = std::getenv("SPARKLE_TEST_TARGET");
  return name ? name : "llvm";
}

inline const Target &cpu_target() {
  const std::string name = tested_target();
  auto target = find_target(name.substr(0, name.find(':')));
  if (!target) {
    ADD_FAILURE() << target.error().text;
    std::abort();
  }
  return **target;
}

inline Artifact lower(const Program &program, LowerOptions options = {}) {
  const std::string name = tested_target();
  if (name.find(':') != std::string::npos) options.isa = name.substr(name.find(':') + 1);
  auto artifact = cpu_target().lower(program, TargetInfo{}, options);
  EXPECT_TRUE(artifact) << artifact.error().text;
  return artifact ? std::move(*artifact) : Artifact{};
}

} // namespace sparkle::test
