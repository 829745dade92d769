// Kernels compiled by the LLVM target.
#pragma once

#include "targets/plugin_loader.h"
#include "tests/unit/targets/kernel_maker.h"

namespace sparkle::test {

inline const Target &llvm_target() {
  auto target = open_llvm_target();
  if (!target) {
    ADD_FAILURE() << target.error().text;
    std::abort();
  }
  return **target;
}

inline Artifact lower(const Program &program, const LowerOptions &options = {}) {
  auto artifact = llvm_target().lower(program, TargetInfo{}, options);
  EXPECT_TRUE(artifact) << artifact.error().text;
  return artifact ? std::move(*artifact) : Artifact{};
}

} // namespace sparkle::test
