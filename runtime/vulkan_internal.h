// Private to the runtime's vulkan_*.cpp: handles with owners, function tables, checks of results.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>
#include <volk.h>

#include "compiler/support/result.h"
#include "runtime/vulkan_choices.h"
#include "runtime/vulkan_device.h"

namespace sparkle::vulkan {

/// `VK_ERROR_DEVICE_LOST`; a number for results unknown to the headers.
std::string result_name(VkResult result);
/// kOutOfMemory, kDeviceOutOfMemory, kDeviceLost or kDevice; the text is `<call> failed: <name>`.
Error make_error(VkResult result, std::string_view call);
/// Around calls that make an object: a failed one may have written anything, and null is what destroying ignores.
template <class Handle> VkResult made(VkResult result, Handle &handle) {
  if (result < VK_SUCCESS) handle = VK_NULL_HANDLE;
  return result;
}

// Instance functions, each instance with a table of its own: volk's globals would be shared by all.
#define SPARKLE_VULKAN_INSTANCE_FUNCTIONS(X)                                                                           \
  X(vkDestroyInstance)                                                                                                 \
  X(vkEnumeratePhysicalDevices)                                                                                        \
  X(vkGetPhysicalDeviceProperties)                                                                                     \
  X(vkGetPhysicalDeviceProperties2)                                                                                    \
  X(vkGetPhysicalDeviceFeatures2)                                                                                      \
  X(vkGetPhysicalDeviceMemoryProperties)                                                                               \
  X(vkGetPhysicalDeviceQueueFamilyProperties)                                                                          \
  X(vkEnumerateDeviceExtensionProperties)                                                                              \
  X(vkCreateDevice)                                                                                                    \
  X(vkGetDeviceProcAddr)

// What a device must have.
#define SPARKLE_VULKAN_DEVICE_FUNCTIONS(X)                                                                             \
  X(vkAllocateCommandBuffers)                                                                                          \
  X(vkAllocateDescriptorSets)                                                                                          \
  X(vkAllocateMemory)                                                                                                  \
  X(vkBeginCommandBuffer)                                                                                              \
  X(vkBindBufferMemory)                                                                                                \
  X(vkCmdBindDescriptorSets)                                                                                           \
  X(vkCmdBindPipeline)                                                                                                 \
  X(vkCmdCopyBuffer)                                                                                                   \
  X(vkCmdDispatch)                                                                                                     \
  X(vkCmdFillBuffer)                                                                                                   \
  X(vkCmdPipelineBarrier)                                                                                              \
  X(vkCmdPushConstants)                                                                                                \
  X(vkCmdResetQueryPool)                                                                                               \
  X(vkCmdWriteTimestamp)                                                                                               \
  X(vkCreateBuffer)                                                                                                    \
  X(vkCreateCommandPool)                                                                                               \
  X(vkCreateComputePipelines)                                                                                          \
  X(vkCreateDescriptorPool)                                                                                            \
  X(vkCreateDescriptorSetLayout)                                                                                       \
  X(vkCreateFence)                                                                                                     \
  X(vkCreatePipelineLayout)                                                                                            \
  X(vkCreateQueryPool)                                                                                                 \
  X(vkCreateShaderModule)                                                                                              \
  X(vkDestroyBuffer)                                                                                                   \
  X(vkDestroyCommandPool)                                                                                              \
  X(vkDestroyDescriptorPool)                                                                                           \
  X(vkDestroyDescriptorSetLayout)                                                                                      \
  X(vkDestroyDevice)                                                                                                   \
  X(vkDestroyFence)                                                                                                    \
  X(vkDestroyPipeline)                                                                                                 \
  X(vkDestroyPipelineLayout)                                                                                           \
  X(vkDestroyQueryPool)                                                                                                \
  X(vkDestroyShaderModule)                                                                                             \
  X(vkEndCommandBuffer)                                                                                                \
  X(vkFreeMemory)                                                                                                      \
  X(vkGetBufferMemoryRequirements)                                                                                     \
  X(vkGetDeviceQueue)                                                                                                  \
  X(vkGetQueryPoolResults)                                                                                             \
  X(vkInvalidateMappedMemoryRanges)                                                                                    \
  X(vkMapMemory)                                                                                                       \
  X(vkQueueSubmit)                                                                                                     \
  X(vkResetCommandPool)                                                                                                \
  X(vkResetDescriptorPool)                                                                                             \
  X(vkResetFences)                                                                                                     \
  X(vkUpdateDescriptorSets)                                                                                            \
  X(vkWaitForFences)

struct InstanceTable {
#define SPARKLE_VULKAN_MEMBER(name) PFN_##name name = nullptr;
  SPARKLE_VULKAN_INSTANCE_FUNCTIONS(SPARKLE_VULKAN_MEMBER)
#undef SPARKLE_VULKAN_MEMBER
  // Optional: nullptr without the extension.
  PFN_vkCreateDebugUtilsMessengerEXT vkCreateDebugUtilsMessengerEXT = nullptr;
  PFN_vkDestroyDebugUtilsMessengerEXT vkDestroyDebugUtilsMessengerEXT = nullptr;
  PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesNV vkGetPhysicalDeviceCooperativeMatrixPropertiesNV = nullptr;
  PFN_vkVoidFunction vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR = nullptr;
};

/// What can be called before there is an instance.
struct Loader {
  PFN_vkGetInstanceProcAddr get_instance_address = nullptr;
  PFN_vkCreateInstance create_instance = nullptr;
  PFN_vkEnumerateInstanceExtensionProperties enumerate_extensions = nullptr;
  PFN_vkEnumerateInstanceLayerProperties enumerate_layers = nullptr;
  uint32_t version = VK_API_VERSION_1_0;
};
/// kNoDevice: the library is not there, or is no Vulkan loader; the text says which.
Result<Loader> load_loader(const std::string &path);
Result<InstanceTable> load_instance_table(const Loader &loader, VkInstance instance);
/// kNoDevice: the driver lacks a function of Vulkan 1.0.
Status load_device_table(const InstanceTable &table, VkDevice device, VolkDeviceTable &out);

/// Messages of the validation layer. The layer calls from any thread.
struct MessageLog {
  std::mutex mutex;
  std::vector<std::string> messages;
};

struct Instance {
  VkInstance handle = VK_NULL_HANDLE;
  pid_t process = 0;
  InstanceTable table;
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
  MessageLog log;
  std::vector<VkPhysicalDevice> physical;
  Instance() = default;
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;
  ~Instance();
};
/// With its physical devices listed. kNoDevice: the driver side is missing or broken.
Result<std::shared_ptr<Instance>> create_instance(const VulkanOptions &options);

/// Extensions and features of one device, in the form in which vkCreateDevice takes them. Address-stable: structs point
/// to each other.
struct FeatureChain {
  FeatureChain(const InstanceTable &table, VkPhysicalDevice device);
  FeatureChain(const FeatureChain &) = delete;
  FeatureChain &operator=(const FeatureChain &) = delete;
  bool has(std::string_view extension) const;
  /// Turns off what Sparkle does not use; sets `enabled_extensions`.
  void keep_what_is_used();

