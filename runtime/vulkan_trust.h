// Which Vulkan drivers may be loaded and used: each version of a driver is tried once in a process of its own, which
// may crash or hang, and what came out is remembered (docs/devices.md).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "compiler/support/result.h"
#include "runtime/vulkan_device.h"
#include "runtime/vulkan_verdicts.h"

namespace sparkle::vulkan {

/// The first line that sparkle-probe-device writes.
inline constexpr std::string_view kProbeGreeting = "sparkle-probe-device 1";

/// What one device is, as its driver says: equal for equal drivers and devices.
std::string identity_of(const VulkanLimits &limits);

/// `off`, `known`, `new`, `again`; others: nothing.
std::optional<VulkanProbe> parse_probe(std::string_view word);

struct DeviceTrust {
  bool is_quarantined = false;
  std::string text; ///< `probed on 2026-11-23`, `not probed yet`, `quarantined since 2026-11-23: it crashed ...`.
};

/// Thread-safe; probes take turns.
class Trust {
public:
  explicit Trust(const VulkanOptions &options);

  /// Before drivers are loaded into this process: once, and before all else. kNoDevice: the probe did not survive it.
  /// Starts a process when the drivers' files are new.
  Status may_load();
  /// What is known, without a probe.
  DeviceTrust of(const VulkanLimits &limits);
  /// Before a device is opened; `index` as in VulkanDevices. kNoDevice: it is quarantined. Starts a process when the
  /// driver is new.
  Status may_use(const VulkanLimits &limits, size_t index);

private:
  struct Outcome {
    bool is_verdict = false; ///< False: nothing was learned, and `verdict.reason` says why.
    Verdict verdict;
  };
  bool probes() const { return options_.probe == VulkanProbe::kNew || options_.probe == VulkanProbe::kAgain; }
  Status judge(const std::string &key, const std::string &what, const std::vector<std::string> &words, double seconds);
  Outcome probe(const std::vector<std::string> &words, double seconds) const;
  std::string key_of(const VulkanLimits &limits) const;

  VulkanOptions options_;
  std::string files_; ///< driver_files() as drivers were loaded.
  Verdicts verdicts_;
  std::mutex mutex_;
  std::map<std::string, std::string> unprobed_; ///< By key: why not.
};

} // namespace sparkle::vulkan
