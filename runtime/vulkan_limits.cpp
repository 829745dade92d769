#include "runtime/vulkan_limits.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "compiler/support/diagnostics.h"
#include "runtime/vulkan_internal.h"

namespace sparkle::vulkan {

namespace {

/// Properties beyond Vulkan 1.0, as the driver fills them.
struct PropertyChain {
  VkPhysicalDeviceProperties2 core{};
  VkPhysicalDeviceIDProperties id{};
  VkPhysicalDeviceSubgroupProperties subgroup{};
  VkPhysicalDeviceMaintenance3Properties maintenance3{};
  VkPhysicalDeviceDriverProperties driver{};
  VkPhysicalDeviceSubgroupSizeControlProperties subgroup_size{};
  VkPhysicalDeviceMaintenance4Properties maintenance4{};
};

template <class Property> void append(void **&tail, Property &property, VkStructureType type) {
  property.sType = type;
  *tail = &property;
  tail = &property.pNext;
}

void query_properties(const InstanceTable &table, VkPhysicalDevice device, const FeatureChain &features,
                      PropertyChain &chain) {
  const uint32_t version = features.properties.apiVersion;
  chain.core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  void **tail = &chain.core.pNext;
  append(tail, chain.id, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES);
  append(tail, chain.subgroup, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
  append(tail, chain.maintenance3, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
  if (version >= VK_API_VERSION_1_2 || features.has(VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME)) {
    append(tail, chain.driver, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
  }
  if (version >= VK_API_VERSION_1_3 || features.has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
    append(tail, chain.subgroup_size, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
  }
  if (version >= VK_API_VERSION_1_3 || features.has(VK_KHR_MAINTENANCE_4_EXTENSION_NAME)) {
    append(tail, chain.maintenance4, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
  }
  table.vkGetPhysicalDeviceProperties2(device, &chain.core);
}

/// Some drivers report "no limit" as all ones.
int64_t to_int64(uint64_t value) {
  return static_cast<int64_t>(std::min<uint64_t>(value, std::numeric_limits<int64_t>::max()));
}

/// Text from the driver: at most `size` bytes, for a careless driver ends it nowhere.
std::string driver_text(const char *text, size_t size) { return escape_control({text, strnlen(text, size)}); }

VulkanDeviceType device_type(VkPhysicalDeviceType type) {
  switch (type) {
  case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return VulkanDeviceType::kIntegrated;
  case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return VulkanDeviceType::kDiscrete;
  case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return VulkanDeviceType::kVirtual;
  case VK_PHYSICAL_DEVICE_TYPE_CPU: return VulkanDeviceType::kCpu;
  default: return VulkanDeviceType::kOther;
  }
}

void set_identity(const PropertyChain &chain, VulkanLimits &limits) {
  const VkPhysicalDeviceProperties &p = chain.core.properties;
  limits.name = driver_text(p.deviceName, sizeof p.deviceName);
  limits.type = device_type(p.deviceType);
  limits.vendor_id = p.vendorID;
  limits.device_id = p.deviceID;
  limits.api_major = VK_API_VERSION_MAJOR(p.apiVersion);
  limits.api_minor = VK_API_VERSION_MINOR(p.apiVersion);
  limits.api_patch = VK_API_VERSION_PATCH(p.apiVersion);
  limits.driver_name = driver_text(chain.driver.driverName, sizeof chain.driver.driverName);
  limits.driver_info = driver_text(chain.driver.driverInfo, sizeof chain.driver.driverInfo);
  limits.driver_id = chain.driver.driverID;
  limits.driver_version = p.driverVersion;
  std::copy(std::begin(chain.id.deviceUUID), std::end(chain.id.deviceUUID), limits.uuid.begin());
  std::copy(std::begin(p.pipelineCacheUUID), std::end(p.pipelineCacheUUID), limits.pipeline_cache_uuid.begin());
}

void set_sizes(const PropertyChain &chain, VulkanLimits &limits) {
  const VkPhysicalDeviceLimits &l = chain.core.properties.limits;
  limits.shared_memory_bytes = l.maxComputeSharedMemorySize;
  limits.max_workgroup_invocations = l.maxComputeWorkGroupInvocations;
  std::copy_n(l.maxComputeWorkGroupSize, 3, limits.max_workgroup_size.begin());
  std::copy_n(l.maxComputeWorkGroupCount, 3, limits.max_workgroup_count.begin());
  limits.max_storage_buffer_range = l.maxStorageBufferRange;
  limits.min_storage_offset_alignment = to_int64(l.minStorageBufferOffsetAlignment);
  limits.max_storage_buffers = std::min(l.maxPerStageDescriptorStorageBuffers, l.maxDescriptorSetStorageBuffers);
  limits.max_buffer_bytes = to_int64(chain.maintenance4.maxBufferSize);
  limits.max_allocation_bytes = to_int64(chain.maintenance3.maxMemoryAllocationSize);
  limits.max_push_constant_bytes = l.maxPushConstantsSize;
  limits.timestamp_period_ns = static_cast<double>(l.timestampPeriod);
}

/// llvmpipe ends the loops of an invocation, all together, after this many rounds, and goes on with what follows them:
/// LP_MAX_TGSI_LOOP_ITERATIONS (Mesa, src/gallium/auxiliary/gallivm/lp_limits.h). No property tells.
constexpr int64_t kRoundsOfLlvmpipe = 65535;

void set_driver_limits(const PropertyChain &chain, VulkanLimits &limits) {
  if (chain.driver.driverID == VK_DRIVER_ID_MESA_LLVMPIPE) limits.max_loop_rounds = kRoundsOfLlvmpipe;
}

void set_subgroups(const PropertyChain &chain, const FeatureChain &features, VulkanLimits &limits) {
  limits.subgroup_size = static_cast<int>(chain.subgroup.subgroupSize);
  limits.subgroup_min = limits.subgroup_max = limits.subgroup_size;
  const bool compute = (chain.subgroup_size.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
  limits.subgroup_size_control = features.subgroup_size.subgroupSizeControl != VK_FALSE && compute;
  limits.full_subgroups = features.subgroup_size.computeFullSubgroups != VK_FALSE;
  if (!limits.subgroup_size_control) return;
  limits.subgroup_min = static_cast<int>(chain.subgroup_size.minSubgroupSize);
  limits.subgroup_max = static_cast<int>(chain.subgroup_size.maxSubgroupSize);
}

void set_features(const FeatureChain &features, VulkanLimits &limits) {
  limits.int64 = features.core.features.shaderInt64 != VK_FALSE;
  limits.int16 = features.core.features.shaderInt16 != VK_FALSE;
  limits.int8 = features.float16_int8.shaderInt8 != VK_FALSE;
  limits.float16 = features.float16_int8.shaderFloat16 != VK_FALSE;
  limits.storage16 = features.storage16.storageBuffer16BitAccess != VK_FALSE;
  limits.storage8 = features.storage8.storageBuffer8BitAccess != VK_FALSE;
  limits.memory_model = features.memory_model.vulkanMemoryModel != VK_FALSE;
  limits.cooperative_matrix_nv = features.matrix_nv.cooperativeMatrix != VK_FALSE;
  limits.cooperative_matrix_khr = features.matrix_khr.cooperativeMatrix != VK_FALSE;
}

std::string component_name(VkComponentTypeNV type) {
  switch (type) {
  case VK_COMPONENT_TYPE_FLOAT16_NV: return "f16";
  case VK_COMPONENT_TYPE_FLOAT32_NV: return "f32";
  case VK_COMPONENT_TYPE_FLOAT64_NV: return "f64";
  case VK_COMPONENT_TYPE_SINT8_NV: return "i8";
  case VK_COMPONENT_TYPE_SINT32_NV: return "i32";
  case VK_COMPONENT_TYPE_UINT8_NV: return "u8";
  case VK_COMPONENT_TYPE_UINT32_NV: return "u32";
  default: return "?";
  }
}

/// VkCooperativeMatrixPropertiesKHR, which the oldest supported headers do not know; its enumerators are those of NV.
struct MatrixPropertiesKhr {
  VkStructureType sType;
  void *pNext;
  uint32_t m, n, k;
  VkComponentTypeNV a, b, c, result;
  VkBool32 saturating;
  VkScopeNV scope;
};
constexpr auto kMatrixPropertiesKhr = static_cast<VkStructureType>(1000506001);

VulkanMatrixShape shape_of(uint32_t m, uint32_t n, uint32_t k, VkComponentTypeNV a, VkComponentTypeNV b,
                           VkComponentTypeNV c, VkComponentTypeNV d) {
  return {static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), component_name(a),
          component_name(b),   component_name(c),   component_name(d)};
}

void add_shape(VulkanMatrixShape shape, std::vector<VulkanMatrixShape> &shapes) {
  if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(std::move(shape));
}

void add_shapes_khr(const InstanceTable &table, VkPhysicalDevice device, std::vector<VulkanMatrixShape> &shapes) {
  using Query = VkResult(VKAPI_PTR *)(VkPhysicalDevice, uint32_t *, MatrixPropertiesKhr *);
  const auto query = reinterpret_cast<Query>(table.vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR);
  uint32_t count = 0;
  if (query == nullptr || query(device, &count, nullptr) < VK_SUCCESS) return;
  std::vector<MatrixPropertiesKhr> found(count);
  for (auto &entry : found) entry.sType = kMatrixPropertiesKhr;
  if (query(device, &count, found.data()) < VK_SUCCESS) return;
  found.resize(std::min<size_t>(count, found.size()));
  for (const auto &e : found) {
    const bool usable = e.scope == VK_SCOPE_SUBGROUP_NV && e.saturating == VK_FALSE;
    if (usable) add_shape(shape_of(e.m, e.n, e.k, e.a, e.b, e.c, e.result), shapes);
  }
}

void add_shapes_nv(const InstanceTable &table, VkPhysicalDevice device, std::vector<VulkanMatrixShape> &shapes) {
  const auto query = table.vkGetPhysicalDeviceCooperativeMatrixPropertiesNV;
  uint32_t count = 0;
  if (query == nullptr || query(device, &count, nullptr) < VK_SUCCESS) return;
  std::vector<VkCooperativeMatrixPropertiesNV> found(count);
  for (auto &entry : found) entry.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_NV;
  if (query(device, &count, found.data()) < VK_SUCCESS) return;
  found.resize(std::min<size_t>(count, found.size()));
  for (const auto &e : found) {
    if (e.scope != VK_SCOPE_SUBGROUP_NV) continue;
    add_shape(shape_of(e.MSize, e.NSize, e.KSize, e.AType, e.BType, e.CType, e.DType), shapes);
  }
}

void set_heaps(const InstanceTable &table, VkPhysicalDevice device, VulkanLimits &limits) {
  VkPhysicalDeviceMemoryProperties memory{};
  table.vkGetPhysicalDeviceMemoryProperties(device, &memory);
  for (uint32_t i = 0; i < memory.memoryHeapCount && i < VK_MAX_MEMORY_HEAPS; ++i) {
    const VkMemoryHeap &heap = memory.memoryHeaps[i];
    limits.heaps.push_back({to_int64(heap.size), (heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0});
  }
}

/// A driver that answers nonsense is not asked to compute.
Status check_sane(const VulkanLimits &limits) {
  const bool sane = limits.max_workgroup_invocations > 0 && limits.max_workgroup_count[0] > 0 &&
                    limits.max_workgroup_count[1] > 0 && limits.max_workgroup_count[2] > 0 &&
                    limits.max_storage_buffer_range > 0 && limits.min_storage_offset_alignment > 0 &&
                    limits.max_push_constant_bytes >= 4 && limits.subgroup_size > 0 && !limits.heaps.empty();
  if (sane) return ok();
  return Error{ErrorCode::kUnsupported, "its driver reports limits of 0"};
}

} // namespace

Result<VulkanLimits> query_limits(const InstanceTable &table, VkPhysicalDevice device) {
  FeatureChain features(table, device);
  const uint32_t version = features.properties.apiVersion;
  if (version < VK_API_VERSION_1_1) {
    return Error{ErrorCode::kUnsupported,
                 "it knows Vulkan 1." + std::to_string(VK_API_VERSION_MINOR(version)) + " only; 1.1 is needed"};
  }
  if (features.listed != VK_SUCCESS)
    return Error{ErrorCode::kUnsupported, make_error(features.listed, "vkEnumerateDeviceExtensionProperties").text};
  const auto family = compute_queue_family(table, device);
  if (!family) return Error{ErrorCode::kUnsupported, "it has no queue for compute work"};
  features.keep_what_is_used();
  PropertyChain chain;
  query_properties(table, device, features, chain);
  VulkanLimits limits;
  set_identity(chain, limits);
  set_sizes(chain, limits);
  set_driver_limits(chain, limits);
  set_subgroups(chain, features, limits);
  set_features(features, limits);
  set_heaps(table, device, limits);
  if (limits.cooperative_matrix_khr) add_shapes_khr(table, device, limits.matrix_shapes);
  if (limits.cooperative_matrix_nv) add_shapes_nv(table, device, limits.matrix_shapes);
  uint32_t count = *family + 1;
  std::vector<VkQueueFamilyProperties> families(count);
  table.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  limits.timestamp_valid_bits = static_cast<int>(families[*family].timestampValidBits);
  SPARKLE_TRY_STATUS(check_sane(limits));
  return limits;
}

} // namespace sparkle::vulkan
