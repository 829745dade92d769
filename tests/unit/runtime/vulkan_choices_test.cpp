#include "runtime/vulkan_choices.h"

#include <gtest/gtest.h>

namespace sparkle::vulkan {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

TEST(VulkanChoices, MemoryOfADiscreteCardWithAWindow) {
  // An NVIDIA card: system memory, device memory, and a small window of it that the host sees.
  const MemoryType types[] = {{0, 64 * kGiB},
                              {kDeviceLocal, 80 * kGiB},
                              {kHostVisible | kHostCoherent, 64 * kGiB},
                              {kHostVisible | kHostCoherent | kHostCached, 64 * kGiB},
                              {kDeviceLocal | kHostVisible | kHostCoherent, kGiB / 4}};
  EXPECT_EQ(choose_memory_type(types, ~0u, MemoryUse::kDevice), 1u);
  EXPECT_EQ(choose_memory_type(types, ~0u, MemoryUse::kUpload), 2u);
  EXPECT_EQ(choose_memory_type(types, ~0u, MemoryUse::kReadback), 3u);
  EXPECT_EQ(choose_memory_type(types, 0b10001, MemoryUse::kDevice), 4u) << "the window, when nothing else is allowed";
  EXPECT_EQ(choose_memory_type(types, 0b01101, MemoryUse::kDevice), std::nullopt) << "never system memory";
}

TEST(VulkanChoices, MemoryOfAnIntegratedDevice) {
  const MemoryType all[] = {{kDeviceLocal | kHostVisible | kHostCoherent | kHostCached, 16 * kGiB}};
  for (MemoryUse use : {MemoryUse::kDevice, MemoryUse::kUpload, MemoryUse::kReadback}) {
    EXPECT_EQ(choose_memory_type(all, ~0u, use), 0u);
  }
}

TEST(VulkanChoices, ReadbackPrefersCachedToCoherent) {
  const MemoryType types[] = {{kHostVisible | kHostCoherent, kGiB}, {kHostVisible | kHostCached, kGiB}};
  EXPECT_EQ(choose_memory_type(types, ~0u, MemoryUse::kReadback), 1u);
  EXPECT_EQ(choose_memory_type(types, 1, MemoryUse::kReadback), 0u) << "where nothing is cached";
}

TEST(VulkanChoices, TypesWithRulesOfTheirOwnAreAvoided) {
  constexpr uint32_t kProtected = 0x20;
  const MemoryType types[] = {{kDeviceLocal | kProtected, 80 * kGiB}, {kDeviceLocal, kGiB}};
  EXPECT_EQ(choose_memory_type(types, ~0u, MemoryUse::kDevice), 1u);
}

TEST(VulkanChoices, GroupsAreSpreadWithinTheLimits) {
  const std::array<int64_t, 3> small{65535, 65535, 65535};
  const std::array<int64_t, 3> wide{0x7FFFFFFF, 65535, 65535};
  using Counts = std::array<uint32_t, 3>;
  EXPECT_EQ(*spread_groups(1, small), (Counts{1, 1, 1}));
  EXPECT_EQ(*spread_groups(65535, small), (Counts{65535, 1, 1}));
  EXPECT_EQ(*spread_groups(65536, small), (Counts{32768, 2, 1}));
  EXPECT_EQ(*spread_groups(100000, wide), (Counts{100000, 1, 1}));
  for (int64_t groups : {int64_t{65537}, int64_t{1} << 20, int64_t{99999989}, int64_t{1} << 31}) {
    const Counts counts = *spread_groups(groups, small);
    const int64_t product = int64_t{counts[0]} * counts[1] * counts[2];
    EXPECT_GE(product, groups);
    EXPECT_LT(product - groups, int64_t{counts[1]} * counts[2]) << "no more than a group a row is wasted";
    for (uint32_t count : counts) EXPECT_LE(count, 65535u);
  }
  EXPECT_EQ(*spread_groups(100, {10, 3, 4}), (Counts{9, 3, 4}));
  EXPECT_EQ(spread_groups(121, {10, 3, 4}).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(spread_groups((int64_t{1} << 31) + 1, small).error().code, ErrorCode::kUnsupported);
}

TEST(VulkanChoices, MissingCapabilitiesAreNamed) {
  constexpr uint32_t kCapability = 2u << 16 | 17, kMemoryModel = 3u << 16 | 14;
  const uint32_t module[] = {0x07230203, 0x10300, 0, 10, 0, kCapability, 1, kCapability, 11, kMemoryModel, 0, 1};
  VulkanLimits limits;
  EXPECT_EQ(*missing_capability(module, limits), "Int64");
  limits.int64 = true;
  EXPECT_EQ(*missing_capability(module, limits), "");
  const uint32_t garbage[] = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(missing_capability(garbage, limits).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(missing_capability({}, limits).error().code, ErrorCode::kInvalidInput);
}

} // namespace
} // namespace sparkle::vulkan
