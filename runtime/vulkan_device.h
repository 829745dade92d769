// Vulkan devices: what is there, and running compute shaders on one of them. Vulkan is loaded at run time; a machine
// without it is a normal machine with an empty list of devices and a reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"
#include "runtime/vulkan_limits.h"

namespace sparkle {

namespace vulkan { // private to the runtime: vulkan_internal.h
struct Instance;
struct ContextState;
struct BufferState;
struct PipelineState;
class Executor;
} // namespace vulkan

class VulkanContext;

/// When a driver is tried in a process of its own before it is used here (docs/devices.md); all but kOff heed what such
/// trials have shown.
enum class VulkanProbe : uint8_t {
  kOff,
  kKnown, ///< No process is started.
  kNew,   ///< A new driver is tried.
  kAgain, ///< As if all were new.
};

struct VulkanOptions {
  std::string loader = "libvulkan.so.1"; ///< Name or path for dlopen.
  /// Core and synchronisation checks of VK_LAYER_KHRONOS_validation; see VulkanContext::validation_messages.
  bool validation = false;
  /// Heeded by Machine; VulkanDevices loads and lists in any case.
  VulkanProbe probe = VulkanProbe::kOff;
  double probe_seconds = 120; ///< For the trial of a driver: it compiles some twenty shaders.
  std::string probe_program;  ///< Path of sparkle-probe-device; empty: beside this program or library.
  /// Validation when SPARKLE_VULKAN_VALIDATION is 1; SPARKLE_PROBE (`off`, `known`, `new`, `again`; new drivers are
  /// tried without it), SPARKLE_PROBE_SECONDS, SPARKLE_PROBE_PROGRAM.
  static VulkanOptions from_environment();
};

/// The machine's devices. Copies share one Vulkan instance.
class VulkanDevices {
public:
  /// Never fails: what cannot be used is in left_out(). Discrete devices come first, then integrated, virtual, other,
  /// CPU; devices of one type in the driver's order.
  static VulkanDevices open(const VulkanOptions &options = {});

  const std::vector<VulkanLimits> &devices() const { return devices_; }
  const std::vector<VulkanLeftOut> &left_out() const { return left_out_; }

  /// `index` into devices(). kNoDevice: no such index (the text says what was left out and why).
  Result<VulkanContext> create_context(size_t index) const;

private:
  std::shared_ptr<vulkan::Instance> instance_;
  std::vector<VulkanLimits> devices_;
  std::vector<size_t> physical_; ///< For each of devices_: its number in the instance's list.
  std::vector<VulkanLeftOut> left_out_;
};

/// Device-local memory; freed with the last copy. Must not be freed while a run that uses it is under way in another
/// thread.
class VulkanBuffer {
public:
  int64_t bytes() const;
  /// True when the memory type has DEVICE_LOCAL (always, by construction; tests look).
  bool device_local() const;

private:
  friend class VulkanContext;
  friend class vulkan::Executor;
  std::shared_ptr<vulkan::BufferState> state_;
};

/// A compiled compute shader; freed with the last copy.
class VulkanPipeline {
private:
  friend class VulkanContext;
  friend class vulkan::Executor;
  std::shared_ptr<vulkan::PipelineState> state_;
};

/// What a pipeline is bound to.
struct VulkanPipelineShape {
  int buffers = 0;        ///< Storage buffers at set 0, bindings 0, 1, ...
  int64_t push_bytes = 0; ///< Push constants without the number of groups; a multiple of 4.
  int64_t near_bytes = 0; ///< Shared memory that the shader declares; checked, for drivers do not.
  std::string name;       ///< For messages.
};

struct VulkanBinding {
  const VulkanBuffer *buffer = nullptr;
  int64_t offset = 0; ///< A multiple of VulkanLimits::min_storage_offset_alignment.
  int64_t bytes = 0;  ///< > 0; at most VulkanLimits::max_storage_buffer_range.
};

struct VulkanDispatch {
  const VulkanPipeline *pipeline = nullptr;
  std::vector<VulkanBinding> bindings;
  std::vector<std::byte> push; ///< VulkanPipelineShape::push_bytes bytes: symbols, then uniforms.
  int64_t groups = 1;          ///< In total, 0..2^31; laid out over x, y, z as ShaderCode says. 0: nothing happens.
};

struct VulkanRunOptions {
  int repeats = 1;             ///< Of the whole list, with barriers between.
  int warmups = 0;             ///< Untimed repeats before.
  bool time_each = false;      ///< Also time every dispatch, at the cost of a stop after each.
  double timeout_seconds = 60; ///< For each wait on the device.
};

/// In seconds. Empty vectors when the device has no clock (VulkanLimits::timestamp_valid_bits is 0).
struct VulkanRunTimes {
  std::vector<double> kernel;            ///< Per repeat: device time of the whole list.
  std::vector<std::vector<double>> each; ///< Per repeat and dispatch, with `time_each`.
  double wall = 0;                       ///< Host time of everything, warm-ups included.
};

/// One device, opened. Movable; thread-safe, calls at the same time take turns. After kDeviceLost or kTimeout it is
/// dead: every later call fails with kDeviceLost and the first cause. In a child process after fork it is dead as well.
class VulkanContext {
public:
  VulkanContext(VulkanContext &&) noexcept;
  VulkanContext &operator=(VulkanContext &&) noexcept;
  ~VulkanContext();

  const VulkanLimits &limits() const;
  /// Why the context is dead; empty while it is alive.
  std::string death() const;
  /// What the validation layer said so far (errors and warnings), when it is on.
  std::vector<std::string> validation_messages() const;

  /// kDeviceOutOfMemory with the size. `bytes` > 0. Contents are undefined.
  Result<VulkanBuffer> create_buffer(int64_t bytes);
  /// Through staging memory; return when done. kInvalidInput: outside of the buffer.
  Status upload(const VulkanBuffer &to, int64_t offset, std::span<const std::byte> from, double timeout_seconds = 60);
  Status download(const VulkanBuffer &from, int64_t offset, std::span<std::byte> to, double timeout_seconds = 60);
  /// Fills with a 32-bit pattern. `offset` and `bytes` are multiples of 4.
  Status fill(const VulkanBuffer &to, int64_t offset, int64_t bytes, uint32_t pattern, double timeout_seconds = 60);

  /// Compiles, or finds a pipeline of equal code and shape made earlier by this context (the last 256 are kept).
  /// kUnsupported: the device lacks what the code needs. kInvalidInput: no SPIR-V.
  Result<VulkanPipeline> create_pipeline(const ShaderCode &code, const VulkanPipelineShape &shape);

  /// Runs the list in order, a barrier after each dispatch, and waits. Repeats are spread over several submissions of
  /// about 50 ms each, so that no watchdog sees a hang.
  Result<VulkanRunTimes> run(std::span<const VulkanDispatch> list, const VulkanRunOptions &options = {});

private:
  friend class VulkanDevices;
  explicit VulkanContext(std::unique_ptr<vulkan::ContextState> state);
  std::unique_ptr<vulkan::ContextState> state_;
};

} // namespace sparkle
