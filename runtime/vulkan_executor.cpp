#include "runtime/vulkan_executor.h"

#include <algorithm>
#include <cstring>

#include "runtime/timer.h"

namespace sparkle {

namespace vulkan {

namespace {

/// Far below the 2 seconds after which drivers reset a device, far above the cost of a submission.
constexpr double kSubmissionSeconds = 0.05;
constexpr int kMaxBatch = 256;
constexpr uint32_t kMaxQueries = 4096;

Error bad_binding(const PipelineState &pipeline, const std::string &why) {
  return {ErrorCode::kInvalidInput, "a buffer of `" + pipeline.name + "` cannot be bound: " + why};
}

} // namespace

Status Executor::check_binding(const PipelineState &pipeline, const VulkanBinding &binding) const {
  SPARKLE_CHECK(binding.buffer != nullptr && binding.buffer->state_ != nullptr, "a binding without a buffer");
  SPARKLE_CHECK(binding.buffer->state_->device.get() == &device_, "a buffer of another device");
  const int64_t size = binding.buffer->bytes();
  if (binding.offset < 0 || binding.bytes <= 0 || binding.offset > size || binding.bytes > size - binding.offset) {
    return bad_binding(pipeline, std::to_string(binding.bytes) + " bytes at " + std::to_string(binding.offset) +
                                     " leave its " + std::to_string(size));
  }
  if (binding.offset % device_.limits.min_storage_offset_alignment != 0) {
    return bad_binding(pipeline, "offset " + std::to_string(binding.offset) + " is no multiple of " +
                                     std::to_string(device_.limits.min_storage_offset_alignment));
  }
  if (binding.bytes <= device_.limits.max_storage_buffer_range) return ok();
  return Error{ErrorCode::kUnsupported, "`" + pipeline.name + "` needs " + std::to_string(binding.bytes) +
                                            " bytes of one buffer; the device reaches " +
                                            std::to_string(device_.limits.max_storage_buffer_range)};
}

Result<Executor::Prepared> Executor::prepare_one(const VulkanDispatch &dispatch) const {
  SPARKLE_CHECK(dispatch.pipeline != nullptr && dispatch.pipeline->state_ != nullptr, "a dispatch without a pipeline");
  const PipelineState &pipeline = *dispatch.pipeline->state_;
  SPARKLE_CHECK(pipeline.device.get() == &device_, "a pipeline of another device");
  SPARKLE_CHECK(dispatch.bindings.size() == static_cast<size_t>(pipeline.key.buffers), "wrong number of buffers");
  SPARKLE_CHECK(dispatch.push.size() == static_cast<size_t>(pipeline.key.push_bytes), "wrong size of push constants");
  for (const VulkanBinding &binding : dispatch.bindings) SPARKLE_TRY_STATUS(check_binding(pipeline, binding));
  Prepared prepared;
  prepared.pipeline = &pipeline;
  prepared.empty = dispatch.groups <= 0;
  if (prepared.empty) return prepared;
  SPARKLE_TRY(prepared.counts, spread_groups(dispatch.groups, device_.limits.max_workgroup_count));
  const auto total = static_cast<uint32_t>(dispatch.groups);
  prepared.push = dispatch.push;
  prepared.push.resize(dispatch.push.size() + sizeof total);
  std::memcpy(prepared.push.data() + dispatch.push.size(), &total, sizeof total);
  return prepared;
}

Status Executor::prepare() {
  for (const VulkanDispatch &dispatch : list_) {
    SPARKLE_TRY(Prepared prepared, prepare_one(dispatch));
    prepared_.push_back(std::move(prepared));
  }
  SPARKLE_TRY_STATUS(reserve_sets());
  SPARKLE_TRY_STATUS(allocate_sets());
  for (size_t i = 0; i < list_.size(); ++i) write_set(i);
  if (!has_clock()) return ok();
  const uint32_t stamps = std::max(1u, stamps_per_repeat());
  const auto repeats = static_cast<uint32_t>(std::clamp(options_.repeats, 1, kMaxBatch));
  return reserve_queries(1 + std::max(stamps, std::min(stamps * repeats, kMaxQueries)));
}

// Nothing of this device is under way between runs, so one pool serves all, emptied each time and grown when too small.
Status Executor::reserve_sets() {
  auto sets = static_cast<uint32_t>(list_.size());
  uint32_t descriptors = 0;
  for (const VulkanDispatch &dispatch : list_) descriptors += static_cast<uint32_t>(dispatch.bindings.size());
  if (device_.descriptor_pool != VK_NULL_HANDLE && sets <= device_.pool_sets &&
      descriptors <= device_.pool_descriptors) {
    return device_.check(device_.table.vkResetDescriptorPool(device_.handle, device_.descriptor_pool, 0),
                         "vkResetDescriptorPool");
  }
  sets = std::max(sets, 16u), descriptors = std::max(descriptors, 64u);
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, descriptors};
  VkDescriptorPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  info.maxSets = sets;
  info.poolSizeCount = 1;
  info.pPoolSizes = &size;
  VkDescriptorPool pool = VK_NULL_HANDLE;
  SPARKLE_TRY_STATUS(device_.check(device_.table.vkCreateDescriptorPool(device_.handle, &info, nullptr, &pool),
                                   "vkCreateDescriptorPool"));
  device_.table.vkDestroyDescriptorPool(device_.handle, device_.descriptor_pool, nullptr);
  device_.descriptor_pool = pool, device_.pool_sets = sets, device_.pool_descriptors = descriptors;
  return ok();
}

Status Executor::allocate_sets() {
  if (prepared_.empty()) return ok();
  std::vector<VkDescriptorSetLayout> layouts;
  for (const Prepared &prepared : prepared_) layouts.push_back(prepared.pipeline->set_layout);
  std::vector<VkDescriptorSet> sets(layouts.size());
  VkDescriptorSetAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  info.descriptorPool = device_.descriptor_pool;
  info.descriptorSetCount = static_cast<uint32_t>(layouts.size());
  info.pSetLayouts = layouts.data();
  SPARKLE_TRY_STATUS(device_.check(device_.table.vkAllocateDescriptorSets(device_.handle, &info, sets.data()),
                                   "vkAllocateDescriptorSets"));
  for (size_t i = 0; i < sets.size(); ++i) prepared_[i].set = sets[i];
  return ok();
}

void Executor::write_set(size_t index) {
  const VulkanDispatch &dispatch = list_[index];
  std::vector<VkDescriptorBufferInfo> buffers;
  for (const VulkanBinding &binding : dispatch.bindings) {
    buffers.push_back({binding.buffer->state_->raw.handle, static_cast<VkDeviceSize>(binding.offset),
                       static_cast<VkDeviceSize>(binding.bytes)});
  }
  if (buffers.empty()) return;
  VkWriteDescriptorSet write{};
  write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
  write.dstSet = prepared_[index].set;
  write.descriptorCount = static_cast<uint32_t>(buffers.size()); // runs on through the bindings that follow
  write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  write.pBufferInfo = buffers.data();
  device_.table.vkUpdateDescriptorSets(device_.handle, 1, &write, 0, nullptr);
}

Status Executor::reserve_queries(uint32_t count) {
  if (count <= device_.pool_queries) return ok();
  VkQueryPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = count;
  VkQueryPool pool = VK_NULL_HANDLE;
  SPARKLE_TRY_STATUS(
      device_.check(device_.table.vkCreateQueryPool(device_.handle, &info, nullptr, &pool), "vkCreateQueryPool"));
  device_.table.vkDestroyQueryPool(device_.handle, device_.query_pool, nullptr);
  device_.query_pool = pool, device_.pool_queries = count;
  return ok();
}

// Written once all work before is done: differences between neighbours are whole repeats or dispatches. The barrier
// keeps the next dispatch behind it; llvmpipe writes the time only then.
void Executor::stamp(uint32_t &query) {
  device_.table.vkCmdWriteTimestamp(device_.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, device_.query_pool,
                                    query++);
  record_barrier();
}

void Executor::record_barrier() {
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  device_.table.vkCmdPipelineBarrier(device_.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                     VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

void Executor::record(const Prepared &prepared) {
  const PipelineState &pipeline = *prepared.pipeline;
  const VolkDeviceTable &vk = device_.table;
  vk.vkCmdBindPipeline(device_.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle);
  vk.vkCmdBindDescriptorSets(device_.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout, 0, 1, &prepared.set, 0,
                             nullptr);
  vk.vkCmdPushConstants(device_.commands, pipeline.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                        static_cast<uint32_t>(prepared.push.size()), prepared.push.data());
  vk.vkCmdDispatch(device_.commands, prepared.counts[0], prepared.counts[1], prepared.counts[2]);
  record_barrier();
}

void Executor::record_repeat(bool timed, uint32_t &query) {
  for (const Prepared &prepared : prepared_) {
    if (!prepared.empty) record(prepared);
    if (timed && options_.time_each) stamp(query);
  }
  if (timed && !options_.time_each) stamp(query);
}

Status Executor::submit(int count, bool timed) {
  SPARKLE_TRY_STATUS(device_.begin_commands());
  uint32_t query = 0;
  if (timed) {
    device_.table.vkCmdResetQueryPool(device_.commands, device_.query_pool, 0, device_.pool_queries);
    stamp(query);
  }
  for (int i = 0; i < count; ++i) record_repeat(timed, query);
  SPARKLE_TRY_STATUS(device_.submit_and_wait(options_.timeout_seconds));
  return timed ? read_stamps(count) : ok();
}

Status Executor::read_stamps(int count) {
  const uint32_t per_repeat = stamps_per_repeat();
  std::vector<uint64_t> stamps(1 + static_cast<size_t>(count) * per_repeat);
  // All are written, for the fence was waited for: no waiting flag, which could hang with a driver that lost one.
  const VkResult result = device_.table.vkGetQueryPoolResults(
      device_.handle, device_.query_pool, 0, static_cast<uint32_t>(stamps.size()), stamps.size() * sizeof(uint64_t),
      stamps.data(), sizeof(uint64_t), VK_QUERY_RESULT_64_BIT);
  if (result != VK_SUCCESS)
    return result < VK_SUCCESS ? device_.check(result, "vkGetQueryPoolResults")
                               : Status(make_error(result, "vkGetQueryPoolResults"));
  const int bits = device_.limits.timestamp_valid_bits;
  const uint64_t mask = bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  auto seconds = [&](size_t from, size_t to) { // the mask also heals a counter that wrapped
    return static_cast<double>((stamps[to] - stamps[from]) & mask) * device_.limits.timestamp_period_ns * 1e-9;
  };
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    times_.kernel.push_back(seconds(i * per_repeat, (i + 1) * per_repeat));
    if (!options_.time_each) continue;
    std::vector<double> &each = times_.each.emplace_back();
    for (size_t k = i * per_repeat; k < (i + 1) * per_repeat; ++k) each.push_back(seconds(k, k + 1));
  }
  return ok();
}

Status Executor::submit_all(int count, bool timed) {
  const int most = timed ? static_cast<int>((device_.pool_queries - 1) / stamps_per_repeat()) : kMaxBatch;
  while (count > 0) {
    const int batch = std::clamp(batch_, 1, std::min({count, most, kMaxBatch}));
    Stopwatch watch;
    SPARKLE_TRY_STATUS(submit(batch, timed));
    count -= batch;
    batch_ =
        static_cast<int>(std::min<double>(kMaxBatch, kSubmissionSeconds * batch / std::max(watch.seconds(), 1e-6)));
  }
  return ok();
}

Result<VulkanRunTimes> Executor::run() {
  SPARKLE_TRY_STATUS(prepare());
  if (prepared_.empty()) return std::move(times_);
  Stopwatch watch;
  SPARKLE_TRY_STATUS(submit_all(options_.warmups, false));
  SPARKLE_TRY_STATUS(submit_all(options_.repeats, has_clock()));
  times_.wall = watch.seconds();
  return std::move(times_);
}

} // namespace vulkan

Result<VulkanRunTimes> VulkanContext::run(std::span<const VulkanDispatch> list, const VulkanRunOptions &options) {
  vulkan::Device &device = *state_->device;
  SPARKLE_TRY_STATUS(device.check_process());
  std::lock_guard lock(device.mutex);
  SPARKLE_TRY_STATUS(device.check_alive());
  return vulkan::Executor(device, list, options).run();
}

} // namespace sparkle
