#include "runtime/machine.h"

#include <charconv>

#include "runtime/cpu_target_info.h"
#include "runtime/vulkan_target_info.h"
#include "targets/registry.h"

namespace sparkle {
namespace {

/// How often a device is opened anew: one that dies each time must not be tried for ever.
constexpr int kMaxRebirths = 1;

DeviceInfo describe_cpu(const CpuInfo &cpu, int threads) {
  DeviceInfo device;
  device.id = "cpu";
  device.kind = DeviceKind::kCpu;
  device.name = cpu.name.empty() ? "unknown processor" : cpu.name;
  device.info = make_cpu_target_info(cpu);
  device.info.units = threads;
  return device;
}

/// The interpreter runs programs as imported: no schedule, no machine.
DeviceInfo describe_reference() {
  DeviceInfo device;
  device.id = "reference";
  device.kind = DeviceKind::kReference;
  device.name = "interpreter of the loop IR";
  device.info.name = "reference";
  return device;
}

DeviceInfo describe_vulkan(const VulkanLimits &limits, int index) {
  DeviceInfo device;
  device.id = "vulkan:" + std::to_string(index);
  device.kind = DeviceKind::kVulkan;
  device.index = index;
  device.name = limits.name;
  device.driver = limits.driver_name;
  if (!limits.driver_info.empty()) device.driver += (device.driver.empty() ? "" : " ") + limits.driver_info;
  device.is_software = limits.type == VulkanDeviceType::kCpu;
  return device;
}

std::string reasons(const std::vector<DeviceLeftOut> &left_out) {
  std::string text;
  for (const DeviceLeftOut &entry : left_out) text += "; " + entry.name + ": " + entry.reason;
  return text;
}

} // namespace

std::string_view name_of(DeviceKind kind) {
  switch (kind) {
  case DeviceKind::kCpu: return "cpu";
  case DeviceKind::kReference: return "reference";
  case DeviceKind::kVulkan: return "vulkan";
  }
  return "?";
}

std::vector<std::string_view> targets_for(DeviceKind kind) {
  switch (kind) {
  case DeviceKind::kCpu: return {"x86", "llvm"};
  case DeviceKind::kReference: return {"reference"};
  case DeviceKind::kVulkan: return {"vulkan"};
  }
  return {};
}

Machine::Machine(CpuInfo cpu, int threads, const MachineOptions &options)
    : cpu_info_(std::move(cpu)), threads_(threads), pool_(threads), vulkan_options_(options.vulkan),
      cpu_(describe_cpu(cpu_info_, threads)), reference_(describe_reference()), vulkan_trust_(options.vulkan) {}

Result<std::shared_ptr<Machine>> Machine::open(const MachineOptions &options) {
  if (options.threads < 0)
    return Error{ErrorCode::kInvalidInput,
                 std::to_string(options.threads) + " threads were asked for; at least 1 is needed"};
  SPARKLE_TRY(CpuInfo cpu, detect_cpu(*host_cpu_reader(), options.isa));
  const int threads = options.threads > 0 ? options.threads : cpu.usable_cores;
  return std::shared_ptr<Machine>(new Machine(std::move(cpu), threads, options));
}

void Machine::open_vulkan() {
  if (const Status loads = vulkan_trust_.may_load(); !loads) {
    vulkan_left_out_.push_back({"vulkan", loads.error().text});
    return;
  }
  vulkan_devices_ = VulkanDevices::open(vulkan_options_);
  for (const VulkanLeftOut &entry : vulkan_devices_.left_out()) vulkan_left_out_.push_back({entry.name, entry.reason});
  for (size_t i = 0; i < vulkan_devices_.devices().size(); ++i) {
    const VulkanLimits &limits = vulkan_devices_.devices()[i];
    DeviceInfo device = describe_vulkan(limits, static_cast<int>(i));
    if (const vulkan::DeviceTrust trust = vulkan_trust_.of(limits); trust.is_quarantined) {
      vulkan_left_out_.push_back({device.id + " " + limits.name, trust.text});
    } else if (Result<TargetInfo> info = vulkan_target_info(limits)) {
      device.info = std::move(*info);
      vulkan_.push_back(std::move(device));
    } else {
      vulkan_left_out_.push_back({device.id + " " + limits.name, info.error().text});
    }
  }
  contexts_.resize(vulkan_devices_.devices().size());
}

const std::vector<DeviceInfo> &Machine::vulkan() {
  std::call_once(vulkan_once_, [this] { open_vulkan(); });
  return vulkan_;
}

const std::vector<DeviceLeftOut> &Machine::vulkan_left_out() {
  vulkan();
  return vulkan_left_out_;
}

std::vector<DeviceInfo> Machine::devices() {
  std::vector<DeviceInfo> all{cpu_};
  all.insert(all.end(), vulkan().begin(), vulkan().end());
  all.push_back(reference_);
  return all;
}

std::vector<DeviceLeftOut> Machine::left_out() {
  vulkan();
  std::vector<DeviceLeftOut> all = vulkan_left_out_;
  for (const DeviceKind kind : {DeviceKind::kCpu, DeviceKind::kVulkan}) {
    for (const std::string_view name : targets_for(kind)) {
      const Result<const Target *> target = find_target(name);
      const Status usable = target ? (*target)->check(Program{}, cpu_.info) : Status(target.error());
      // kInvalidInput: a name that this version does not know at all.
      if (!usable && usable.error().code != ErrorCode::kInvalidInput)
        all.push_back({"target " + std::string(name), usable.error().text});
    }
  }
  return all;
}

Result<DeviceInfo> Machine::find(const std::string &id) {
  if (id == "cpu") return cpu_;
  if (id == "reference") return reference_;
  const std::string_view prefix = "vulkan:";
  int index = 0;
  if (id != "vulkan") {
    const char *end = id.data() + id.size();
    const bool has_prefix = id.starts_with(prefix);
    const auto read = has_prefix ? std::from_chars(id.data() + prefix.size(), end, index) : std::from_chars_result{};
    if (!has_prefix || read.ec != std::errc() || read.ptr != end || index < 0)
      return Error{ErrorCode::kInvalidInput, "`" + id + "` is no device; there are cpu, reference, vulkan, vulkan:N"};
  }
  for (const DeviceInfo &device : vulkan())
    if (device.index == index) return device;
  return Error{ErrorCode::kNoDevice, "there is no device " + id + reasons(vulkan_left_out_)};
}

double Machine::known_peak(const std::string &id) {
  const std::lock_guard lock(contexts_mutex_);
  const auto found = peaks_.find(id);
  return found == peaks_.end() ? 0 : found->second;
}

void Machine::remember_peak(const std::string &id, double gflops) {
  const std::lock_guard lock(contexts_mutex_);
  peaks_[id] = gflops;
}

std::string Machine::vulkan_trust(int index) {
  vulkan();
  return vulkan_trust_.of(vulkan_devices_.devices()[static_cast<size_t>(index)]).text;
}

std::vector<DeviceLeftOut> Machine::probe_vulkan() {
  std::vector<DeviceLeftOut> failed;
  for (const DeviceInfo &device : vulkan()) {
    const auto number = static_cast<size_t>(device.index);
    if (const Status usable = vulkan_trust_.may_use(vulkan_devices_.devices()[number], number); !usable)
      failed.push_back({device.id, usable.error().text});
  }
  return failed;
}

Result<std::shared_ptr<VulkanContext>> Machine::vulkan_context(int index) {
  vulkan();
  if (index < 0 || static_cast<size_t>(index) >= contexts_.size())
    return Error{ErrorCode::kNoDevice, "there is no device vulkan:" + std::to_string(index)};
  const auto number = static_cast<size_t>(index);
  SPARKLE_TRY_STATUS(vulkan_trust_.may_use(vulkan_devices_.devices()[number], number));
  const std::lock_guard lock(contexts_mutex_);
  OpenDevice &device = contexts_[number];
  const std::string death = device.context ? device.context->death() : "";
  if (device.context && death.empty()) return device.context;
  if (device.context && device.deaths >= kMaxRebirths)
    return Error{ErrorCode::kDeviceLost,
                 "vulkan:" + std::to_string(index) + " was lost again and is not opened any more: " + death};
  if (device.context) ++device.deaths;
  device.context = nullptr;
  SPARKLE_TRY(VulkanContext opened, vulkan_devices_.create_context(number));
  device.context = std::make_shared<VulkanContext>(std::move(opened));
  return device.context;
}

} // namespace sparkle
