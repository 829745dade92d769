// What a Vulkan device can do, as plain numbers: no Vulkan header is needed to read them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sparkle {

enum class VulkanDeviceType { kOther, kIntegrated, kDiscrete, kVirtual, kCpu };

/// One shape of the device's matrix unit with the scope of a subgroup: d[m, n] = a[m, k] * b[k, n] + c[m, n].
/// Element types by name (`f16`, `f32`, `i8`, `u8`, `i32`...); `?` when Sparkle has no name for one.
struct VulkanMatrixShape {
  int m = 0, n = 0, k = 0;
  std::string a, b, c, d;
  bool operator==(const VulkanMatrixShape &) const = default;
};

struct VulkanHeap {
  int64_t bytes = 0;
  bool device_local = false;
  bool operator==(const VulkanHeap &) const = default;
};

/// Limits and features of one device. Sizes in bytes. A feature counts only if Sparkle also switches it on.
struct VulkanLimits {
  std::string name;
  VulkanDeviceType type = VulkanDeviceType::kOther;
  uint32_t vendor_id = 0;
  uint32_t device_id = 0;
  uint32_t api_major = 0, api_minor = 0, api_patch = 0;
  std::string driver_name;                       ///< `NVIDIA`, `llvmpipe`; empty before Vulkan 1.2.
  std::string driver_info;                       ///< The driver's own words for its version.
  uint32_t driver_id = 0;                        ///< VkDriverId; 0 before Vulkan 1.2.
  uint32_t driver_version = 0;                   ///< Encoded as the driver likes; compare for equality.
  std::array<uint8_t, 16> uuid{};                ///< Of the device; stable between processes with the same driver.
  std::array<uint8_t, 16> pipeline_cache_uuid{}; ///< Of the driver's compiler.

  int subgroup_size = 0; ///< Default one.
  int subgroup_min = 0;  ///< Equal to subgroup_max when the size cannot be chosen.
  int subgroup_max = 0;
  bool subgroup_size_control = false; ///< Compute shaders can require a size in [subgroup_min, subgroup_max].
  bool full_subgroups = false;

  int64_t shared_memory_bytes = 0;
  int64_t max_workgroup_invocations = 0;
  std::array<int64_t, 3> max_workgroup_size{};
  std::array<int64_t, 3> max_workgroup_count{};
  int64_t max_storage_buffer_range = 0;
  int64_t min_storage_offset_alignment = 1;
  int64_t max_storage_buffers = 0;  ///< In one shader.
  int64_t max_buffer_bytes = 0;     ///< 0: not told.
  int64_t max_allocation_bytes = 0; ///< A hint: larger ones may work, smaller ones may fail.
  int64_t max_push_constant_bytes = 0;

  /// Rounds of all loops of an invocation together, after which the driver ends them; 0: no such limit is known.
  int64_t max_loop_rounds = 0;

  double timestamp_period_ns = 0;
  int timestamp_valid_bits = 0; ///< Of the queue that Sparkle uses; 0: kernels cannot be timed.

  bool int64 = false; ///< 64-bit integers in shaders.
  bool int16 = false;
  bool int8 = false;
  bool float16 = false;
  bool storage16 = false; ///< 16-bit elements in storage buffers.
  bool storage8 = false;
  bool memory_model = false;
  bool cooperative_matrix_nv = false;  ///< VK_NV_cooperative_matrix.
  bool cooperative_matrix_khr = false; ///< VK_KHR_cooperative_matrix.
  std::vector<VulkanMatrixShape> matrix_shapes;
  std::vector<VulkanHeap> heaps;

  bool operator==(const VulkanLimits &) const = default;
};

/// A device, a driver or Vulkan as a whole that cannot be used, and why.
struct VulkanLeftOut {
  std::string name;
  std::string reason;
  bool operator==(const VulkanLeftOut &) const = default;
};

} // namespace sparkle
