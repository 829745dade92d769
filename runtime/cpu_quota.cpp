#include <algorithm>
#include <sstream>

#include "compiler/support/string_builder.h"
#include "runtime/cpu_probe.h"

namespace sparkle {
namespace {

/// A mounted hierarchy: the folder `root` of the hierarchy is seen at `mount_point`.
struct Hierarchy {
  bool is_unified = false;
  std::string root;
  std::string mount_point;
};

std::vector<std::string> words_of(const std::string &line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool has_item(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == item) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

/// A line of mountinfo: id parent device root mount-point options [tags]... - type source super-options (proc(5)).
std::optional<Hierarchy> parse_mount(const std::string &line) {
  const auto words = words_of(line);
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (words.end() - dash < 4 || dash - words.begin() < 6) return std::nullopt;
  const bool is_unified = dash[1] == "cgroup2";
  if (!is_unified && !(dash[1] == "cgroup" && has_item(dash[3], "cpu"))) return std::nullopt;
  return Hierarchy{is_unified, words[3], words[4]};
}

/// The path of this process in the hierarchy, from /proc/self/cgroup (`id:controllers:path`; version 2: `0::path`).
std::optional<std::string> group_path(const std::string &groups, bool is_unified) {
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool matches =
        is_unified ? controllers.empty() && line.substr(0, first) == "0" : has_item(controllers, "cpu");
    if (matches) return line.substr(second + 1);
  }
  return std::nullopt;
}

double smaller_limit(double a, double b) {
  if (a <= 0 || b <= 0) return std::max(a, b);
  return std::min(a, b);
}

double quotient(std::string_view quota, std::string_view period) {
  const auto time = parse_real(quota), span = parse_real(period);
  return time && span && *time > 0 && *span > 0 ? *time / *span : 0; // `max` and -1 say: no limit
}

double folder_quota(const CpuReader &reader, const std::string &folder, bool is_unified) {
  if (!is_unified) {
    return quotient(read_line(reader, folder + "/cpu.cfs_quota_us").value_or(""),
                    read_line(reader, folder + "/cpu.cfs_period_us").value_or(""));
  }
  const auto words = words_of(read_line(reader, folder + "/cpu.max").value_or(""));
  return words.size() == 2 ? quotient(words[0], words[1]) : 0;
}

/// The least limit of a group and all groups around it, as far as they are mounted.
double hierarchy_quota(const CpuReader &reader, const Hierarchy &hierarchy, std::string path) {
  // In a container the mounted root may be the container's own group: then the path is below it, or not visible at all.
  if (hierarchy.root != "/" && path.starts_with(hierarchy.root)) path = path.substr(hierarchy.root.size());
  double quota = 0;
  while (!path.empty() && path != "/") {
    quota = smaller_limit(quota, folder_quota(reader, hierarchy.mount_point + path, hierarchy.is_unified));
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  return smaller_limit(quota, folder_quota(reader, hierarchy.mount_point, hierarchy.is_unified));
}

} // namespace

double probe_cpu_quota(const CpuReader &reader) {
  const auto mounts = reader.read_file("/proc/self/mountinfo");
  const auto groups = reader.read_file("/proc/self/cgroup");
  if (!mounts || !groups) return 0;
  double quota = 0;
  std::istringstream lines(*mounts);
  for (std::string line; std::getline(lines, line);) {
    const auto hierarchy = parse_mount(line);
    if (!hierarchy) continue;
    const auto path = group_path(*groups, hierarchy->is_unified);
    if (path) quota = smaller_limit(quota, hierarchy_quota(reader, *hierarchy, *path));
  }
  return quota;
}

} // namespace sparkle
