#include "runtime/vulkan_target_info.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "compiler/support/checked_math.h"
#include "runtime/embedded_files.h"

namespace sparkle {
namespace {

constexpr std::string_view kGeneric = "generic_gpu";
constexpr int64_t kMostGroups = 0x7FFFFFFF; ///< The number of groups travels in 32 bits.

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

Result<std::string_view> embedded_text(std::string_view name) {
  for (const EmbeddedFile &file : embedded_files())
    if (file.name == name) return file.text;
  return Error{ErrorCode::kInvalidInput, "no file `" + std::string(name) + "` was built in"};
}

/// What lies between `->`: `text -> fixture`; an empty pair for blank lines and comments.
std::pair<std::string_view, std::string_view> read_rule(std::string_view line) {
  line = trim(line.substr(0, line.find('#')));
  const size_t arrow = line.find("->");
  if (arrow == std::string_view::npos) return {};
  return {trim(line.substr(0, arrow)), trim(line.substr(arrow + 2))};
}

int64_t product(const std::array<int64_t, 3> &counts) {
  int64_t all = 1;
  for (const int64_t count : counts) {
    const auto next = checked_mul(all, std::max<int64_t>(count, 1));
    if (!next || *next > kMostGroups) return kMostGroups;
    all = *next;
  }
  return all;
}

void set_near_memory(const VulkanLimits &limits, TargetInfo &info) {
  info.near_bytes = limits.shared_memory_bytes;
  info.near_bytes_unit = std::max(info.near_bytes_unit, info.near_bytes);
  for (MemoryInfo &memory : info.memories)
    if (memory.explicit_fill) memory.bytes = std::max(memory.bytes, limits.shared_memory_bytes);
}

/// Short elements need 16 bits before 8 count: devices with the latter alone are not known.
int shortest_element(bool has_16_bits, bool has_8_bits) { return !has_16_bits ? 4 : !has_8_bits ? 2 : 1; }

/// Rates come from the fixture; which shapes there are, from the driver.
void keep_known_matrix_units(const VulkanLimits &limits, TargetInfo &info) {
  std::erase_if(info.matrix_units, [&](const MatrixUnit &unit) {
    return std::ranges::none_of(limits.matrix_shapes, [&](const VulkanMatrixShape &shape) {
      return shape.m == unit.m && shape.n == unit.n && shape.k == unit.k && shape.a == unit.input &&
             shape.b == unit.input && shape.c == unit.accumulator && shape.d == unit.accumulator;
    });
  });
}

void set_far_memory(const VulkanLimits &limits, TargetInfo &info) {
  int64_t local = 0;
  for (const VulkanHeap &heap : limits.heaps)
    if (heap.device_local) local = std::max(local, heap.bytes);
  if (local > 0 && !info.memories.empty() && info.memories.back().bytes > 0) info.memories.back().bytes = local;
}

} // namespace

std::string_view fixture_for(const VulkanLimits &limits) {
  const Result<std::string_view> table = embedded_text("devices.txt");
  if (!table) return kGeneric;
  const std::string device = lower_case(limits.name), driver = lower_case(limits.driver_name);
  std::string_view rest = *table;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const auto [text, fixture] = read_rule(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.empty()) continue;
    const std::string wanted = lower_case(text);
    if (device.find(wanted) != std::string::npos || driver.find(wanted) != std::string::npos) return fixture;
  }
  return kGeneric;
}

Result<TargetInfo> embedded_target_info(std::string_view name) {
  const std::string file = std::string(name) + ".target";
  SPARKLE_TRY(const std::string_view text, embedded_text(file));
  Diagnostics diagnostics;
  return parse_target_info(Source(file, std::string(text)), diagnostics);
}

Result<TargetInfo> vulkan_target_info(const VulkanLimits &limits) {
  SPARKLE_TRY(TargetInfo info, embedded_target_info(fixture_for(limits)));
  info.name = limits.name;
  if (limits.subgroup_size > 0) info.team_workers = limits.subgroup_size;
  // Workers are numbered along x alone (artifact.h, ShaderCode).
  info.max_workers = static_cast<int>(std::min(limits.max_workgroup_invocations, limits.max_workgroup_size[0]));
  info.resident_workers = std::max(info.resident_workers, info.max_workers);
  info.max_groups = product(limits.max_workgroup_count);
  info.max_loop_rounds = limits.max_loop_rounds;
  info.max_buffer_bytes = limits.max_storage_buffer_range;
  info.far_element_bytes = shortest_element(limits.storage16, limits.storage8);
  info.near_element_bytes = shortest_element(limits.int16, limits.int8);
  set_near_memory(limits, info);
  set_far_memory(limits, info);
  keep_known_matrix_units(limits, info);
  return info;
}

} // namespace sparkle
