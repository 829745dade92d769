// Which devices there are, and why others are not: a machine without Vulkan is a normal machine.
#include <cstdint>

#include "axpy_spirv.h"
#include "runtime/vulkan_internal.h"
#include "tests/unit/environment.h"
#include "tests/unit/runtime/vulkan_fixture.h"

namespace sparkle::test {
namespace {

TEST(VulkanDevices, MissingLoaderIsAReason) {
  VulkanOptions options;
  options.loader = "libvulkan-that-is-not-here.so.1";
  const VulkanDevices devices = VulkanDevices::open(options);
  EXPECT_TRUE(devices.devices().empty());
  ASSERT_EQ(devices.left_out().size(), 1u);
  EXPECT_EQ(devices.left_out()[0].name, "vulkan");
  EXPECT_NE(devices.left_out()[0].reason.find("the Vulkan loader is not installed"), std::string::npos);
  auto context = devices.create_context(0);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().code, ErrorCode::kNoDevice);
  EXPECT_NE(context.error().text.find("not installed"), std::string::npos) << "the error says why";
}

TEST(VulkanDevices, OtherLibrariesAreNoLoader) {
  VulkanOptions options;
  options.loader = "libm.so.6";
  const VulkanDevices devices = VulkanDevices::open(options);
  EXPECT_TRUE(devices.devices().empty());
  ASSERT_EQ(devices.left_out().size(), 1u);
  EXPECT_NE(devices.left_out()[0].reason.find("no vkGetInstanceProcAddr"), std::string::npos);
}

TEST(VulkanDevices, MissingDriverIsAReason) {
  if (VulkanDevices::open().devices().empty()) GTEST_SKIP() << "no Vulkan device here";
  const Environment files("VK_DRIVER_FILES", "/nonexistent"), names("VK_ICD_FILENAMES", "/nonexistent");
  const VulkanDevices devices = VulkanDevices::open();
  EXPECT_TRUE(devices.devices().empty());
  ASSERT_EQ(devices.left_out().size(), 1u);
  EXPECT_NE(devices.left_out()[0].reason.find("no Vulkan driver"), std::string::npos) << devices.left_out()[0].reason;
}

TEST(VulkanDevices, EnvironmentAsksForValidation) {
  const Environment on("SPARKLE_VULKAN_VALIDATION", "1");
  EXPECT_TRUE(VulkanOptions::from_environment().validation);
  const Environment off("SPARKLE_VULKAN_VALIDATION", "0");
  EXPECT_FALSE(VulkanOptions::from_environment().validation);
}

TEST(VulkanDevices, LostDevicesStayLost) {
  vulkan::Device device; // never opened: only its book-keeping
  EXPECT_TRUE(device.check(VK_SUCCESS, "vkA"));
  EXPECT_TRUE(device.check_alive());
  auto failed = device.check(VK_ERROR_OUT_OF_DEVICE_MEMORY, "vkB");
  EXPECT_EQ(failed.error().code, ErrorCode::kDeviceOutOfMemory);
  EXPECT_EQ(failed.error().text, "vkB failed: VK_ERROR_OUT_OF_DEVICE_MEMORY");
  EXPECT_TRUE(device.check_alive());
  EXPECT_EQ(device.check(VK_ERROR_DEVICE_LOST, "vkC").error().code, ErrorCode::kDeviceLost);
  EXPECT_EQ(device.check_alive().error().text, "the Vulkan device is lost since: vkC failed: VK_ERROR_DEVICE_LOST");
  EXPECT_EQ(device.check(static_cast<VkResult>(-12345), "vkD").error().text, "vkD failed: VkResult -12345");
}

TEST(VulkanValidation, MistakesAreCollected) {
  VulkanOptions options;
  options.validation = true;
  const VulkanDevices devices = VulkanDevices::open(options);
  if (devices.devices().empty()) GTEST_SKIP() << devices.left_out()[0].reason;
  auto context = devices.create_context(0);
  ASSERT_TRUE(context) << context.error().text;
  EXPECT_TRUE(context->validation_messages().empty());
  // The shader's push constants are longer than the shape says.
  static_cast<void>(context->create_pipeline(shader(kAxpySpirv, 64), {3, 0, 0, "mistake"}));
  EXPECT_FALSE(context->validation_messages().empty());
}

} // namespace
} // namespace sparkle::test
