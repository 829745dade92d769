#include "runtime/vulkan_choices.h"

#include <algorithm>

#include "compiler/support/checked_math.h"

namespace sparkle::vulkan {

namespace {

// Types with other bits (protected, lazily allocated, AMD's uncached ones) have rules of their own.
constexpr uint32_t kPlainFlags = kDeviceLocal | kHostVisible | kHostCoherent | kHostCached;

struct Wish {
  uint32_t required;
  uint32_t unwanted;
  uint32_t wanted;
};

std::optional<uint32_t> best_type(std::span<const MemoryType> types, uint32_t allowed, Wish wish) {
  std::optional<uint32_t> best;
  auto bits = [](uint32_t flags) { return __builtin_popcount(flags); };
  auto score = [&](const MemoryType &type) {
    return bits(type.flags & wish.wanted) - bits(type.flags & wish.unwanted);
  };
  for (uint32_t i = 0; i < types.size() && i < 32; ++i) {
    const MemoryType &type = types[i];
    if ((allowed >> i & 1) == 0 || (type.flags & ~kPlainFlags) != 0) continue;
    if ((type.flags & wish.required) != wish.required) continue;
    // Of equals the first: drivers list faster types first.
    const bool better = !best || score(type) > score(types[*best]) ||
                        (score(type) == score(types[*best]) && type.heap_bytes > types[*best].heap_bytes);
    if (better) best = i;
  }
  return best;
}

/// A capability (SPIR-V specification 3.31) and whether a device has it.
struct Capability {
  uint32_t number;
  const char *name;
  bool VulkanLimits::*present;
};
constexpr Capability kCapabilities[] = {
    {9, "Float16", &VulkanLimits::float16},
    {11, "Int64", &VulkanLimits::int64},
    {22, "Int16", &VulkanLimits::int16},
    {39, "Int8", &VulkanLimits::int8},
    {4433, "StorageBuffer16BitAccess", &VulkanLimits::storage16},
    {4448, "StorageBuffer8BitAccess", &VulkanLimits::storage8},
    {5345, "VulkanMemoryModel", &VulkanLimits::memory_model},
    {5357, "CooperativeMatrixNV", &VulkanLimits::cooperative_matrix_nv},
    {6022, "CooperativeMatrixKHR", &VulkanLimits::cooperative_matrix_khr},
};

} // namespace

std::optional<uint32_t> choose_memory_type(std::span<const MemoryType> types, uint32_t allowed, MemoryUse use) {
  const Wish upload{kHostVisible | kHostCoherent, kHostCached | kDeviceLocal, 0};
  if (use == MemoryUse::kDevice) return best_type(types, allowed, {kDeviceLocal, kHostVisible, 0});
  if (use == MemoryUse::kUpload) return best_type(types, allowed, upload);
  auto cached = best_type(types, allowed, {kHostVisible | kHostCached, kDeviceLocal, kHostCoherent});
  return cached ? cached : best_type(types, allowed, upload);
}

Result<std::array<uint32_t, 3>> spread_groups(int64_t groups, const std::array<int64_t, 3> &max_count) {
  // Above 2^31 the rounded product could leave the 32 bits in which shaders count.
  constexpr int64_t kMaxGroups = int64_t{1} << 31;
  SPARKLE_CHECK(groups >= 1, "a dispatch without groups");
  // From the slowest dimension on: as few rows as needed, then rows of equal length.
  const int64_t rows = ceil_div(groups, max_count[0]);
  const int64_t z = ceil_div(rows, max_count[1]);
  if (groups > kMaxGroups || z > max_count[2]) {
    return Error{ErrorCode::kUnsupported, std::to_string(groups) + " groups are more than the device can start"};
  }
  const int64_t y = ceil_div(rows, z);
  const int64_t x = ceil_div(groups, y * z);
  return std::array<uint32_t, 3>{static_cast<uint32_t>(x), static_cast<uint32_t>(y), static_cast<uint32_t>(z)};
}

Result<std::string> missing_capability(std::span<const uint32_t> spirv, const VulkanLimits &limits) {
  constexpr uint32_t kMagic = 0x07230203, kHeaderWords = 5, kOpCapability = 17;
  if (spirv.size() < kHeaderWords || spirv[0] != kMagic) {
    return Error{ErrorCode::kInvalidInput, "the shader is not SPIR-V of this machine's byte order"};
  }
  // Capabilities come first in a module: the first other instruction ends them.
  for (size_t at = kHeaderWords; at + 1 < spirv.size() && (spirv[at] & 0xFFFF) == kOpCapability; at += 2) {
    for (const Capability &capability : kCapabilities) {
      if (spirv[at + 1] == capability.number && !(limits.*capability.present)) return std::string(capability.name);
    }
  }
  return std::string();
}

} // namespace sparkle::vulkan
