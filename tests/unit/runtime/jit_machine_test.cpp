// What a Vulkan device's TargetInfo is made of, and the devices of a machine.
#include <gtest/gtest.h>

#include "runtime/machine.h"
#include "runtime/vulkan_target_info.h"

namespace sparkle {
namespace {

VulkanLimits limits(std::string name, std::string driver) {
  VulkanLimits out;
  out.name = std::move(name);
  out.driver_name = std::move(driver);
  out.subgroup_size = 16;
  out.shared_memory_bytes = 20000;
  out.max_workgroup_invocations = 512;
  out.max_workgroup_size = {384, 64, 64};
  out.max_workgroup_count = {1000, 100, 10};
  out.max_storage_buffer_range = 123456789;
  out.max_loop_rounds = 4321;
  return out;
}

TEST(Fixtures, AreChosenByDeviceOrDriver) {
  EXPECT_EQ(fixture_for(limits("NVIDIA H200", "NVIDIA")), "h100");
  EXPECT_EQ(fixture_for(limits("NVIDIA GH200 480GB", "NVIDIA")), "h100");
  EXPECT_EQ(fixture_for(limits("software", "LLVMpipe")), "lavapipe");
  EXPECT_EQ(fixture_for(limits("Some GPU", "someone")), "generic_gpu");
}

TEST(Fixtures, AllThatAreNamedWereBuiltIn) {
  for (const char *name : {"h100", "lavapipe", "generic_gpu", "avx2", "zen4"}) {
    const Result<TargetInfo> info = embedded_target_info(name);
    ASSERT_TRUE(info) << name;
    EXPECT_EQ(info->name, name);
  }
  EXPECT_FALSE(embedded_target_info("nothing"));
}

TEST(VulkanTargetInfo, LimitsComeFromTheDriver) {
  const Result<TargetInfo> info = vulkan_target_info(limits("NVIDIA H100 PCIe", "NVIDIA"));
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(info->name, "NVIDIA H100 PCIe");
  EXPECT_EQ(info->team_workers, 16);
  EXPECT_EQ(info->max_workers, 384);
  EXPECT_EQ(info->near_bytes, 20000);
  EXPECT_EQ(info->max_groups, 1000 * 100 * 10);
  EXPECT_EQ(info->max_buffer_bytes, 123456789);
  EXPECT_EQ(info->max_loop_rounds, 4321);
  EXPECT_EQ(info->far_element_bytes, 4);
  EXPECT_EQ(info->near_element_bytes, 4);
  EXPECT_EQ(info->units, embedded_target_info("h100")->units);
  EXPECT_TRUE(info->matrix_units.empty()); // the driver lists none
}

TEST(VulkanTargetInfo, ShortElementsComeFromTheDriver) {
  VulkanLimits device = limits("NVIDIA H100", "NVIDIA");
  device.storage16 = device.int16 = device.storage8 = true;
  const Result<TargetInfo> info = vulkan_target_info(device);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->far_element_bytes, 1);
  EXPECT_EQ(info->near_element_bytes, 2);
}

TEST(VulkanTargetInfo, KeepsMatrixUnitsThatTheDriverLists) {
  VulkanLimits device = limits("NVIDIA H100", "NVIDIA");
  device.matrix_shapes.push_back({16, 16, 16, "f16", "f16", "f32", "f32"});
  const Result<TargetInfo> info = vulkan_target_info(device);
  ASSERT_TRUE(info);
  ASSERT_EQ(info->matrix_units.size(), 1u);
  EXPECT_EQ(info->matrix_units.front().accumulator, "f32");
}

TEST(Machine, ListsTheCpuFirstAndTheReferenceLast) {
  const Result<std::shared_ptr<Machine>> machine = Machine::open({3, "avx2", {}});
  ASSERT_TRUE(machine);
  const std::vector<DeviceInfo> devices = (*machine)->devices();
  EXPECT_EQ(devices.front().id, "cpu");
  EXPECT_EQ(devices.front().info.units, 3);
  EXPECT_LE(devices.front().info.lanes, 8);
  EXPECT_EQ(devices.back().id, "reference");
  EXPECT_EQ((*machine)->find("vulkan:4096").error().code, ErrorCode::kNoDevice);
  EXPECT_EQ((*machine)->find("vulkan:1x").error().code, ErrorCode::kInvalidInput);
}

TEST(Machine, RefusesNonsense) {
  EXPECT_EQ(Machine::open({-1, {}, {}}).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(Machine::open({1, "mmx", {}}).error().code, ErrorCode::kInvalidInput);
}

} // namespace
} // namespace sparkle
