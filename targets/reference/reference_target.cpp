#include "targets/reference/reference_target.h"

#include <memory>

#include "compiler/ir/printer.h"
#include "targets/reference/program.h"

namespace sparkle::reference {
namespace {

Status check(const Program &program, const TargetInfo &) {
  for (const auto *kernels : {&program.prepack, &program.kernels}) {
    for (const Kernel &kernel : *kernels) {
      const std::shared_ptr<const Kernel> borrowed(std::shared_ptr<void>(), &kernel);
      SPARKLE_TRY([[maybe_unused]] const CompiledKernel code, compile(borrowed, Precision::kExact));
    }
  }
  return ok();
}

void attach(const std::vector<Kernel> &kernels, std::vector<Launch> &launches, const Program &program, bool keep_text) {
  SPARKLE_CHECK(kernels.size() == launches.size(), "the plan has a launch per kernel");
  for (size_t i = 0; i < kernels.size(); ++i) {
    launches[i].code = InterpretedCode{std::make_shared<const Kernel>(kernels[i])};
    if (keep_text) launches[i].source_text = print(kernels[i], &program);
  }
}

Result<Artifact> lower(const Program &program, const TargetInfo &info, const LowerOptions &options) {
  SPARKLE_TRY_STATUS(check(program, info));
  SPARKLE_TRY(Artifact artifact, plan_artifact(program, "reference"));
  attach(program.prepack, artifact.prepack, program, options.keep_text);
  attach(program.kernels, artifact.launches, program, options.keep_text);
  return artifact;
}

} // namespace

const Target &target() {
  static constexpr Target kTarget{"reference", check, lower};
  return kTarget;
}

} // namespace sparkle::reference
