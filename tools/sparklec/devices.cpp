#include <cstdio>

#include <nlohmann/json.hpp>

#include "runtime/machine.h"
#include "runtime/peak_probe.h"
#include "runtime/peaks.h"
#include "tools/sparklec/commands.h"
#include "tools/sparklec/peak_cache.h"
#include "tools/sparklec/target_choice.h"

namespace sparkle::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string key_of(const DeviceInfo &device) {
  return device.name + " | " + device.driver + " | " + std::to_string(device.info.units) + " units, " +
         std::to_string(device.info.lanes) + " lanes";
}

Result<MeasuredPeak> measure(Machine &machine, const DeviceInfo &device) {
  MeasuredPeak peak;
  const WorkerPool pool = machine.pool();
  SPARKLE_TRY(peak.gflops, measure_peak(machine, device, pool));
  if (device.kind != DeviceKind::kCpu) return peak;
  SPARKLE_TRY(peak.read_gbs, probe_read_bandwidth(pool));
  BandwidthOptions one_thread;
  one_thread.workers = 1;
  SPARKLE_TRY(peak.one_thread_read_gbs, probe_read_bandwidth(pool, one_thread));
  return peak;
}

/// Adds what can be measured now; a device that fails keeps its old entry, and the user is told.
PeakCache measure_all(Machine &machine, const std::vector<DeviceInfo> &devices, PeakCache peaks,
                      const Console &console) {
  for (const DeviceInfo &device : devices) {
    if (device.kind == DeviceKind::kReference) continue;
    const Result<MeasuredPeak> peak = measure(machine, device);
    if (peak)
      peaks[key_of(device)] = *peak;
    else
      console.note(device.id + " was not measured: " + peak.error().text);
  }
  return peaks;
}

std::string rates(const MeasuredPeak &peak) {
  char text[96];
  std::snprintf(text, sizeof text, "%.1f GFLOPS", peak.gflops);
  std::string out = text;
  if (peak.read_gbs > 0) {
    std::snprintf(text, sizeof text, ", reads memory at %.1f GB/s", peak.read_gbs);
    out += text;
  }
  if (peak.one_thread_read_gbs > 0) {
    std::snprintf(text, sizeof text, " (one thread: %.1f GB/s)", peak.one_thread_read_gbs);
    out += text;
  }
  return out;
}

Json known_rate(double gbs) { return gbs > 0 ? Json(gbs) : Json(nullptr); }

/// What the probe of its driver has shown; empty: no driver.
std::string trust_of(Machine &machine, const DeviceInfo &device) {
  return device.kind == DeviceKind::kVulkan ? machine.vulkan_trust(device.index) : "";
}

std::string describe(Machine &machine, const DeviceInfo &device, const PeakCache &peaks) {
  std::string id = device.id;
  id.resize(std::max<size_t>(id.size(), 12), ' ');
  const std::string indent(14, ' ');
  std::string text = id + "  " + device.name + (device.is_software ? " (software)" : "") + "\n";
  if (!device.driver.empty()) text += indent + "driver " + device.driver + "\n";
  if (const std::string trust = trust_of(machine, device); !trust.empty()) text += indent + trust + "\n";
  if (device.kind == DeviceKind::kReference) return text;
  const TargetInfo &info = device.info;
  text += indent + std::to_string(info.units) + " units, " + std::to_string(info.max_workers) + " workers a group, " +
          std::to_string(info.lanes) + " lanes, " + std::to_string(info.registers) + " registers\n";
  const auto peak = peaks.find(key_of(device));
  text +=
      indent + (peak == peaks.end() ? "peak not measured (--measure)" : "measured peak " + rates(peak->second)) + "\n";
  return text;
}

std::string as_text(Machine &machine, const PeakCache &peaks) {
  std::string text;
  for (const DeviceInfo &device : machine.devices()) text += describe(machine, device, peaks);
  for (const DeviceLeftOut &entry : machine.left_out()) text += "left out: " + entry.name + ": " + entry.reason + "\n";
  return text;
}

std::string as_json(Machine &machine, const PeakCache &peaks) {
  Json list = Json::array(), out_list = Json::array();
  for (const DeviceInfo &device : machine.devices()) {
    const std::string trust = trust_of(machine, device);
    const auto peak = peaks.find(key_of(device));
    const bool known = peak != peaks.end();
    list.push_back({{"id", device.id},
                    {"kind", name_of(device.kind)},
                    {"name", device.name},
                    {"driver", device.driver.empty() ? Json(nullptr) : Json(device.driver)},
                    {"trust", trust.empty() ? Json(nullptr) : Json(trust)},
                    {"is_software", device.is_software},
                    {"units", device.info.units},
                    {"lanes", device.info.lanes},
                    {"peak_gflops", known ? Json(peak->second.gflops) : Json(nullptr)},
                    {"read_gbs", known_rate(known ? peak->second.read_gbs : 0)},
                    {"one_thread_read_gbs", known_rate(known ? peak->second.one_thread_read_gbs : 0)}});
  }
  for (const DeviceLeftOut &entry : machine.left_out())
    out_list.push_back({{"name", entry.name}, {"reason", entry.reason}});
  return Json{{"devices", list}, {"left_out", out_list}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<TargetInfo> info_of(const std::string &name, Machine &machine, Console &console) {
  const Result<DeviceInfo> device = machine.find(name);
  if (device) return device->info;
  if (device.error().code == ErrorCode::kNoDevice) return device.error();
  return load_target_info(name, console);
}

/// A machine whose drivers were tried just now, whatever was known of them. It is another one than that which tried
/// them: devices that have failed are not among its own.
Result<std::shared_ptr<Machine>> probed_machine(const Console &console) {
  MachineOptions again;
  again.vulkan.probe = VulkanProbe::kAgain;
  SPARKLE_TRY(const std::shared_ptr<Machine> trying, Machine::open(again));
  for (const DeviceLeftOut &failed : trying->probe_vulkan()) console.note(failed.name + ": " + failed.reason);
  return Machine::open();
}

} // namespace

Result<ExitCode> devices(const DevicesCommand &command, Console &console) {
  if (command.json) console.use_json();
  SPARKLE_TRY(const std::shared_ptr<Machine> machine, command.probe ? probed_machine(console) : Machine::open());
  if (!command.info.empty()) {
    SPARKLE_TRY(const TargetInfo info, info_of(command.info, *machine, console));
    console.print(to_text(info));
    return ExitCode::kDone;
  }
  const std::string path = peak_cache_path();
  PeakCache peaks = path.empty() ? PeakCache{} : read_peak_cache(path);
  if (command.measure) {
    peaks = measure_all(*machine, machine->devices(), std::move(peaks), console);
    const Status written =
        path.empty() ? Error{ErrorCode::kIo, "no cache directory is known"} : write_peak_cache(path, peaks);
    if (!written) console.note("the peaks were not remembered: " + written.error().text);
  }
  console.print(command.json ? as_json(*machine, peaks) : as_text(*machine, peaks));
  return ExitCode::kDone;
}

} // namespace sparkle::cli
