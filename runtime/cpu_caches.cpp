#include <algorithm>

#include "compiler/support/string_builder.h"
#include "runtime/cpu_probe.h"

namespace sparkle {
namespace {

constexpr int kMostCaches = 16;

std::optional<int64_t> read_number(const CpuReader &reader, const std::string &path) {
  const auto line = read_line(reader, path);
  return line ? parse_bytes(*line) : std::nullopt;
}

std::optional<CacheKind> kind_of(std::string_view text) {
  if (text == "Data") return CacheKind::kData;
  if (text == "Instruction") return CacheKind::kInstruction;
  if (text == "Unified") return CacheKind::kUnified;
  return std::nullopt;
}

std::optional<CpuCache> read_sysfs_cache(const CpuReader &reader, const std::string &folder) {
  const auto level = read_number(reader, folder + "level");
  const auto kind = kind_of(read_line(reader, folder + "type").value_or(""));
  const auto bytes = read_number(reader, folder + "size");
  if (!level || !kind || !bytes || *bytes == 0) return std::nullopt;
  CpuCache cache;
  cache.level = static_cast<int>(*level);
  cache.kind = *kind;
  cache.bytes = *bytes;
  cache.line_bytes = read_number(reader, folder + "coherency_line_size").value_or(0);
  cache.ways = static_cast<int>(read_number(reader, folder + "ways_of_associativity").value_or(0));
  const auto sharing = parse_cpu_list(read_line(reader, folder + "shared_cpu_list").value_or(""));
  cache.sharing_cpus = std::max(1, static_cast<int>(sharing.size()));
  return cache;
}

std::vector<CpuCache> sysfs_caches(const CpuReader &reader, int cpu) {
  std::vector<CpuCache> caches;
  for (int index = 0; index < kMostCaches; ++index) {
    StringBuilder folder;
    folder << "/sys/devices/system/cpu/cpu" << cpu << "/cache/index" << index << '/';
    if (!reader.read_file(folder.text() + "level")) break;
    if (const auto cache = read_sysfs_cache(reader, folder.text())) caches.push_back(*cache);
  }
  return caches;
}

/// Leaves 4 and 0x8000001D share one form: EAX type[4:0], level[7:5], fully associative[9], sharing - 1 [25:14];
/// EBX line - 1 [11:0], partitions - 1 [21:12], ways - 1 [31:22]; ECX sets - 1.
std::optional<CpuCache> decode_cache(const CpuidRegisters &r) {
  const uint32_t type = r.eax & 31;
  if (type < 1 || type > 3) return std::nullopt;
  static constexpr CacheKind kKinds[] = {CacheKind::kData, CacheKind::kInstruction, CacheKind::kUnified};
  const int64_t line = (r.ebx & 0xFFF) + 1, partitions = (r.ebx >> 12 & 0x3FF) + 1, ways = (r.ebx >> 22) + 1;
  CpuCache cache;
  cache.level = static_cast<int>(r.eax >> 5 & 7);
  cache.kind = kKinds[type - 1];
  cache.bytes = line * partitions * ways * (int64_t{r.ecx} + 1);
  cache.line_bytes = line;
  cache.ways = (r.eax >> 9 & 1) ? 0 : static_cast<int>(ways);
  cache.sharing_cpus = static_cast<int>(r.eax >> 14 & 0xFFF) + 1;
  return cache;
}

std::vector<CpuCache> cpuid_caches(const CpuReader &reader, std::string_view vendor) {
  constexpr uint32_t kTopologyExtensions = 1u << 22;
  const bool is_amd = vendor == "AuthenticAMD" || vendor == "HygonGenuine";
  // AMD lists caches only where it says so; before that, its leaves 0x80000005 and 6 had another form.
  if (is_amd && !(reader.cpuid(0x80000001, 0).ecx & kTopologyExtensions)) return {};
  const uint32_t leaf = is_amd ? 0x8000001D : 4;
  if (reader.cpuid(is_amd ? 0x80000000 : 0, 0).eax < leaf) return {};
  std::vector<CpuCache> caches;
  for (uint32_t index = 0; index < kMostCaches; ++index) {
    const auto cache = decode_cache(reader.cpuid(leaf, index));
    if (!cache) break;
    caches.push_back(*cache);
  }
  return caches;
}

} // namespace

std::vector<CpuCache> probe_caches(const CpuReader &reader, int cpu, std::string_view vendor) {
  std::vector<CpuCache> caches = sysfs_caches(reader, cpu);
  if (caches.empty() && !vendor.empty()) caches = cpuid_caches(reader, vendor);
  std::stable_sort(caches.begin(), caches.end(),
                   [](const CpuCache &a, const CpuCache &b) { return a.level < b.level; });
  return caches;
}

} // namespace sparkle
