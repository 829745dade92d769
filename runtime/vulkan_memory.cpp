#include "runtime/vulkan_internal.h"

#include <algorithm>
#include <cstring>

#include "compiler/support/checked_math.h"

namespace sparkle {

namespace vulkan {

namespace {

constexpr int64_t kMaxStagingBytes = int64_t{32} << 20;

std::vector<MemoryType> memory_types(const VkPhysicalDeviceMemoryProperties &memory) {
  std::vector<MemoryType> types;
  for (uint32_t i = 0; i < memory.memoryTypeCount && i < VK_MAX_MEMORY_TYPES; ++i) {
    const VkMemoryType &type = memory.memoryTypes[i];
    types.push_back({type.propertyFlags, static_cast<int64_t>(memory.memoryHeaps[type.heapIndex].size)});
  }
  return types;
}

Error too_large(int64_t bytes, const std::string &why) {
  return {ErrorCode::kDeviceOutOfMemory, "a device buffer of " + std::to_string(bytes) + " bytes: " + why};
}

/// Allocates and binds memory for `buffer.handle`, and maps it unless it is for the device alone.
Status bind_memory(Device &device, RawBuffer &buffer, MemoryUse use) {
  VkMemoryRequirements needs{};
  device.table.vkGetBufferMemoryRequirements(device.handle, buffer.handle, &needs);
  const std::vector<MemoryType> types = memory_types(device.memory);
  const auto type = choose_memory_type(types, needs.memoryTypeBits, use);
  if (!type) return Error{ErrorCode::kDevice, "the device has no memory type for its buffers"};
  buffer.memory_flags = types[*type].flags;
  if (needs.size > static_cast<uint64_t>(types[*type].heap_bytes)) {
    return too_large(buffer.bytes, "its memory has " + std::to_string(types[*type].heap_bytes) + " bytes in all");
  }
  VkMemoryAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  info.allocationSize = needs.size;
  info.memoryTypeIndex = *type;
  const VkResult result =
      made(device.table.vkAllocateMemory(device.handle, &info, nullptr, &buffer.memory), buffer.memory);
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
    return too_large(buffer.bytes, make_error(result, "vkAllocateMemory").text);
  SPARKLE_TRY_STATUS(device.check(result, "vkAllocateMemory"));
  SPARKLE_TRY_STATUS(device.check(device.table.vkBindBufferMemory(device.handle, buffer.handle, buffer.memory, 0),
                                  "vkBindBufferMemory"));
  if (use == MemoryUse::kDevice) return ok();
  void *mapped = nullptr;
  SPARKLE_TRY_STATUS(device.check(device.table.vkMapMemory(device.handle, buffer.memory, 0, VK_WHOLE_SIZE, 0, &mapped),
                                  "vkMapMemory"));
  buffer.mapped = static_cast<std::byte *>(mapped);
  return ok();
}

/// Grows `staging` to min(`bytes`, kMaxStagingBytes).
Status reserve_staging(Device &device, RawBuffer &staging, int64_t bytes, MemoryUse use) {
  const int64_t wanted = std::min(bytes, kMaxStagingBytes);
  if (staging.bytes >= wanted) return ok();
  // Rounded up, so that a few transfers of growing size do not allocate each time.
  int64_t size = int64_t{1} << 16;
  while (size < wanted) size *= 2;
  SPARKLE_TRY(RawBuffer grown, create_raw_buffer(device, size, use));
  destroy_raw_buffer(device, staging);
  staging = grown;
  return ok();
}

void record_copy(Device &device, const RawBuffer &from, int64_t from_offset, const RawBuffer &to, int64_t to_offset,
                 int64_t bytes) {
  const VkBufferCopy region{static_cast<VkDeviceSize>(from_offset), static_cast<VkDeviceSize>(to_offset),
                            static_cast<VkDeviceSize>(bytes)};
  device.table.vkCmdCopyBuffer(device.commands, from.handle, to.handle, 1, &region);
}

/// Makes what the device wrote visible to the host once the fence is signalled.
void record_host_barrier(Device &device) {
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  device.table.vkCmdPipelineBarrier(device.commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                                    &barrier, 0, nullptr, 0, nullptr);
}

Status invalidate(Device &device, const RawBuffer &buffer) {
  if ((buffer.memory_flags & kHostCoherent) != 0) return ok();
  VkMappedMemoryRange range{};
  range.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE;
  range.memory = buffer.memory;
  range.size = VK_WHOLE_SIZE;
  return device.check(device.table.vkInvalidateMappedMemoryRanges(device.handle, 1, &range),
                      "vkInvalidateMappedMemoryRanges");
}

Status check_range(const RawBuffer &buffer, int64_t offset, int64_t bytes) {
  if (offset >= 0 && bytes >= 0 && offset <= buffer.bytes && bytes <= buffer.bytes - offset) return ok();
  return Error{ErrorCode::kInvalidInput, std::to_string(bytes) + " bytes at " + std::to_string(offset) +
                                             " leave a device buffer of " + std::to_string(buffer.bytes) + " bytes"};
}

} // namespace

Result<RawBuffer> create_raw_buffer(Device &device, int64_t bytes, MemoryUse use) {
  if (bytes <= 0) return Error{ErrorCode::kInvalidInput, "a device buffer of " + std::to_string(bytes) + " bytes"};
  const int64_t limit = device.limits.max_buffer_bytes;
  if (limit > 0 && bytes > limit) return too_large(bytes, "the device's limit is " + std::to_string(limit));
  RawBuffer buffer;
  buffer.bytes = bytes;
  VkBufferCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.size = static_cast<VkDeviceSize>(ceil_div(bytes, 4)) * 4; // fills work on whole words
  info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  if (use == MemoryUse::kDevice) info.usage |= VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  SPARKLE_TRY_STATUS(
      device.check(made(device.table.vkCreateBuffer(device.handle, &info, nullptr, &buffer.handle), buffer.handle),
                   "vkCreateBuffer"));
  if (auto bound = bind_memory(device, buffer, use); !bound) {
    destroy_raw_buffer(device, buffer);
    return bound.error();
  }
  return buffer;
}

void destroy_raw_buffer(Device &device, RawBuffer &buffer) {
  device.table.vkDestroyBuffer(device.handle, buffer.handle, nullptr); // null handles are fine
  device.table.vkFreeMemory(device.handle, buffer.memory, nullptr);
  buffer = {};
}

BufferState::~BufferState() {
  if (!device || !device->check_process()) return;
  std::lock_guard lock(device->mutex);
  if (device->may_destroy()) destroy_raw_buffer(*device, raw);
}

} // namespace vulkan

int64_t VulkanBuffer::bytes() const { return state_->raw.bytes; }
bool VulkanBuffer::device_local() const { return (state_->raw.memory_flags & vulkan::kDeviceLocal) != 0; }

Result<VulkanBuffer> VulkanContext::create_buffer(int64_t bytes) {
  vulkan::Device &device = *state_->device;
  SPARKLE_TRY_STATUS(device.check_process());
  // Before the lock: its destructor, run when something fails below, locks as well.
  auto buffer = std::make_shared<vulkan::BufferState>();
  std::lock_guard lock(device.mutex);
  SPARKLE_TRY_STATUS(device.check_alive());
  SPARKLE_TRY(buffer->raw, vulkan::create_raw_buffer(device, bytes, vulkan::MemoryUse::kDevice));
  buffer->device = state_->device;
  VulkanBuffer result;
  result.state_ = std::move(buffer);
  return result;
}

Status VulkanContext::upload(const VulkanBuffer &to, int64_t offset, std::span<const std::byte> from,
                             double timeout_seconds) {
  vulkan::Device &device = *state_->device;
  SPARKLE_TRY_STATUS(device.check_process());
  SPARKLE_CHECK(to.state_ && to.state_->device.get() == &device, "a buffer of another device");
  std::lock_guard lock(device.mutex);
  SPARKLE_TRY_STATUS(device.check_alive());
  const vulkan::RawBuffer &target = to.state_->raw;
  const auto bytes = static_cast<int64_t>(from.size());
  SPARKLE_TRY_STATUS(vulkan::check_range(target, offset, bytes));
  SPARKLE_TRY_STATUS(vulkan::reserve_staging(device, device.upload_staging, bytes, vulkan::MemoryUse::kUpload));
  const vulkan::RawBuffer &staging = device.upload_staging;
  for (int64_t done = 0; done < bytes;) {
    const int64_t chunk = std::min(bytes - done, staging.bytes);
    std::memcpy(staging.mapped, from.data() + done, static_cast<size_t>(chunk));
    SPARKLE_TRY_STATUS(device.begin_commands());
    vulkan::record_copy(device, staging, 0, target, offset + done, chunk);
    SPARKLE_TRY_STATUS(device.submit_and_wait(timeout_seconds));
    done += chunk;
  }
  return ok();
}

Status VulkanContext::download(const VulkanBuffer &from, int64_t offset, std::span<std::byte> to,
                               double timeout_seconds) {
  vulkan::Device &device = *state_->device;
  SPARKLE_TRY_STATUS(device.check_process());
  SPARKLE_CHECK(from.state_ && from.state_->device.get() == &device, "a buffer of another device");
  std::lock_guard lock(device.mutex);
  SPARKLE_TRY_STATUS(device.check_alive());
  const vulkan::RawBuffer &source = from.state_->raw;
  const auto bytes = static_cast<int64_t>(to.size());
  SPARKLE_TRY_STATUS(vulkan::check_range(source, offset, bytes));
  SPARKLE_TRY_STATUS(vulkan::reserve_staging(device, device.download_staging, bytes, vulkan::MemoryUse::kReadback));
  const vulkan::RawBuffer &staging = device.download_staging;
  for (int64_t done = 0; done < bytes;) {
    const int64_t chunk = std::min(bytes - done, staging.bytes);
    SPARKLE_TRY_STATUS(device.begin_commands());
    vulkan::record_copy(device, source, offset + done, staging, 0, chunk);
    vulkan::record_host_barrier(device);
    SPARKLE_TRY_STATUS(device.submit_and_wait(timeout_seconds));
    SPARKLE_TRY_STATUS(vulkan::invalidate(device, staging));
    std::memcpy(to.data() + done, staging.mapped, static_cast<size_t>(chunk));
    done += chunk;
  }
  return ok();
}

Status VulkanContext::fill(const VulkanBuffer &to, int64_t offset, int64_t bytes, uint32_t pattern,
                           double timeout_seconds) {
  vulkan::Device &device = *state_->device;
  SPARKLE_TRY_STATUS(device.check_process());
  SPARKLE_CHECK(to.state_ && to.state_->device.get() == &device, "a buffer of another device");
  std::lock_guard lock(device.mutex);
  SPARKLE_TRY_STATUS(device.check_alive());
  SPARKLE_TRY_STATUS(vulkan::check_range(to.state_->raw, offset, bytes));
  if (offset % 4 != 0 || bytes % 4 != 0) {
    return Error{ErrorCode::kInvalidInput, "device buffers are filled in whole words of 4 bytes"};
  }
  if (bytes == 0) return ok();
  SPARKLE_TRY_STATUS(device.begin_commands());
  device.table.vkCmdFillBuffer(device.commands, to.state_->raw.handle, static_cast<VkDeviceSize>(offset),
                               static_cast<VkDeviceSize>(bytes), pattern);
  return device.submit_and_wait(timeout_seconds);
}

} // namespace sparkle
