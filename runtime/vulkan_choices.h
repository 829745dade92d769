// Decisions of the Vulkan runtime as pure functions of plain numbers, so that tests can ask about devices that are not
// here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "compiler/support/result.h"
#include "runtime/vulkan_limits.h"

namespace sparkle::vulkan {

/// Bits of VkMemoryPropertyFlags.
inline constexpr uint32_t kDeviceLocal = 1, kHostVisible = 2, kHostCoherent = 4, kHostCached = 8;

struct MemoryType {
  uint32_t flags = 0;
  int64_t heap_bytes = 0;
};
enum class MemoryUse { kDevice, kUpload, kReadback };

/// Number of the type to use among those with a bit in `allowed`, or nothing.
/// kDevice: DEVICE_LOCAL, better not visible to the host (that heap may be small), from the largest heap; never system
/// memory. kUpload: HOST_VISIBLE and HOST_COHERENT, better neither cached nor on the device. kReadback: HOST_VISIBLE
/// and HOST_CACHED, better coherent and not on the device; where nothing is cached, as kUpload.
std::optional<uint32_t> choose_memory_type(std::span<const MemoryType> types, uint32_t allowed, MemoryUse use);

/// Workgroup counts of x, y and z whose product is at least `groups` (1..2^31) and as little more as rounding allows.
/// kUnsupported: more than the device can start.
Result<std::array<uint32_t, 3>> spread_groups(int64_t groups, const std::array<int64_t, 3> &max_count);

/// Which capability a SPIR-V module declares that the device has not; empty: none. Words that are no SPIR-V:
/// kInvalidInput.
Result<std::string> missing_capability(std::span<const uint32_t> spirv, const VulkanLimits &limits);

} // namespace sparkle::vulkan