  VkPhysicalDeviceProperties properties{};
  VkResult listed = VK_SUCCESS; ///< Failed: the extensions are not known, and the device is not to be used.
  std::vector<std::string> extensions;
  std::vector<const char *> enabled_extensions;
  VkPhysicalDeviceFeatures2 core{};
  VkPhysicalDevice16BitStorageFeatures storage16{};
  VkPhysicalDevice8BitStorageFeatures storage8{};
  VkPhysicalDeviceShaderFloat16Int8Features float16_int8{};
  VkPhysicalDeviceVulkanMemoryModelFeatures memory_model{};
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size{};
  VkPhysicalDeviceCooperativeMatrixFeaturesNV matrix_nv{};
  /// VkPhysicalDeviceCooperativeMatrixFeaturesKHR, which these headers may not know; it has the same members.
  VkPhysicalDeviceCooperativeMatrixFeaturesNV matrix_khr{};
};

/// Family of the queue to use, or nothing when the device has none for compute work.
std::optional<uint32_t> compute_queue_family(const InstanceTable &table, VkPhysicalDevice device);
/// kUnsupported: why the device is left out.
Result<VulkanLimits> query_limits(const InstanceTable &table, VkPhysicalDevice device);

/// A buffer with memory of its own. No owner: see BufferState and Device.
struct RawBuffer {
  VkBuffer handle = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  VkMemoryPropertyFlags memory_flags = 0;
  int64_t bytes = 0;
  std::byte *mapped = nullptr; ///< Host-visible memory, mapped for good.
};

/// An open device. What changes is behind `mutex`.
struct Device {
  std::shared_ptr<Instance> instance;
  VulkanLimits limits;
  VkPhysicalDeviceMemoryProperties memory{};
  VolkDeviceTable table{};
  VkDevice handle = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  uint32_t queue_family = 0;
  pid_t process = 0; ///< In a child of it the handles mean nothing.

