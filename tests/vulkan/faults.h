// A Vulkan loader that fails on purpose: libsparkle_test_faults.so stands between the runtime and the real loader
// (VulkanOptions::loader names it), counts the calls that can fail, makes one of them fail, and watches over objects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sparkle::test {

/// How far a planned failure reaches.
enum class FaultReach {
  kOnce,
  kUntilNewDevice, ///< As a lost device fails: every call that may say so, until a device is made anew.
  kForever,        ///< Every later call that may fail like this.
};

struct FaultPlan {
  int64_t call = 0; ///< Counted from 1 over all calls that return a VkResult; 0: none fails.
  int result = 0;   ///< The VkResult that it returns.
  FaultReach reach = FaultReach::kOnce;
  bool is_discrete = false; ///< The devices call themselves discrete GPUs.
};

struct FaultCall {
  std::string name;
  std::vector<int> results; ///< Results but VK_SUCCESS that the specification lists for it.
};

struct FaultReport {
  std::vector<FaultCall> calls; ///< Since the plan was given.
  int64_t failed = 0;           ///< Of them, by the plan.
  int64_t alive = 0;            ///< Objects made and not destroyed, instances included.
  double longest_wait = 0;      ///< In seconds: the longest that a fence was waited for.
  /// Objects destroyed twice, or never made, or outlived by their device; what validation layers said.
  std::vector<std::string> complaints;
};

class Faults {
public:
  virtual ~Faults() = default;
  /// Begins anew, with a plan.
  virtual void plan(const FaultPlan &plan) = 0;
  virtual FaultReport report() = 0;
};

/// Exported by the library as `sparkle_test_faults`.
using FaultsEntry = Faults *();

} // namespace sparkle::test
