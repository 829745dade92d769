#include "runtime/vulkan_internal.h"

#include <algorithm>
#include <cstring>

#include <unistd.h>

namespace sparkle::vulkan {

namespace {

constexpr const char *kValidationLayer = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT *data, void *log) {
  auto &messages = *static_cast<MessageLog *>(log);
  std::lock_guard lock(messages.mutex);
  messages.messages.emplace_back(data->pMessage != nullptr ? data->pMessage : "(no text)");
  return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(MessageLog &log) {
  VkDebugUtilsMessengerCreateInfoEXT info{};
  info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = on_message;
  info.pUserData = &log;
  return info;
}

bool has_validation(const Loader &loader) {
  uint32_t count = 0;
  if (loader.enumerate_layers(&count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkLayerProperties> layers(count);
  if (loader.enumerate_layers(&count, layers.data()) < VK_SUCCESS) return false;
  return std::any_of(layers.begin(), layers.end(), [](const VkLayerProperties &layer) {
    return std::strcmp(layer.layerName, kValidationLayer) == 0;
  });
}

Status make_instance(const Loader &loader, const VulkanOptions &options, Instance &instance) {
  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pEngineName = "Sparkle";
  application.apiVersion = VK_API_VERSION_1_3; // the newest whose features are used; older drivers are found too
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  const VkValidationFeatureEnableEXT enabled[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT features{};
  features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = enabled;
  const char *extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
  const VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(instance.log);
  if (options.validation) {
    features.pNext = &messenger; // also hears about the creation itself
    info.pNext = &features;
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidationLayer;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = extensions;
  }
  const VkResult result = made(loader.create_instance(&info, nullptr, &instance.handle), instance.handle);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
    return Error{ErrorCode::kNoDevice, "no Vulkan driver is installed (VK_ERROR_INCOMPATIBLE_DRIVER)"};
  }
  if (result != VK_SUCCESS) return Error{ErrorCode::kNoDevice, make_error(result, "vkCreateInstance").text};
  return ok();
}

Status list_physical(Instance &instance) {
  uint32_t count = 0;
  VkResult result = instance.table.vkEnumeratePhysicalDevices(instance.handle, &count, nullptr);
  if (result == VK_SUCCESS) {
    instance.physical.resize(count);
    result = instance.table.vkEnumeratePhysicalDevices(instance.handle, &count, instance.physical.data());
    instance.physical.resize(count);
  }
  if (result < VK_SUCCESS) return Error{ErrorCode::kNoDevice, make_error(result, "vkEnumeratePhysicalDevices").text};
  return ok();
}

} // namespace

Instance::~Instance() {
  if (handle == VK_NULL_HANDLE || process != getpid()) return;
  if (messenger != VK_NULL_HANDLE) table.vkDestroyDebugUtilsMessengerEXT(handle, messenger, nullptr);
  if (table.vkDestroyInstance != nullptr) table.vkDestroyInstance(handle, nullptr);
}

Result<std::shared_ptr<Instance>> create_instance(const VulkanOptions &options) {
  SPARKLE_TRY(Loader loader, load_loader(options.loader));
  if (loader.version < VK_API_VERSION_1_1) {
    return Error{ErrorCode::kNoDevice, "the Vulkan loader knows Vulkan 1.0 only; 1.1 is needed"};
  }
  if (options.validation && !has_validation(loader)) {
    return Error{ErrorCode::kNoDevice, "validation was asked for, and VK_LAYER_KHRONOS_validation is not installed"};
  }
  auto instance = std::make_shared<Instance>();
  instance->process = getpid();
  SPARKLE_TRY_STATUS(make_instance(loader, options, *instance));
  SPARKLE_TRY(instance->table, load_instance_table(loader, instance->handle));
  if (options.validation && instance->table.vkCreateDebugUtilsMessengerEXT != nullptr) {
    const VkDebugUtilsMessengerCreateInfoEXT info = messenger_info(instance->log);
    const VkResult result =
        made(instance->table.vkCreateDebugUtilsMessengerEXT(instance->handle, &info, nullptr, &instance->messenger),
             instance->messenger);
    if (result != VK_SUCCESS) return make_error(result, "vkCreateDebugUtilsMessengerEXT");
  }
  SPARKLE_TRY_STATUS(list_physical(*instance));
  return instance;
}

} // namespace sparkle::vulkan
