// SPIR-V specification 1.6: 2.3 (layout of a module), 3.31 (capabilities); Vulkan specification: appendix on SPIR-V.
#include "tools/aot/shader_needs.h"

#include <algorithm>

namespace sparkle::aot {
namespace {

constexpr uint32_t kMagic = 0x07230203;
constexpr size_t kHeaderWords = 5;
constexpr uint32_t kOpCapability = 17;

struct Feature {
  uint32_t capability;
  const char *name; ///< nullptr: every device has it.
};

constexpr Feature kFeatures[] = {
    {0, nullptr},
    {1, nullptr},
    {9, "shaderFloat16"},
    {11, "shaderInt64"},
    {22, "shaderInt16"},
    {39, "shaderInt8"},
    {61, "subgroup basic operations"},
    {62, "subgroup vote operations"},
    {63, "subgroup arithmetic operations"},
    {64, "subgroup ballot operations"},
    {65, "subgroup shuffle operations"},
    {4433, "storageBuffer16BitAccess"},
    {4434, "uniformAndStorageBuffer16BitAccess"},
    {4448, "storageBuffer8BitAccess"},
    {4449, "uniformAndStorageBuffer8BitAccess"},
    {5345, "vulkanMemoryModel"},
    {5346, "vulkanMemoryModelDeviceScope"},
    {5357, "cooperativeMatrix of VK_NV_cooperative_matrix"},
    {6022, "cooperativeMatrix of VK_KHR_cooperative_matrix"},
};

void add_feature(uint32_t capability, std::vector<std::string> &names) {
  const auto *found = std::ranges::find(kFeatures, capability, &Feature::capability);
  if (found != std::end(kFeatures) && !found->name) return;
  const std::string name = found != std::end(kFeatures) ? found->name : "capability " + std::to_string(capability);
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

} // namespace

Result<std::vector<std::string>> required_features(std::span<const uint32_t> spirv) {
  const Error broken{ErrorCode::kInvalidInput, "these words are no SPIR-V"};
  if (spirv.size() < kHeaderWords || spirv[0] != kMagic) return broken;
  std::vector<std::string> names;
  for (size_t at = kHeaderWords; at < spirv.size();) {
    const uint32_t words = spirv[at] >> 16, op = spirv[at] & 0xffff;
    if (words == 0 || words > spirv.size() - at) return broken;
    if (op == kOpCapability && words >= 2) add_feature(spirv[at + 1], names);
    at += words;
  }
  std::ranges::sort(names);
  return names;
}

} // namespace sparkle::aot
