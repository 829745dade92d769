// Recording and submitting lists of dispatches. Private to the runtime.
#pragma once

#include "runtime/vulkan_internal.h"

namespace sparkle::vulkan {

/// One call of VulkanContext::run; the device's mutex is held as long as it lives.
class Executor {
public:
  Executor(Device &device, std::span<const VulkanDispatch> list, const VulkanRunOptions &options)
      : device_(device), list_(list), options_(options) {}
  Result<VulkanRunTimes> run();

private:
  /// A dispatch with everything looked up.
  struct Prepared {
    const PipelineState *pipeline = nullptr;
    VkDescriptorSet set = VK_NULL_HANDLE;
    std::vector<std::byte> push; ///< With the number of groups.
    std::array<uint32_t, 3> counts{};
    bool empty = false; ///< No groups: nothing to start.
  };

  Status prepare();
  Result<Prepared> prepare_one(const VulkanDispatch &dispatch) const;
  Status check_binding(const PipelineState &pipeline, const VulkanBinding &binding) const;
  Status reserve_sets();
  Status allocate_sets();
  Status reserve_queries(uint32_t count);
  /// Descriptors of dispatch `index`.
  void write_set(size_t index);

  /// Repeats `count` times and waits; timed ones append to `times_`.
  Status submit(int count, bool timed);
  void record_repeat(bool timed, uint32_t &query);
  void record(const Prepared &prepared);
  void record_barrier();
  void stamp(uint32_t &query);
  Status read_stamps(int count);
  /// Spreads `count` repeats over submissions.
  Status submit_all(int count, bool timed);

  bool has_clock() const { return device_.limits.timestamp_valid_bits > 0; }
  uint32_t stamps_per_repeat() const { return options_.time_each ? static_cast<uint32_t>(list_.size()) : 1; }

  Device &device_;
  std::span<const VulkanDispatch> list_;
  const VulkanRunOptions &options_;
  std::vector<Prepared> prepared_;
  VulkanRunTimes times_;
  int batch_ = 1; ///< Repeats of the next submission, from the time of the last one.
};

} // namespace sparkle::vulkan
