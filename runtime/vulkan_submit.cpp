// The life of an open device: who may use it, submitting and waiting, and its end.
#include "runtime/vulkan_internal.h"

#include <algorithm>

#include <unistd.h>

namespace sparkle::vulkan {

namespace {

constexpr double kTeardownSeconds = 5;

uint64_t nanoseconds(double seconds) { return static_cast<uint64_t>(std::clamp(seconds, 0.0, 1e9) * 1e9); }

} // namespace

Status Device::check_process() const {
  if (getpid() == process) return ok();
  return Error{ErrorCode::kDeviceLost, "this Vulkan device was opened before fork and cannot be used in the child"};
}

Status Device::check_alive() const {
  if (death.empty()) return ok();
  return Error{ErrorCode::kDeviceLost, "the Vulkan device is lost since: " + death};
}

Status Device::check(VkResult result, std::string_view call) {
  if (result >= VK_SUCCESS) return ok();
  Error error = make_error(result, call);
  if (error.code == ErrorCode::kDeviceLost) return die(error.code, error.text);
  return error;
}

Error Device::die(ErrorCode code, std::string cause) {
  if (death.empty()) death = cause;
  return {code, std::move(cause)};
}

bool Device::may_destroy() {
  if (handle == VK_NULL_HANDLE || getpid() != process) return false;
  if (!pending) return true;
  // VK_ERROR_DEVICE_LOST also ends the wait, and objects of a lost device may be destroyed. Only the first object
  // waits.
  const double patience = abandoned ? 0 : kTeardownSeconds;
  abandoned = table.vkWaitForFences(handle, 1, &fence, VK_TRUE, nanoseconds(patience)) == VK_TIMEOUT;
  pending = abandoned;
  return !abandoned;
}

Device::~Device() {
  if (handle == VK_NULL_HANDLE) return;
  if (!may_destroy()) {
    // Work that never ends, or a child process: freeing under the device's feet is worse than leaving it all behind.
    static_cast<void>(new std::shared_ptr<Instance>(instance));
    return;
  }
  destroy_raw_buffer(*this, upload_staging);
  destroy_raw_buffer(*this, download_staging);
  table.vkDestroyQueryPool(handle, query_pool, nullptr);
  table.vkDestroyDescriptorPool(handle, descriptor_pool, nullptr);
  table.vkDestroyFence(handle, fence, nullptr);
  table.vkDestroyCommandPool(handle, command_pool, nullptr);
  table.vkDestroyDevice(handle, nullptr);
}

Status Device::begin_commands() {
  SPARKLE_TRY_STATUS(check(table.vkResetCommandPool(handle, command_pool, 0), "vkResetCommandPool"));
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  SPARKLE_TRY_STATUS(check(table.vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer"));
  // A fence orders the host; what earlier submissions wrote becomes visible to this one by a barrier.
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
  table.vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1,
                             &barrier, 0, nullptr, 0, nullptr);
  return ok();
}

Status Device::submit_and_wait(double timeout_seconds) {
  SPARKLE_TRY_STATUS(check(table.vkEndCommandBuffer(commands), "vkEndCommandBuffer"));
  SPARKLE_TRY_STATUS(check(table.vkResetFences(handle, 1, &fence), "vkResetFences"));
  VkSubmitInfo submit{};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  SPARKLE_TRY_STATUS(check(table.vkQueueSubmit(queue, 1, &submit, fence), "vkQueueSubmit"));
  pending = true;
  const VkResult result = table.vkWaitForFences(handle, 1, &fence, VK_TRUE, nanoseconds(timeout_seconds));
  if (result == VK_TIMEOUT) {
    return die(ErrorCode::kTimeout, "the device did not finish within " + std::to_string(timeout_seconds) + " seconds");
  }
  if (result != VK_ERROR_DEVICE_LOST && result < VK_SUCCESS) {
    // Neither finished nor lost: nobody knows when the work ends, so the device is not used again.
    return die(ErrorCode::kDeviceLost, make_error(result, "vkWaitForFences").text);
  }
  pending = false;
  return check(result, "vkWaitForFences");
}

} // namespace sparkle::vulkan
