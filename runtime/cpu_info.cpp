#include "runtime/cpu_info.h"

#include <algorithm>
#include <set>
#include <utility>

#include "compiler/support/string_builder.h"
#include "runtime/cpu_probe.h"

namespace sparkle {
namespace {

bool bit(uint32_t word, int position) { return word >> position & 1; }

void append_bytes(std::string &text, uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(word >> shift & 0xFF);
}

/// Leaves 0 and 1: SDM volume 2, CPUID, figure 3-6 (family and model).
void read_identity(const CpuReader &reader, CpuInfo &info) {
  const CpuidRegisters zero = reader.cpuid(0, 0), one = reader.cpuid(1, 0);
  if (zero.ebx == 0) return;
  for (const uint32_t word : {zero.ebx, zero.edx, zero.ecx}) append_bytes(info.vendor, word);
  info.stepping = static_cast<int>(one.eax & 15);
  info.model = static_cast<int>((one.eax >> 4 & 15) | (one.eax >> 12 & 0xF0));
  info.family = static_cast<int>((one.eax >> 8 & 15) + ((one.eax >> 8 & 15) == 15 ? one.eax >> 20 & 0xFF : 0));
  info.is_virtual = bit(one.ecx, 31);
  if (reader.cpuid(0x80000000, 0).eax < 0x80000004) return;
  std::string brand;
  for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
    const CpuidRegisters r = reader.cpuid(leaf, 0);
    for (const uint32_t word : {r.eax, r.ebx, r.ecx, r.edx}) append_bytes(brand, word);
  }
  info.name = trim(brand.substr(0, brand.find('\0')));
}

CpuFeatures read_features(const CpuReader &reader) {
  constexpr uint64_t kAvxState = 0x6, kAvx512State = 0xE6, kAmxState = 0x60000;
  CpuFeatures f;
  const CpuidRegisters one = reader.cpuid(1, 0);
  if (!bit(one.ecx, 27) || !bit(one.ecx, 28)) return f; // OSXSAVE, AVX
  const uint64_t saved = reader.xcr0();
  if ((saved & kAvxState) != kAvxState) return f;
  const bool has_seven = reader.cpuid(0, 0).eax >= 7;
  const CpuidRegisters seven = has_seven ? reader.cpuid(7, 0) : CpuidRegisters{};
  const CpuidRegisters more = has_seven && seven.eax >= 1 ? reader.cpuid(7, 1) : CpuidRegisters{};
  f.fma = bit(one.ecx, 12);
  f.f16c = bit(one.ecx, 29);
  f.avx2 = bit(seven.ebx, 5);
  f.avx_vnni = bit(more.eax, 4);
  if ((saved & kAvx512State) == kAvx512State && bit(seven.ebx, 16)) {
    f.avx512f = true;
    f.avx512dq = bit(seven.ebx, 17);
    f.avx512bw = bit(seven.ebx, 30);
    f.avx512vl = bit(seven.ebx, 31);
    f.avx512_vnni = bit(seven.ecx, 11);
    f.avx512_bf16 = bit(more.eax, 5);
  }
  if ((saved & kAmxState) == kAmxState && bit(seven.edx, 24)) {
    f.amx_tile = true;
    f.amx_bf16 = bit(seven.edx, 22);
    f.amx_int8 = bit(seven.edx, 25);
  }
  return f;
}

Status apply_cap(std::string_view cap, CpuFeatures &f) {
  if (cap.empty()) return ok();
  if (cap != "avx2" && cap != "avx512") {
    return Error{ErrorCode::kInvalidInput,
                 "`" + std::string(cap) + "` is no instruction set to stop at; use `avx2` or `avx512`"};
  }
  f.amx_tile = f.amx_int8 = f.amx_bf16 = false;
  if (cap == "avx512") return ok();
  CpuFeatures base;
  base.avx2 = f.avx2;
  base.fma = f.fma;
  base.f16c = f.f16c;
  f = base;
  return ok();
}

std::string cpu_folder(int cpu) {
  StringBuilder folder;
  folder << "/sys/devices/system/cpu/cpu" << cpu << '/';
  return folder.take();
}

/// Logical processors of one core, without sysfs: leaf 0xB level 0 (SMT), or AMD's 0x8000001E.
int cpuid_threads_per_core(const CpuReader &reader) {
  if (reader.cpuid(0, 0).eax >= 0xB) {
    const CpuidRegisters level = reader.cpuid(0xB, 0);
    if ((level.ecx >> 8 & 0xFF) == 1 && (level.ebx & 0xFFFF) != 0) return static_cast<int>(level.ebx & 0xFFFF);
  }
  if (reader.cpuid(0x80000000, 0).eax < 0x8000001E || !bit(reader.cpuid(0x80000001, 0).ecx, 22)) return 1;
  return static_cast<int>(reader.cpuid(0x8000001E, 0).ebx >> 8 & 0xFF) + 1;
}

void read_cores(const CpuReader &reader, const std::vector<int> &cpus, CpuInfo &info) {
  info.logical_cpus = std::max(1, static_cast<int>(cpus.size()));
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    auto siblings = read_line(reader, cpu_folder(cpu) + "topology/core_cpus_list");
    if (!siblings) siblings = read_line(reader, cpu_folder(cpu) + "topology/thread_siblings_list");
    if (siblings && cores.empty())
      info.threads_per_core = std::max(1, static_cast<int>(parse_cpu_list(*siblings).size()));
    if (siblings) cores.insert(*siblings);
  }
  if (cores.empty()) info.threads_per_core = cpuid_threads_per_core(reader);
  // Without the list of siblings, which of the processors share a core is unknown; then each counts.
  info.cores = cores.empty() ? info.logical_cpus : static_cast<int>(cores.size());
  info.cpu_quota = probe_cpu_quota(reader);
  // A quota of 1.5 runs two threads for three quarters of the time: all wait for the throttled one at the end of a
  // launch.
  const double granted = info.cpu_quota > 0 ? std::min<double>(info.cpu_quota, info.cores) : info.cores;
  info.usable_cores = std::max(1, static_cast<int>(granted));
}

