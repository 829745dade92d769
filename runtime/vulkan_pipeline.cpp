#include "runtime/vulkan_internal.h"

#include <algorithm>

namespace sparkle {

namespace vulkan {

namespace {

Error unsupported(const VulkanPipelineShape &shape, const std::string &why) {
  return {ErrorCode::kUnsupported, "the Vulkan device cannot run `" + shape.name + "`: " + why};
}

std::string against(int64_t wanted, int64_t limit) {
  return std::to_string(wanted) + "; its limit is " + std::to_string(limit);
}

Status check_sizes(const VulkanLimits &limits, const ShaderCode &code, const VulkanPipelineShape &shape) {
  if (code.local_size > limits.max_workgroup_invocations || code.local_size > limits.max_workgroup_size[0]) {
    const int64_t limit = std::min(limits.max_workgroup_invocations, limits.max_workgroup_size[0]);
    return unsupported(shape, "it has groups of " + against(code.local_size, limit) + " workers");
  }
  if (shape.near_bytes > limits.shared_memory_bytes) {
    return unsupported(shape, "bytes of shared memory: " + against(shape.near_bytes, limits.shared_memory_bytes));
  }
  if (shape.push_bytes + 4 > limits.max_push_constant_bytes) {
    return unsupported(shape,
                       "bytes of push constants: " + against(shape.push_bytes + 4, limits.max_push_constant_bytes));
  }
  if (shape.buffers > limits.max_storage_buffers) {
    return unsupported(shape, "buffers: " + against(shape.buffers, limits.max_storage_buffers));
  }
  return ok();
}

Status check_team(const VulkanLimits &limits, const ShaderCode &code, const VulkanPipelineShape &shape) {
  const auto team = static_cast<int>(code.required_team);
  if (team == 0 || (team == limits.subgroup_min && team == limits.subgroup_max)) return ok();
  const bool power_of_two = (team & (team - 1)) == 0;
  if (limits.subgroup_size_control && power_of_two && team >= limits.subgroup_min && team <= limits.subgroup_max)
    return ok();
  return unsupported(shape, "it relies on subgroups of " + std::to_string(team) + "; the device has " +
                                std::to_string(limits.subgroup_min) + ".." + std::to_string(limits.subgroup_max) +
                                (limits.subgroup_size_control ? "" : ", and the size cannot be chosen"));
}

Status check_code(const VulkanLimits &limits, const ShaderCode &code, const VulkanPipelineShape &shape) {
  SPARKLE_TRY(std::string missing, missing_capability(code.words, limits));
  if (missing.empty() && code.wide_index && !limits.int64) missing = "Int64";
  if (!missing.empty()) return unsupported(shape, "it has no " + missing);
  SPARKLE_CHECK(shape.push_bytes >= 0 && shape.push_bytes % 4 == 0, "push constants are whole words");
  SPARKLE_CHECK(code.local_size >= 1 && shape.buffers >= 0, "a shader without workers");
  SPARKLE_TRY_STATUS(check_sizes(limits, code, shape));
  return check_team(limits, code, shape);
}

/// Device::check for calls made without the device's lock.
Status check_unlocked(Device &device, VkResult result, const std::string &call) {
  if (result >= VK_SUCCESS) return ok();
  std::lock_guard lock(device.mutex);
  return device.check(result, call);
}

Status make_layouts(Device &device, PipelineState &pipeline) {
  std::vector<VkDescriptorSetLayoutBinding> bindings(static_cast<size_t>(pipeline.key.buffers));
  for (uint32_t i = 0; i < bindings.size(); ++i) {
    bindings[i].binding = i;
    bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    bindings[i].descriptorCount = 1;
    bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  }
  VkDescriptorSetLayoutCreateInfo set{};
  set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  set.bindingCount = static_cast<uint32_t>(bindings.size());
  set.pBindings = bindings.data();
  SPARKLE_TRY_STATUS(
      check_unlocked(device,
                     made(device.table.vkCreateDescriptorSetLayout(device.handle, &set, nullptr, &pipeline.set_layout),
                          pipeline.set_layout),
                     "vkCreateDescriptorSetLayout"));
  const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, static_cast<uint32_t>(pipeline.key.push_bytes + 4)};
  VkPipelineLayoutCreateInfo layout{};
  layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &pipeline.set_layout;
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &push;
  return check_unlocked(
      device,
      made(device.table.vkCreatePipelineLayout(device.handle, &layout, nullptr, &pipeline.layout), pipeline.layout),
      "vkCreatePipelineLayout");
}

Status make_pipeline(Device &device, PipelineState &pipeline, VkShaderModule module) {
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo team{};
  team.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
  team.requiredSubgroupSize = pipeline.key.required_team;
  VkComputePipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.layout = pipeline.layout;
  // Where the size can be chosen it is pinned even if it is the default one: drivers change their mind per shader.
  if (pipeline.key.required_team != 0 && device.limits.subgroup_size_control) {
    info.stage.pNext = &team;
    const bool whole = pipeline.key.local_size % pipeline.key.required_team == 0;
    if (whole && device.limits.full_subgroups)
      info.stage.flags |= VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  return check_unlocked(
      device,
      made(device.table.vkCreateComputePipelines(device.handle, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline.handle),
           pipeline.handle),
      "vkCreateComputePipelines(" + pipeline.name + ")");
}

} // namespace

PipelineState::~PipelineState() {
  if (!device || !device->check_process()) return;
  std::lock_guard lock(device->mutex);
  if (!device->may_destroy()) return;
  device->table.vkDestroyPipeline(device->handle, handle, nullptr);
  device->table.vkDestroyPipelineLayout(device->handle, layout, nullptr);
  device->table.vkDestroyDescriptorSetLayout(device->handle, set_layout, nullptr);
}

Result<std::shared_ptr<PipelineState>> create_pipeline_state(std::shared_ptr<Device> device, const ShaderCode &code,
                                                             const VulkanPipelineShape &shape) {
  SPARKLE_TRY_STATUS(check_code(device->limits, code, shape));
  auto pipeline = std::make_shared<PipelineState>();
  pipeline->device = device;
  pipeline->key = {code.words, code.local_size, code.required_team, shape.buffers, shape.push_bytes};
  pipeline->name = shape.name;
  SPARKLE_TRY_STATUS(make_layouts(*device, *pipeline));
  VkShaderModuleCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  info.codeSize = code.words.size() * sizeof(uint32_t);
  info.pCode = code.words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  SPARKLE_TRY_STATUS(check_unlocked(*device,
                                    device->table.vkCreateShaderModule(device->handle, &info, nullptr, &module),
                                    "vkCreateShaderModule(" + shape.name + ")"));
  Status made = make_pipeline(*device, *pipeline, module);
  device->table.vkDestroyShaderModule(device->handle, module, nullptr);
  if (!made) return made.error();
  return pipeline;
}

} // namespace vulkan

Result<VulkanPipeline> VulkanContext::create_pipeline(const ShaderCode &code, const VulkanPipelineShape &shape) {
  vulkan::Device &device = *state_->device;
  SPARKLE_TRY_STATUS(device.check_process());
  const vulkan::PipelineKey key{code.words, code.local_size, code.required_team, shape.buffers, shape.push_bytes};
  VulkanPipeline result;
  {
    std::lock_guard lock(device.mutex);
    SPARKLE_TRY_STATUS(device.check_alive());
    auto known = std::find_if(state_->pipelines.begin(), state_->pipelines.end(),
                              [&](const auto &pipeline) { return pipeline->key == key; });
    if (known != state_->pipelines.end()) {
      result.state_ = *known;
      return result;
    }
  }
  // Compiling takes long and needs no queue: others may run meanwhile, and two may compile the same once too often.
  SPARKLE_TRY(result.state_, vulkan::create_pipeline_state(state_->device, code, shape));
  std::shared_ptr<vulkan::PipelineState> oldest; // let go after the lock, which its destructor takes
  std::lock_guard lock(device.mutex);
  state_->pipelines.push_back(result.state_);
  if (state_->pipelines.size() > vulkan::ContextState::kMaxPipelines) {
    oldest = std::move(state_->pipelines.front());
    state_->pipelines.erase(state_->pipelines.begin());
  }
  return result;
}

} // namespace sparkle
