// The loader of faults.h: vkGetInstanceProcAddr, with hooks in front of the real loader's functions.
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include <dlfcn.h>

#include <vulkan/vulkan.h>

#include "tests/vulkan/fault_state.h"

namespace sparkle::test {
namespace {

FaultState &state() {
  static FaultState &forever = *new FaultState; // drivers call back when the process ends
  return forever;
}

constexpr int kHost = VK_ERROR_OUT_OF_HOST_MEMORY, kGpu = VK_ERROR_OUT_OF_DEVICE_MEMORY, kLost = VK_ERROR_DEVICE_LOST,
              kInit = VK_ERROR_INITIALIZATION_FAILED;

/// kMakes: an object, at the address that the last argument is. kAsks: writes what may be incomplete. kWaits: the real
/// call is made even when the plan lets it fail, so that no work is under way when objects are destroyed.
enum class Deed { kDoes, kAsks, kMakes, kWaits };

template <class Handle> uint64_t number_of(Handle handle) {
  uint64_t number = 0;
  static_assert(sizeof handle <= sizeof number);
  std::memcpy(&number, &handle, sizeof handle);
  return number;
}

/// "Undefined" is what outputs of a failed call are: something that must not be used.
template <class Handle> void spoil(Handle &handle) { std::memset(&handle, 0x5A, sizeof handle); }

template <class Row, class Function> struct Hook;
template <class Row, class... Args> struct Hook<Row, VkResult(VKAPI_PTR *)(Args...)> {
  static inline VkResult(VKAPI_PTR *real)(Args...) = nullptr;
  static VKAPI_ATTR VkResult VKAPI_CALL call(Args... args) {
    static const std::vector<int> results = Row::results();
    const int planned = state().enter(Row::kName, results);
    const auto arguments = std::tie(args...);
    if constexpr (Row::kDeed == Deed::kWaits) state().waits(static_cast<double>(std::get<4>(arguments)) * 1e-9);
    if (planned != 0 && planned != VK_INCOMPLETE && Row::kDeed != Deed::kWaits) {
      if constexpr (Row::kDeed == Deed::kMakes) spoil_output(*std::get<sizeof...(Args) - 1>(arguments));
      return static_cast<VkResult>(planned);
    }
    const VkResult result = real(args...);
    if constexpr (Row::kDeed == Deed::kMakes)
      if (result == VK_SUCCESS) state().made(Row::kName, number_of(*std::get<sizeof...(Args) - 1>(arguments)));
    return planned != 0 ? static_cast<VkResult>(planned) : result;
  }
  template <class Handle> static void spoil_output(Handle &handle) {
    // The one that the specification says more about: pipelines that were not made are null.
    if (std::strcmp(Row::kName, "vkCreateComputePipelines") == 0)
      handle = VK_NULL_HANDLE;
    else
      spoil(handle);
  }
};

#define SPARKLE_FAULT_CALL(name, deed, ...)                                                                            \
  struct Row_##name {                                                                                                  \
    static constexpr const char *kName = #name;                                                                        \
    static constexpr Deed kDeed = Deed::deed;                                                                          \
    static std::vector<int> results() { return {VK_ERROR_UNKNOWN __VA_OPT__(, ) __VA_ARGS__}; }                        \
  };
#include "tests/vulkan/fault_calls.def"
#undef SPARKLE_FAULT_CALL

/// Destroying: the object is the last but one argument.
template <class Row, class Function> struct Destroyer;
template <class Row, class... Args> struct Destroyer<Row, void(VKAPI_PTR *)(Args...)> {
  static inline void(VKAPI_PTR *real)(Args...) = nullptr;
  static VKAPI_ATTR void VKAPI_CALL call(Args... args) {
    state().destroyed(Row::kName, number_of(std::get<sizeof...(Args) - 2>(std::tie(args...))));
    real(args...);
  }
};

template <class Wrapper, class Function> PFN_vkVoidFunction put_before(Function real) {
  Wrapper::real = reinterpret_cast<decltype(Wrapper::real)>(real);
  return reinterpret_cast<PFN_vkVoidFunction>(&Wrapper::call);
}

#define SPARKLE_DESTROYERS(X)                                                                                          \
  X(vkDestroyInstance, vkCreateInstance)                                                                               \
  X(vkDestroyDebugUtilsMessengerEXT, vkCreateDebugUtilsMessengerEXT)                                                   \
  X(vkDestroyDevice, vkCreateDevice)                                                                                   \
  X(vkDestroyCommandPool, vkCreateCommandPool)                                                                         \
  X(vkDestroyFence, vkCreateFence)                                                                                     \
  X(vkDestroyBuffer, vkCreateBuffer)                                                                                   \
  X(vkFreeMemory, vkAllocateMemory)                                                                                    \
  X(vkDestroyDescriptorSetLayout, vkCreateDescriptorSetLayout)                                                         \
  X(vkDestroyPipelineLayout, vkCreatePipelineLayout)                                                                   \
  X(vkDestroyShaderModule, vkCreateShaderModule)                                                                       \
  X(vkDestroyPipeline, vkCreateComputePipelines)                                                                       \
  X(vkDestroyDescriptorPool, vkCreateDescriptorPool)                                                                   \
  X(vkDestroyQueryPool, vkCreateQueryPool)

struct DiscreteProperties {
  static inline PFN_vkGetPhysicalDeviceProperties real = nullptr;
  static VKAPI_ATTR void VKAPI_CALL call(VkPhysicalDevice device, VkPhysicalDeviceProperties *properties) {
    real(device, properties);
    if (state().is_discrete()) properties->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  }
};
struct DiscreteProperties2 {
  static inline PFN_vkGetPhysicalDeviceProperties2 real = nullptr;
  static VKAPI_ATTR void VKAPI_CALL call(VkPhysicalDevice device, VkPhysicalDeviceProperties2 *properties) {
    real(device, properties);
    if (state().is_discrete()) properties->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  }
};

PFN_vkVoidFunction hooked(const char *name, PFN_vkVoidFunction real);

struct DeviceLookup {
  static inline PFN_vkGetDeviceProcAddr real = nullptr;
  static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL call(VkDevice device, const char *name) {
    return hooked(name, real(device, name));
  }
};

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT *data, void *) {
  state().complain(data->pMessage != nullptr ? data->pMessage : "(a message without text)");
  return VK_FALSE;
}

