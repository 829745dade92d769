// What `sparklec doctor` looks at: the installation and the machine, one finding a line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/machine.h"

namespace sparkle::cli {

enum class Health : uint8_t {
  kFine,
  kWarning, ///< Works, but slower or with less than it could.
  kMissing, ///< Something that is needed is not there.
  kWrong,   ///< A result that is not right: a bug.
};
std::string_view name_of(Health health);

struct Finding {
  std::string check; ///< `cpu`, `caches`, `vulkan`...
  Health health = Health::kFine;
  std::string text;   ///< What was seen.
  std::string advice; ///< The way out; empty: none is needed.
};

/// What the processor is and how much of it this process may use.
std::vector<Finding> check_processor(const CpuInfo &cpu);
/// Where the system makes times unsteady: the clock's governor, quotas, affinity. `system`: the root of sysfs.
std::vector<Finding> check_steadiness(const CpuInfo &cpu, const std::string &system = "/sys");
std::vector<Finding> check_targets(Machine &machine);
std::vector<Finding> check_vulkan(Machine &machine);
std::vector<Finding> check_threads(Machine &machine);
/// Writes and removes a file where `sparklec` remembers what it measured.
std::vector<Finding> check_cache_folder();
std::vector<Finding> check_compilers();
/// Compiles a small convolution for every device, runs it, and compares every element with the interpreter.
std::vector<Finding> check_devices(const std::shared_ptr<Machine> &machine);

} // namespace sparkle::cli
