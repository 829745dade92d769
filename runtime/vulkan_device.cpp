#include "runtime/vulkan_device.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "runtime/vulkan_internal.h"
#include "runtime/vulkan_trust.h"

namespace sparkle {

namespace {

int preference(VulkanDeviceType type) {
  switch (type) {
  case VulkanDeviceType::kDiscrete: return 0;
  case VulkanDeviceType::kIntegrated: return 1;
  case VulkanDeviceType::kVirtual: return 2;
  case VulkanDeviceType::kOther: return 3;
  case VulkanDeviceType::kCpu: return 4;
  }
  return 3;
}

std::string device_name(const vulkan::Instance &instance, size_t number) {
  VkPhysicalDeviceProperties properties{};
  instance.table.vkGetPhysicalDeviceProperties(instance.physical[number], &properties);
  return {properties.deviceName, strnlen(properties.deviceName, sizeof properties.deviceName)};
}

} // namespace

VulkanOptions VulkanOptions::from_environment() {
  VulkanOptions options;
  const char *validation = std::getenv("SPARKLE_VULKAN_VALIDATION");
  options.validation = validation != nullptr && std::string_view(validation) == "1";
  const char *probe = std::getenv("SPARKLE_PROBE");
  options.probe = vulkan::parse_probe(probe != nullptr ? probe : "").value_or(VulkanProbe::kNew);
  if (const char *seconds = std::getenv("SPARKLE_PROBE_SECONDS")) {
    const double value = std::atof(seconds);
    if (value > 0) options.probe_seconds = value;
  }
  // It is run: not what the user of a program with more rights names.
  if (const char *program = secure_getenv("SPARKLE_PROBE_PROGRAM")) options.probe_program = program;
  return options;
}

VulkanDevices VulkanDevices::open(const VulkanOptions &options) {
  VulkanDevices result;
  auto instance = vulkan::create_instance(options);
  if (!instance) {
    result.left_out_.push_back({"vulkan", instance.error().text});
    return result;
  }
  result.instance_ = *instance;
  if (result.instance_->physical.empty()) result.left_out_.push_back({"vulkan", "no driver offers a device"});
  std::vector<std::pair<VulkanLimits, size_t>> found;
  for (size_t i = 0; i < result.instance_->physical.size(); ++i) {
    auto limits = vulkan::query_limits(result.instance_->table, result.instance_->physical[i]);
    if (limits)
      found.emplace_back(std::move(*limits), i);
    else
      result.left_out_.push_back({device_name(*result.instance_, i), limits.error().text});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto &a, const auto &b) { return preference(a.first.type) < preference(b.first.type); });
  for (auto &[limits, number] : found) {
    result.devices_.push_back(std::move(limits));
    result.physical_.push_back(number);
  }
  return result;
}

Result<VulkanContext> VulkanDevices::create_context(size_t index) const {
  if (index >= devices_.size()) {
    std::string text =
        "there is no Vulkan device " + std::to_string(index) + "; there are " + std::to_string(devices_.size());
    for (const VulkanLeftOut &out : left_out_) text += "; " + out.name + " was left out: " + out.reason;
    return Error{ErrorCode::kNoDevice, text};
  }
  auto state = std::make_unique<vulkan::ContextState>();
  SPARKLE_TRY(state->device, vulkan::create_device(instance_, instance_->physical[physical_[index]], devices_[index]));
  return VulkanContext(std::move(state));
}

VulkanContext::VulkanContext(std::unique_ptr<vulkan::ContextState> state) : state_(std::move(state)) {}
VulkanContext::VulkanContext(VulkanContext &&) noexcept = default;
VulkanContext &VulkanContext::operator=(VulkanContext &&) noexcept = default;
VulkanContext::~VulkanContext() = default;

const VulkanLimits &VulkanContext::limits() const { return state_->device->limits; }

std::string VulkanContext::death() const {
  if (auto here = state_->device->check_process(); !here) return here.error().text;
  std::lock_guard lock(state_->device->mutex);
  return state_->device->death;
}

std::vector<std::string> VulkanContext::validation_messages() const {
  std::lock_guard lock(state_->device->instance->log.mutex);
  return state_->device->instance->log.messages;
}

namespace vulkan {

namespace {

Result<VkDevice> open_handle(const InstanceTable &table, VkPhysicalDevice physical, uint32_t family) {
  FeatureChain features(table, physical);
  if (features.listed != VK_SUCCESS) return make_error(features.listed, "vkEnumerateDeviceExtensionProperties");
  features.keep_what_is_used();
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &features.core;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(features.enabled_extensions.size());
  info.ppEnabledExtensionNames = features.enabled_extensions.data();
  VkDevice handle = VK_NULL_HANDLE;
  const VkResult result = table.vkCreateDevice(physical, &info, nullptr, &handle);
  if (result != VK_SUCCESS) return make_error(result, "vkCreateDevice");
  return handle;
}

Status make_command_objects(Device &device) {
  VkCommandPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool.queueFamilyIndex = device.queue_family;
  SPARKLE_TRY_STATUS(device.check(
      made(device.table.vkCreateCommandPool(device.handle, &pool, nullptr, &device.command_pool), device.command_pool),
      "vkCreateCommandPool"));
  VkCommandBufferAllocateInfo commands{};
  commands.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  commands.commandPool = device.command_pool;
  commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  commands.commandBufferCount = 1;
  SPARKLE_TRY_STATUS(device.check(device.table.vkAllocateCommandBuffers(device.handle, &commands, &device.commands),
                                  "vkAllocateCommandBuffers"));
  VkFenceCreateInfo fence{};
  fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  return device.check(made(device.table.vkCreateFence(device.handle, &fence, nullptr, &device.fence), device.fence),
                      "vkCreateFence");
}

} // namespace

Result<std::shared_ptr<Device>> create_device(std::shared_ptr<Instance> instance, VkPhysicalDevice physical,
                                              const VulkanLimits &limits) {
  auto device = std::make_shared<Device>();
  device->instance = std::move(instance);
  device->process = device->instance->process;
  SPARKLE_TRY_STATUS(device->check_process());
  device->limits = limits;
  const InstanceTable &table = device->instance->table;
  const auto family = compute_queue_family(table, physical);
  SPARKLE_CHECK(family.has_value(), "a device without compute queue was not left out");
  device->queue_family = *family;
  table.vkGetPhysicalDeviceMemoryProperties(physical, &device->memory);
  SPARKLE_TRY(device->handle, open_handle(table, physical, *family));
  if (const Status loaded = load_device_table(table, device->handle, device->table); !loaded) {
    if (device->table.vkDestroyDevice) device->table.vkDestroyDevice(device->handle, nullptr);
    device->handle = VK_NULL_HANDLE;
    return loaded.error();
  }
  device->table.vkGetDeviceQueue(device->handle, *family, 0, &device->queue);
  SPARKLE_TRY_STATUS(make_command_objects(*device));
  return device;
}

} // namespace vulkan

} // namespace sparkle
