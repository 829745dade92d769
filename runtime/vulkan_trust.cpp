#include "runtime/vulkan_trust.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>

#include <dlfcn.h>
#include <unistd.h>

#include "compiler/support/diagnostics.h"
#include "runtime/cache_folder.h"
#include "runtime/helper_process.h"
#include "runtime/vulkan_driver_files.h"

namespace sparkle::vulkan {
namespace {

namespace fs = std::filesystem;

/// Verdicts of other sets of kernels do not count: part of every key, raised with tools/probe/golden_kernels.cpp.
constexpr const char *kRevision = "probe 1\n";
/// Loading drivers and listing their devices takes milliseconds, and seconds where a GPU wakes up.
constexpr double kListSeconds = 30;
constexpr const char *kProgram = "sparkle-probe-device";
constexpr const char *kAgainHint = "; `sparklec devices --probe` tries again";

std::string hex(const std::array<uint8_t, 16> &bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) text += {kDigits[byte >> 4], kDigits[byte & 15]};
  return text;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

/// Beside the running program; beside this library, and in `bin` beside the library's folder.
std::vector<fs::path> program_places(const std::string &named) {
  if (!named.empty()) return {named};
  std::vector<fs::path> places;
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) places.push_back(program.parent_path() / kProgram);
  Dl_info here;
  if (dladdr(reinterpret_cast<const void *>(&identity_of), &here) && here.dli_fname) {
    const fs::path folder = fs::absolute(here.dli_fname, failed).parent_path();
    places.push_back(folder / kProgram);
    places.push_back(folder.parent_path() / "bin" / kProgram);
  }
  return places;
}

Result<std::string> find_program(const std::string &named) {
  std::string text;
  for (const fs::path &place : program_places(named)) {
    std::error_code failed;
    if (fs::is_regular_file(place, failed) && ::access(place.c_str(), X_OK) == 0) return place.string();
    text += " " + place.string();
  }
  return Error{ErrorCode::kIo, std::string(kProgram) + " is not installed; looked for:" + text};
}

std::vector<std::string> lines_of(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// Where it was when it ended: the last line says what was begun.
std::string bad_end(const HelperEnd &end, const std::string &last, double seconds) {
  std::string how = "it ended with exit code " + std::to_string(end.exit_code);
  if (end.signal != 0) how = "it crashed with " + signal_text(end.signal);
  if (end.timed_out) how = "it did not end within " + std::to_string(static_cast<int>(seconds)) + " s";
  return how + " at `" + last + "`";
}

} // namespace

std::string identity_of(const VulkanLimits &limits) {
  const std::string numbers = std::to_string(limits.vendor_id) + ":" + std::to_string(limits.device_id) + ":" +
                              std::to_string(limits.driver_id) + ":" + std::to_string(limits.driver_version) + ":" +
                              std::to_string(limits.api_major) + "." + std::to_string(limits.api_minor) + "." +
                              std::to_string(limits.api_patch);
  return numbers + " " + hex(limits.uuid) + " " + hex(limits.pipeline_cache_uuid) + " " + limits.name + ", " +
         limits.driver_name + " " + limits.driver_info;
}

std::optional<VulkanProbe> parse_probe(std::string_view word) {
  if (word == "off") return VulkanProbe::kOff;
  if (word == "known") return VulkanProbe::kKnown;
  if (word == "new") return VulkanProbe::kNew;
  if (word == "again") return VulkanProbe::kAgain;
  return std::nullopt;
}

Trust::Trust(const VulkanOptions &options)
    : options_(options),
      verdicts_(cache_folder().empty() ? "" : cache_folder() + "/drivers", options.probe == VulkanProbe::kAgain) {}

std::string Trust::key_of(const VulkanLimits &limits) const { return kRevision + files_ + identity_of(limits); }

/// The helper writes a first line before it touches a driver, a line before each step, and `done` or `wrong ...`.
Trust::Outcome Trust::probe(const std::vector<std::string> &words, double seconds) const {
  const auto nothing = [](std::string why) { return Outcome{false, {false, std::move(why), {}}}; };
  const auto program = find_program(options_.probe_program);
  if (!program) return nothing(program.error().text);
  std::vector<std::string> command{*program, options_.loader};
  command.insert(command.end(), words.begin(), words.end());
  const Result<HelperEnd> end = run_helper(command, seconds);
  if (!end) return nothing(end.error().text);
  const std::vector<std::string> lines = lines_of(end->output);
  if (lines.empty() || lines.front() != kProbeGreeting) return nothing(*program + " does not run here");
  const std::string &last = lines.back();
  if (last.starts_with("cannot ")) return nothing(escape_control(last));
  const bool ended_well = !end->timed_out && end->signal == 0;
  if (ended_well && last == "done") return {true, {true, {}, today()}};
  if (ended_well && last.starts_with("wrong ")) return {true, {false, last.substr(6), today()}};
  return {true, {false, bad_end(*end, last, seconds), today()}};
}

Status Trust::judge(const std::string &key, const std::string &what, const std::vector<std::string> &words,
                    double seconds) {
  const std::lock_guard lock(mutex_);
  std::optional<Verdict> verdict = verdicts_.find(key);
  if (!verdict && probes() && !unprobed_.contains(key)) {
    Outcome outcome = probe(words, seconds);
    if (outcome.is_verdict) {
      // Where it cannot be written it holds for this object.
      static_cast<void>(verdicts_.remember(key, outcome.verdict));
      verdict = std::move(outcome.verdict);
    } else {
      unprobed_[key] = outcome.verdict.reason;
    }
  }
  if (!verdict || verdict->is_good) return ok();
  return Error{ErrorCode::kNoDevice,
               what + " quarantined since " + verdict->date + ": when tried, " + verdict->reason + kAgainHint};
}

Status Trust::may_load() {
  if (options_.probe == VulkanProbe::kOff) return ok();
  files_ = driver_files();
  if (files_.empty()) return ok(); // nothing to load
  return judge(kRevision + files_, "the Vulkan drivers are", {"list"}, std::min(options_.probe_seconds, kListSeconds));
}

Status Trust::may_use(const VulkanLimits &limits, size_t index) {
  if (options_.probe == VulkanProbe::kOff) return ok();
  return judge(key_of(limits), limits.name + " is", {"test", std::to_string(index), identity_of(limits)},
               options_.probe_seconds);
}

DeviceTrust Trust::of(const VulkanLimits &limits) {
  if (options_.probe == VulkanProbe::kOff) return {false, "not probed: SPARKLE_PROBE is off"};
  const std::string key = key_of(limits);
  const std::lock_guard lock(mutex_);
  if (const auto verdict = verdicts_.find(key)) {
    if (verdict->is_good) return {false, "probed on " + verdict->date + ": it computes right"};
    return {true, "quarantined since " + verdict->date + ": when tried, " + verdict->reason + kAgainHint};
  }
  if (const auto why = unprobed_.find(key); why != unprobed_.end()) return {false, "not probed: " + why->second};
  if (options_.probe == VulkanProbe::kKnown) return {false, "not probed: SPARKLE_PROBE is known"};
  if (const auto program = find_program(options_.probe_program); !program)
    return {false, "not probed: " + program.error().text};
  return {false, "not probed yet: its first use does"};
}

} // namespace sparkle::vulkan