/// `... @ 2.50GHz` in the brand string.
double brand_ghz(const std::string &name) {
  const size_t at = name.rfind("@ "), unit = name.rfind("GHz");
  if (at == std::string::npos || unit == std::string::npos || unit < at + 2) return 0;
  return parse_real(trim(std::string_view(name).substr(at + 2, unit - at - 2))).value_or(0);
}

double file_ghz(const CpuReader &reader, const std::string &path) {
  return parse_real(read_line(reader, path).value_or("")).value_or(0) / 1e6; // kHz
}

double current_ghz(const CpuReader &reader) {
  const std::string text = reader.read_file("/proc/cpuinfo").value_or("");
  const size_t at = text.find("cpu MHz");
  const size_t colon = at == std::string::npos ? at : text.find(':', at);
  if (colon == std::string::npos) return 0;
  const std::string_view value = std::string_view(text).substr(colon + 1, text.find('\n', colon) - colon - 1);
  return parse_real(trim(value)).value_or(0) / 1e3;
}

void read_clock(const CpuReader &reader, int cpu, CpuInfo &info) {
  const bool has_leaf = reader.cpuid(0, 0).eax >= 0x16 && info.vendor == "GenuineIntel";
  const CpuidRegisters leaf = has_leaf ? reader.cpuid(0x16, 0) : CpuidRegisters{};
  const auto first_known = [](double a, double b) { return a > 0 ? a : b; };
  const std::string folder = cpu_folder(cpu) + "cpufreq/";
  info.base_ghz = first_known((leaf.eax & 0xFFFF) / 1e3, file_ghz(reader, folder + "base_frequency"));
  info.base_ghz = first_known(info.base_ghz, brand_ghz(info.name));
  info.max_ghz = first_known((leaf.ebx & 0xFFFF) / 1e3, file_ghz(reader, folder + "cpuinfo_max_freq"));
  info.current_ghz = current_ghz(reader);
}

} // namespace

const CpuCache *CpuInfo::data_cache(int level) const {
  for (const CpuCache &cache : caches) {
    if (cache.level == level && cache.kind != CacheKind::kInstruction) return &cache;
  }
  return nullptr;
}

Result<CpuInfo> detect_cpu(const CpuReader &reader, std::string_view isa_cap) {
  CpuInfo info;
  info.isa_cap = isa_cap.empty() ? reader.environment("SPARKLE_ISA").value_or("") : std::string(isa_cap);
  read_identity(reader, info);
  info.features = read_features(reader);
  SPARKLE_TRY_STATUS(apply_cap(info.isa_cap, info.features));
  std::vector<int> cpus = reader.affinity();
  if (cpus.empty()) cpus = parse_cpu_list(read_line(reader, "/sys/devices/system/cpu/online").value_or(""));
  const int first = cpus.empty() ? 0 : cpus.front();
  info.caches = probe_caches(reader, first, info.vendor);
  read_cores(reader, cpus, info);
  read_clock(reader, first, info);
  return info;
}

std::string to_text(const CpuFeatures &f) {
  const std::pair<bool, std::string_view> all[] = {{f.avx2, "avx2"},
                                                   {f.fma, "fma"},
                                                   {f.f16c, "f16c"},
                                                   {f.avx_vnni, "avx_vnni"},
                                                   {f.avx512f, "avx512f"},
                                                   {f.avx512bw, "avx512bw"},
                                                   {f.avx512vl, "avx512vl"},
                                                   {f.avx512dq, "avx512dq"},
                                                   {f.avx512_vnni, "avx512_vnni"},
                                                   {f.avx512_bf16, "avx512_bf16"},
                                                   {f.amx_tile, "amx_tile"},
                                                   {f.amx_int8, "amx_int8"},
                                                   {f.amx_bf16, "amx_bf16"}};
  std::string words;
  for (const auto &[has, name] : all) {
    if (has) words += (words.empty() ? "" : " ") + std::string(name);
  }
  return words;
}

std::string to_text(const CpuInfo &info) {
  StringBuilder out;
  out.line("name ", info.name.empty() ? "unknown" : info.name);
  out.line("vendor ", info.vendor, " family ", info.family, " model ", info.model, " stepping ", info.stepping);
  out.line("features ", to_text(info.features));
  if (!info.isa_cap.empty()) out.line("isa_cap ", info.isa_cap);
  static constexpr std::string_view kKinds[] = {"data", "instruction", "unified"};
  for (const CpuCache &cache : info.caches) {
    out.line("cache L", cache.level, ' ', kKinds[static_cast<int>(cache.kind)], ' ', cache.bytes, " bytes, line ",
             cache.line_bytes, ", ", cache.ways, " ways, shared by ", cache.sharing_cpus);
  }
  out.line("cores ", info.usable_cores, " usable of ", info.cores, " (", info.logical_cpus, " logical processors, ",
           info.threads_per_core, " a core, quota ", info.cpu_quota, ")");
  out.line("clock ", info.base_ghz, " base, ", info.max_ghz, " max, ", info.current_ghz, " now (GHz, 0: unknown)");
  if (info.is_virtual) out.line("virtual machine");
  return out.take();
}

} // namespace sparkle
