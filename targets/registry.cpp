#include "targets/registry.h"

#include <algorithm>
#include <array>
#include <string>

#include "targets/reference/reference_target.h"
#if SPARKLE_HAS_LLVM
#include "targets/plugin_loader.h"
#endif
#if SPARKLE_HAS_VULKAN
#include "targets/vulkan/vulkan_target.h"
#endif
#if SPARKLE_HAS_X86
#include "targets/x86/x86_target.h"
#endif

namespace sparkle {
namespace {

constexpr std::array<std::string_view, 4> kKnownNames{"reference", "x86", "llvm", "vulkan"};

#if SPARKLE_HAS_LLVM
/// The row of a target that is opened when it is first used.
Status check_llvm(const Program &program, const TargetInfo &info) {
  SPARKLE_TRY(const Target *target, open_llvm_target());
  return target->check(program, info);
}

Result<Artifact> lower_llvm(const Program &program, const TargetInfo &info, const LowerOptions &options) {
  SPARKLE_TRY(const Target *target, open_llvm_target());
  return target->lower(program, info, options);
}

Result<ObjectCode> emit_llvm_object(const Program &program, const TargetInfo &info, const ObjectOptions &options) {
  SPARKLE_TRY(const Target *target, open_llvm_target());
  return target->emit_object(program, info, options);
}

Result<std::vector<uint8_t>> emit_llvm_dispatcher(const Artifact &plan, const DispatcherOptions &options) {
  SPARKLE_TRY(const Target *target, open_llvm_target());
  return target->emit_dispatcher(plan, options);
}
#endif

} // namespace

std::span<const Target> targets() {
  static const std::array kTable {
    reference::target(),
#if SPARKLE_HAS_X86
        x86::target(),
#endif
#if SPARKLE_HAS_LLVM
        Target{"llvm", check_llvm, lower_llvm, emit_llvm_object, emit_llvm_dispatcher},
#endif
#if SPARKLE_HAS_VULKAN
        vulkan_target(),
#endif
  };
  return kTable;
}

Result<const Target *> find_target(std::string_view name) {
  for (const Target &target : targets())
    if (target.name == name) return &target;
  if (std::ranges::find(kKnownNames, name) != kKnownNames.end())
    return Error{ErrorCode::kUnsupported, "target `" + std::string(name) + "` was left out of this build"};
  return Error{ErrorCode::kInvalidInput,
               "there is no target `" + std::string(name) + "`; there are reference, x86, llvm, vulkan"};
}

} // namespace sparkle
