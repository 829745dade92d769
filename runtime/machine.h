// The devices of this machine, and why others are left out.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/target_info.h"
#include "runtime/cpu_info.h"
#include "runtime/parallel_for.h"
#include "runtime/vulkan_device.h"
#include "runtime/vulkan_trust.h"

namespace sparkle {

enum class DeviceKind : uint8_t { kCpu, kReference, kVulkan };
std::string_view name_of(DeviceKind kind);

struct DeviceInfo {
  std::string id; ///< `cpu`, `reference`, `vulkan:0`.
  DeviceKind kind = DeviceKind::kCpu;
  int index = 0; ///< Of a Vulkan device.
  std::string name;
  std::string driver;       ///< Name and version; empty: none.
  bool is_software = false; ///< A Vulkan driver that computes on the CPU.
  TargetInfo info;
};

struct DeviceLeftOut {
  std::string name;
  std::string reason;
};

struct MachineOptions {
  int threads = 0; ///< Of the CPU; 0: one for each usable core.
  std::string isa; ///< Cap on instruction sets: `avx2`, `avx512`; empty: none.
  VulkanOptions vulkan = VulkanOptions::from_environment();
};

/// Thread-safe. Vulkan is opened when its devices are first asked for, threads are started by the first run.
class Machine {
public:
  /// kInvalidInput: negative threads, or an unknown instruction set.
  static Result<std::shared_ptr<Machine>> open(const MachineOptions &options = {});

  const DeviceInfo &cpu() const { return cpu_; }
  const DeviceInfo &reference() const { return reference_; }
  const CpuInfo &cpu_info() const { return cpu_info_; }
  int threads() const { return threads_; }
  WorkerPool pool() { return pool_.pool(); }

  /// Opens Vulkan (tens of milliseconds where there are drivers).
  const std::vector<DeviceInfo> &vulkan();
  /// Drivers and devices of Vulkan that cannot be used. Opens Vulkan.
  const std::vector<DeviceLeftOut> &vulkan_left_out();
  /// All devices, the CPU first, the reference last. Opens Vulkan.
  std::vector<DeviceInfo> devices();
  /// Opens Vulkan and the CPU's targets, for their reasons.
  std::vector<DeviceLeftOut> left_out();
  /// `cpu`, `reference`, `vulkan` (the first one), `vulkan:1`. kNoDevice, with the reasons: it is not here;
  /// kInvalidInput: no id.
  Result<DeviceInfo> find(const std::string &id);

  /// `probed on 2026-11-23: it computes right`, `not probed yet: ...`, in words for people.
  std::string vulkan_trust(int index);
  /// Tries every driver now that its first use would try. Those that failed.
  std::vector<DeviceLeftOut> probe_vulkan();

  /// The opened device; its driver is tried before (vulkan_trust.h), and it is opened anew when it died, once.
  /// kNoDevice, kDevice; kDeviceLost: it died twice.
  Result<std::shared_ptr<VulkanContext>> vulkan_context(int index);

  /// Measured peaks (GFLOPS) by device id, kept as long as the machine. 0: not measured yet.
  double known_peak(const std::string &id);
  void remember_peak(const std::string &id, double gflops);

private:
  Machine(CpuInfo cpu, int threads, const MachineOptions &options);
  void open_vulkan();

  CpuInfo cpu_info_;
  int threads_;
  ThreadPool pool_;
  VulkanOptions vulkan_options_;
  DeviceInfo cpu_, reference_;

  std::once_flag vulkan_once_;
  vulkan::Trust vulkan_trust_;
  VulkanDevices vulkan_devices_;
  std::vector<DeviceInfo> vulkan_;
  std::vector<DeviceLeftOut> vulkan_left_out_;
  std::mutex contexts_mutex_; ///< Of contexts_ and peaks_.
  struct OpenDevice {
    std::shared_ptr<VulkanContext> context;
    int deaths = 0;
  };
  std::vector<OpenDevice> contexts_;
  std::map<std::string, double> peaks_;
};

/// Names of the targets that make code for a kind of device, the preferred one first.
std::vector<std::string_view> targets_for(DeviceKind kind);

} // namespace sparkle