  std::mutex mutex;
  VkCommandPool command_pool = VK_NULL_HANDLE;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  VkFence fence = VK_NULL_HANDLE;
  VkDescriptorPool descriptor_pool = VK_NULL_HANDLE;
  uint32_t pool_sets = 0, pool_descriptors = 0;
  VkQueryPool query_pool = VK_NULL_HANDLE;
  uint32_t pool_queries = 0;
  RawBuffer upload_staging, download_staging;
  bool abandoned = false; ///< Waiting for the end of its work took too long once.
  bool pending = false;   ///< Work was submitted, and `fence` was not seen signalled since.
  std::string death;      ///< First cause; empty while alive.

  Device() = default;
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;
  ~Device();

  /// kDeviceLost in a child process. To be asked before `mutex` is locked: another thread may have held it during fork.
  Status check_process() const;
  /// kDeviceLost with the first cause once dead.
  Status check_alive() const;
  /// Turns a failed result into an error; a lost device is dead from then on.
  Status check(VkResult result, std::string_view call);
  Error die(ErrorCode code, std::string cause);
  /// Whether handles may be destroyed: in the process that made them, and with nothing under way. Waits a bounded time.
  bool may_destroy();

  /// Begins `commands` anew, ordered behind everything submitted before.
  Status begin_commands();
  /// Ends `commands`, submits them and waits. kTimeout: the device is dead, for its work cannot be called back.
  Status submit_and_wait(double timeout_seconds);
};

Result<std::shared_ptr<Device>> create_device(std::shared_ptr<Instance> instance, VkPhysicalDevice physical,
                                              const VulkanLimits &limits);

/// kDeviceOutOfMemory with the size; kDevice where no memory type fits. Called with `device.mutex` held.
Result<RawBuffer> create_raw_buffer(Device &device, int64_t bytes, MemoryUse use);
void destroy_raw_buffer(Device &device, RawBuffer &buffer);

/// The caller's buffer; keeps the device open.
struct BufferState {
  std::shared_ptr<Device> device;
  RawBuffer raw;
  ~BufferState();
};

struct PipelineKey {
  std::vector<uint32_t> spirv;
  uint32_t local_size = 0, required_team = 0;
  int buffers = 0;
  int64_t push_bytes = 0;
  bool operator==(const PipelineKey &) const = default;
};

struct PipelineState {
  std::shared_ptr<Device> device;
  PipelineKey key;
  std::string name;
  VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VkPipeline handle = VK_NULL_HANDLE;
  ~PipelineState();
};
Result<std::shared_ptr<PipelineState>> create_pipeline_state(std::shared_ptr<Device> device, const ShaderCode &code,
                                                             const VulkanPipelineShape &shape);

struct ContextState {
  static constexpr size_t kMaxPipelines = 256;
  std::shared_ptr<Device> device;
  std::vector<std::shared_ptr<PipelineState>> pipelines; ///< Oldest first; behind the device's mutex.
};

} // namespace sparkle::vulkan
