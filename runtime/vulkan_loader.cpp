#include "runtime/vulkan_internal.h"

#include <dlfcn.h>

#include <volk.c> // volk's implementation: one of these in the whole library, its symbols are hidden

#include "compiler/support/diagnostics.h"

namespace sparkle::vulkan {

namespace {

/// volk keeps what it loads in globals; whoever makes it write or read them holds this.
std::mutex volk_mutex;

template <class Function> void load(const Loader &loader, VkInstance instance, const char *name, Function &out) {
  out = reinterpret_cast<Function>(loader.get_instance_address(instance, name));
}

} // namespace

Result<Loader> load_loader(const std::string &path) {
  // Never closed: drivers leave thread-local destructors and handlers behind that would then point nowhere.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char *reason = dlerror();
    return Error{ErrorCode::kNoDevice,
                 "the Vulkan loader is not installed: " + escape_control(reason != nullptr ? reason : path)};
  }
  Loader loader;
  loader.get_instance_address = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
  if (loader.get_instance_address == nullptr) {
    return Error{ErrorCode::kNoDevice,
                 "`" + escape_control(path) + "` is no Vulkan loader: it has no vkGetInstanceProcAddr"};
  }
  std::lock_guard lock(volk_mutex);
  volkInitializeCustom(loader.get_instance_address);
  loader.create_instance = vkCreateInstance;
  loader.enumerate_extensions = vkEnumerateInstanceExtensionProperties;
  loader.enumerate_layers = vkEnumerateInstanceLayerProperties;
  loader.version = volkGetInstanceVersion();
  if (loader.create_instance == nullptr || loader.enumerate_extensions == nullptr ||
      loader.enumerate_layers == nullptr) {
    return Error{ErrorCode::kNoDevice,
                 "`" + escape_control(path) + "` is no Vulkan loader: it cannot create instances"};
  }
  return loader;
}

Result<InstanceTable> load_instance_table(const Loader &loader, VkInstance instance) {
  InstanceTable table;
#define SPARKLE_VULKAN_LOAD(name)                                                                                      \
  load(loader, instance, #name, table.name);                                                                           \
  if (table.name == nullptr) return Error{ErrorCode::kNoDevice, "the Vulkan loader has no " #name};
  SPARKLE_VULKAN_INSTANCE_FUNCTIONS(SPARKLE_VULKAN_LOAD)
#undef SPARKLE_VULKAN_LOAD
  load(loader, instance, "vkCreateDebugUtilsMessengerEXT", table.vkCreateDebugUtilsMessengerEXT);
  load(loader, instance, "vkDestroyDebugUtilsMessengerEXT", table.vkDestroyDebugUtilsMessengerEXT);
  load(loader, instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesNV",
       table.vkGetPhysicalDeviceCooperativeMatrixPropertiesNV);
  load(loader, instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR",
       table.vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR);
  return table;
}

Status load_device_table(const InstanceTable &table, VkDevice device, VolkDeviceTable &out) {
  std::lock_guard lock(volk_mutex);
  vkGetDeviceProcAddr = table.vkGetDeviceProcAddr; // where volkLoadDeviceTable asks
  volkLoadDeviceTable(&out, device);
#define SPARKLE_VULKAN_NEED(name)                                                                                      \
  if (out.name == nullptr) return Error{ErrorCode::kNoDevice, "the Vulkan driver has no " #name};
  SPARKLE_VULKAN_DEVICE_FUNCTIONS(SPARKLE_VULKAN_NEED)
#undef SPARKLE_VULKAN_NEED
  return ok();
}

} // namespace sparkle::vulkan
