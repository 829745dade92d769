#include "runtime/vulkan_internal.h"

#include <algorithm>

namespace sparkle::vulkan {

namespace {

constexpr const char *kMatrixKhr = "VK_KHR_cooperative_matrix"; // newer than the oldest supported headers
constexpr auto kMatrixFeaturesKhr = static_cast<VkStructureType>(1000506000);

VkResult list_extensions(const InstanceTable &table, VkPhysicalDevice device, std::vector<std::string> &names) {
  uint32_t count = 0;
  VkResult result = table.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  if (result < VK_SUCCESS) return result;
  std::vector<VkExtensionProperties> found(count);
  result = table.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, found.data());
  for (uint32_t i = 0; i < count && i < found.size(); ++i) names.emplace_back(found[i].extensionName);
  // Half a list is none: the next call may tell the other half.
  return result == VK_INCOMPLETE ? VK_ERROR_UNKNOWN : result;
}

/// Appends `feature` to the chain that ends at `tail`.
template <class Feature> void append(void **&tail, Feature &feature, VkStructureType type) {
  feature.sType = type;
  feature.pNext = nullptr;
  *tail = &feature;
  tail = &feature.pNext;
}

} // namespace

bool FeatureChain::has(std::string_view extension) const {
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

// A struct may stand in the chain only where the version or an enabled extension knows it.
FeatureChain::FeatureChain(const InstanceTable &table, VkPhysicalDevice device) {
  table.vkGetPhysicalDeviceProperties(device, &properties);
  core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  if (properties.apiVersion < VK_API_VERSION_1_1) return;
  listed = list_extensions(table, device, extensions);
  void **tail = &core.pNext;
  auto known = [&](uint32_t version, const char *extension) {
    if (properties.apiVersion >= version) return true;
    if (!has(extension)) return false;
    enabled_extensions.push_back(extension);
    return true;
  };
  constexpr uint32_t kNever = ~0u;
  append(tail, storage16, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
  if (known(VK_API_VERSION_1_2, VK_KHR_8BIT_STORAGE_EXTENSION_NAME)) {
    append(tail, storage8, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES);
  }
  if (known(VK_API_VERSION_1_2, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME)) {
    append(tail, float16_int8, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
  }
  if (known(VK_API_VERSION_1_2, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME)) {
    append(tail, memory_model, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES);
  }
  if (known(VK_API_VERSION_1_3, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
    append(tail, subgroup_size, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES);
  }
  if (known(kNever, VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME)) {
    append(tail, matrix_nv, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_NV);
  }
  if (known(kNever, kMatrixKhr)) append(tail, matrix_khr, kMatrixFeaturesKhr);
  table.vkGetPhysicalDeviceFeatures2(device, &core);
}

// Robust access above all stays off: bounds are the compiler's business, and checking costs integer instructions.
void FeatureChain::keep_what_is_used() {
  VkPhysicalDeviceFeatures used{};
  used.shaderInt64 = core.features.shaderInt64;
  used.shaderInt16 = core.features.shaderInt16;
  core.features = used;
  storage16.uniformAndStorageBuffer16BitAccess = VK_FALSE;
  storage16.storagePushConstant16 = VK_FALSE;
  storage16.storageInputOutput16 = VK_FALSE;
  storage8.uniformAndStorageBuffer8BitAccess = VK_FALSE;
  storage8.storagePushConstant8 = VK_FALSE;
  memory_model.vulkanMemoryModelAvailabilityVisibilityChains = VK_FALSE;
  matrix_nv.cooperativeMatrixRobustBufferAccess = VK_FALSE;
  matrix_khr.cooperativeMatrixRobustBufferAccess = VK_FALSE;
}

std::optional<uint32_t> compute_queue_family(const InstanceTable &table, VkPhysicalDevice device) {
  uint32_t count = 0;
  table.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  table.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  std::optional<uint32_t> best;
  int best_score = -1;
  for (uint32_t i = 0; i < count && i < families.size(); ++i) {
    const VkQueueFamilyProperties &family = families[i];
    if ((family.queueFlags & VK_QUEUE_COMPUTE_BIT) == 0 || family.queueCount == 0) continue;
    // With a clock first; then without graphics, where no desktop waits for us and no watchdog for it.
    const int score =
        (family.timestampValidBits > 0 ? 2 : 0) + ((family.queueFlags & VK_QUEUE_GRAPHICS_BIT) == 0 ? 1 : 0);
    if (score > best_score) best = i, best_score = score;
  }
  return best;
}

} // namespace sparkle::vulkan