/// Messages of validation layers are complaints here: the runtime's own listener is replaced. The structs are those of
/// the runtime and const by form only.
void listen(const void *chain) {
  for (auto *at = static_cast<const VkBaseInStructure *>(chain); at != nullptr; at = at->pNext) {
    if (at->sType != VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT) continue;
    auto *info = const_cast<VkDebugUtilsMessengerCreateInfoEXT *>(
        reinterpret_cast<const VkDebugUtilsMessengerCreateInfoEXT *>(at));
    info->pfnUserCallback = on_message;
  }
}

using InstanceHook = Hook<Row_vkCreateInstance, PFN_vkCreateInstance>;
using MessengerHook = Hook<Row_vkCreateDebugUtilsMessengerEXT, PFN_vkCreateDebugUtilsMessengerEXT>;
VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                                               VkInstance *instance) {
  listen(info->pNext);
  return InstanceHook::call(info, allocator, instance);
}
VKAPI_ATTR VkResult VKAPI_CALL create_messenger(VkInstance instance, const VkDebugUtilsMessengerCreateInfoEXT *info,
                                                const VkAllocationCallbacks *allocator, VkDebugUtilsMessengerEXT *out) {
  listen(info);
  return MessengerHook::call(instance, info, allocator, out);
}

PFN_vkVoidFunction hooked(const char *name, PFN_vkVoidFunction real) {
  if (real == nullptr) return nullptr;
  const std::string_view wanted = name;
  if (wanted == "vkGetDeviceProcAddr") return put_before<DeviceLookup>(real);
  if (wanted == "vkGetPhysicalDeviceProperties") return put_before<DiscreteProperties>(real);
  if (wanted == "vkGetPhysicalDeviceProperties2") return put_before<DiscreteProperties2>(real);
  PFN_vkVoidFunction hook = real;
#define SPARKLE_FAULT_CALL(function, ...)                                                                              \
  if (wanted == #function) hook = put_before<Hook<Row_##function, PFN_##function>>(real);
#include "tests/vulkan/fault_calls.def"
#undef SPARKLE_FAULT_CALL
#define SPARKLE_DESTROYER(function, maker)                                                                             \
  if (wanted == #function) hook = put_before<Destroyer<Row_##maker, PFN_##function>>(real);
  SPARKLE_DESTROYERS(SPARKLE_DESTROYER)
#undef SPARKLE_DESTROYER
  if (wanted == "vkCreateInstance") return reinterpret_cast<PFN_vkVoidFunction>(&create_instance);
  if (wanted == "vkCreateDebugUtilsMessengerEXT") return reinterpret_cast<PFN_vkVoidFunction>(&create_messenger);
  return hook;
}

PFN_vkGetInstanceProcAddr real_lookup() {
  static const auto lookup = [] {
    void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    return library ? reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr")) : nullptr;
  }();
  return lookup;
}

} // namespace
} // namespace sparkle::test

extern "C" __attribute__((visibility("default"))) PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance instance,
                                                                                           const char *name) {
  const auto lookup = sparkle::test::real_lookup();
  return lookup ? sparkle::test::hooked(name, lookup(instance, name)) : nullptr;
}

extern "C" __attribute__((visibility("default"))) sparkle::test::Faults *sparkle_test_faults() {
  return &sparkle::test::state();
}
