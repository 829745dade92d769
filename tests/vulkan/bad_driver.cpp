// A Vulkan driver that misbehaves: in front of a real one (SPARKLE_TEST_REAL_DRIVER, a library), as SPARKLE_TEST_DRIVER
// says. Each instance made adds a line with the program's name to SPARKLE_TEST_LOG.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <vulkan/vulkan.h>

namespace {

using InstanceLookup = PFN_vkVoidFunction (*)(VkInstance, const char *);
using Negotiate = VkResult (*)(uint32_t *);

bool is_mode(std::string_view mode) {
  const char *wanted = std::getenv("SPARKLE_TEST_DRIVER");
  return wanted != nullptr && mode == wanted;
}

[[noreturn]] void crash() {
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
  _exit(1);
}

[[noreturn]] void hang() {
  for (;;) pause();
}

void *real_driver() {
  static void *const library = [] {
    const char *path = std::getenv("SPARKLE_TEST_REAL_DRIVER");
    return path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
  }();
  return library;
}

template <class Function> Function real(const char *name) {
  return real_driver() ? reinterpret_cast<Function>(dlsym(real_driver(), name)) : nullptr;
}

PFN_vkVoidFunction real_lookup(VkInstance instance, const char *name) {
  const auto lookup = real<InstanceLookup>("vk_icdGetInstanceProcAddr");
  return lookup ? lookup(instance, name) : nullptr;
}

void log_program() {
  const char *path = std::getenv("SPARKLE_TEST_LOG");
  std::FILE *file = path ? std::fopen(path, "a") : nullptr;
  if (!file) return;
  std::fprintf(file, "%s\n", program_invocation_short_name);
  std::fclose(file);
}

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                                               VkInstance *instance) {
  log_program();
  if (is_mode("crash_create")) crash();
  if (is_mode("hang_create")) hang();
  return reinterpret_cast<PFN_vkCreateInstance>(real_lookup(nullptr, "vkCreateInstance"))(info, allocator, instance);
}

PFN_vkCreateComputePipelines real_pipelines = nullptr;
PFN_vkQueueSubmit real_submit = nullptr;
PFN_vkCmdDispatch real_dispatch = nullptr;
PFN_vkGetDeviceProcAddr real_device_lookup = nullptr;

VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                const VkComputePipelineCreateInfo *infos,
                                                const VkAllocationCallbacks *allocator, VkPipeline *pipelines) {
  if (is_mode("crash_kernel")) crash();
  return real_pipelines(device, cache, count, infos, allocator, pipelines);
}

VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence) {
  if (is_mode("hang_kernel")) hang();
  if (is_mode("lost")) return VK_ERROR_DEVICE_LOST;
  return real_submit(queue, count, infos, fence);
}

/// The last group of every row is forgotten: a result that is nearly right.
VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z) {
  real_dispatch(commands, is_mode("wrong") ? x - 1 : x, y, z);
}

template <class Function> PFN_vkVoidFunction put_before(Function &kept, PFN_vkVoidFunction found, Function hook) {
  kept = reinterpret_cast<Function>(found);
  return found ? reinterpret_cast<PFN_vkVoidFunction>(hook) : nullptr;
}

PFN_vkVoidFunction hooked(std::string_view name, PFN_vkVoidFunction found);

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_lookup(VkDevice device, const char *name) {
  return hooked(name, real_device_lookup(device, name));
}

PFN_vkVoidFunction hooked(std::string_view name, PFN_vkVoidFunction found) {
  if (name == "vkCreateComputePipelines") return put_before(real_pipelines, found, &create_pipelines);
  if (name == "vkQueueSubmit") return put_before(real_submit, found, &submit);
  if (name == "vkCmdDispatch") return put_before(real_dispatch, found, &dispatch);
  if (name == "vkGetDeviceProcAddr") return put_before(real_device_lookup, found, &device_lookup);
  return found;
}

} // namespace

extern "C" {

__attribute__((visibility("default"))) VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  const auto negotiate = real<Negotiate>("vk_icdNegotiateLoaderICDInterfaceVersion");
  return negotiate ? negotiate(version) : VK_ERROR_INCOMPATIBLE_DRIVER;
}

__attribute__((visibility("default"))) PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance instance,
                                                                                    const char *name) {
  if (std::string_view(name) == "vkCreateInstance") return reinterpret_cast<PFN_vkVoidFunction>(&create_instance);
  return hooked(name, real_lookup(instance, name));
}

__attribute__((visibility("default"))) PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance instance,
                                                                                          const char *name) {
  const auto lookup = real<InstanceLookup>("vk_icdGetPhysicalDeviceProcAddr");
  return lookup ? lookup(instance, name) : nullptr;
}
}
