#include "tools/sparklec/doctor_checks.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>

#include <unistd.h>

#include "runtime/file_io.h"
#include "runtime/fill.h"
#include "runtime/jit.h"
#include "runtime/plain_c.h"
#include "targets/registry.h"
#include "tools/sparklec/peak_cache.h"

namespace sparkle::cli {
namespace {

constexpr int64_t kMostSysfsBytes = 4096;

/// A text that has all that kernels do: a reduction, padding, a parameter, a table.
constexpr const char *kSelfCheck = R"(
const K: f32[3] = [1, 2, 1];
kernel self_check(src: f32[H, W] outside 0, gain: f32 = 2) -> dst: f32[H, W] {
  dst[y, x] = gain * sum[i, j](K[i] * K[j] * src[y + i - 1, x + j - 1]);
})";
constexpr int64_t kSelfCheckHeight = 19, kSelfCheckWidth = 37;

std::string line_of(const std::string &path) {
  const auto text = read_text_file(path, kMostSysfsBytes);
  return text ? text->substr(0, text->find('\n')) : "";
}

std::string size_text(int64_t bytes) {
  if (bytes >= 1 << 20) return std::to_string(bytes >> 20) + " MiB";
  return std::to_string(bytes >> 10) + " KiB";
}

std::string caches_text(const CpuInfo &cpu) {
  std::string text;
  for (const CpuCache &cache : cpu.caches) {
    const char *kind = cache.kind == CacheKind::kData ? "data" : cache.kind == CacheKind::kUnified ? "" : "code";
    text += (text.empty() ? "L" : ", L") + std::to_string(cache.level) + (*kind ? " " : "") + kind + " " +
            size_text(cache.bytes);
  }
  return text;
}

Finding self_check(const std::shared_ptr<Machine> &machine, const DeviceInfo &device) {
  Finding finding{"device " + device.id, Health::kFine, {}, {}};
  const Source source("self_check.spk", kSelfCheck);
  JitOptions options;
  options.machine = machine;
  options.device = device.id + "!";
  ImportRequest request;
  request.values = {{"H", kSelfCheckHeight}, {"W", kSelfCheckWidth}};
  const auto fail = [&](const Error &error) {
    const bool bug = error.code == ErrorCode::kInternal || error.code == ErrorCode::kVerifyFailed;
    finding.health = bug ? Health::kWrong : Health::kMissing;
    finding.text = std::string(name_of(error.code)) + ": " + error.text;
    return finding;
  };
  Result<JitKernel> kernel = jit(source, request, options);
  if (!kernel) return fail(kernel.error());
  Result<HostTensor> src = HostTensor::allocate(Scalar::kF32, {kSelfCheckHeight, kSelfCheckWidth});
  Result<HostTensor> dst = HostTensor::allocate(Scalar::kF32, {kSelfCheckHeight, kSelfCheckWidth});
  if (!src || !dst) return fail(src ? dst.error() : src.error());
  fill_integers(*src, 1);
  Arguments arguments;
  arguments.tensors = {{"src", &*src}, {"dst", &*dst}};
  arguments.uniforms = {{"gain", 2}};
  JitRunOptions run;
  run.verify = true;
  run.verification.mode = VerifyMode::kFull;
  const Result<RunReport> report = kernel->run(arguments, run);
  if (!report) return fail(report.error());
  if (!report->verified) return fail({ErrorCode::kVerifyFailed, report->verify_text});
  finding.text = "compiles, runs, and gives what the interpreter gives";
  return finding;
}

struct Visits {
  std::atomic<int64_t> tasks{0};
  std::array<std::atomic<bool>, 1024> workers{};
};

} // namespace

std::string_view name_of(Health health) {
  static constexpr std::array<std::string_view, 4> kNames = {"ok", "warning", "missing", "wrong"};
  return kNames[static_cast<size_t>(health)];
}

std::vector<Finding> check_processor(const CpuInfo &cpu) {
  std::vector<Finding> findings;
  const std::string name = cpu.name.empty() ? "unknown processor" : cpu.name;
  const std::string features = to_text(cpu.features);
  findings.push_back({"cpu", Health::kFine, name + ": " + (features.empty() ? "none" : features), {}});
  if (!cpu.features.has_avx2()) {
    findings.back().health = Health::kMissing;
    findings.back().advice = cpu.isa_cap.empty() ? "code for the CPU needs AVX2 and FMA; `--device reference` runs"
                                                 : "SPARKLE_ISA or --isa caps the instruction set";
  } else if (!cpu.isa_cap.empty()) {
    findings.back().health = Health::kWarning;
    findings.back().advice = "the instruction set is capped at " + cpu.isa_cap + " by SPARKLE_ISA";
  }
  findings.push_back({"caches", Health::kFine, caches_text(cpu), {}});
  if (cpu.data_cache(1) == nullptr || cpu.data_cache(2) == nullptr) {
    findings.back().health = Health::kWarning;
    findings.back().text = cpu.caches.empty() ? "not told by the system" : findings.back().text;
    findings.back().advice = "tiles are sized for a typical machine; `--target-info FILE` says better";
  }
  return findings;
}

std::vector<Finding> check_steadiness(const CpuInfo &cpu, const std::string &system) {
  std::vector<Finding> findings;
  char quota[64];
  std::snprintf(quota, sizeof quota, "a control group grants %.2f processors", cpu.cpu_quota);
  findings.push_back({"cores",
                      Health::kFine,
                      std::to_string(cpu.usable_cores) + " usable of " + std::to_string(cpu.cores) + " cores, " +
                          std::to_string(cpu.logical_cpus) + " hardware threads",
                      {}});
  if (cpu.cpu_quota > 0 && cpu.cpu_quota < cpu.cores) {
    findings.back().health = Health::kWarning;
    findings.back().advice = std::string(quota) + ": more threads are throttled";
  } else if (cpu.logical_cpus == 1) {
    findings.back().health = Health::kWarning;
    findings.back().advice = "this process may use one hardware thread alone (see taskset)";
  }
  const std::string governor = line_of(system + "/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  findings.push_back(
      {"clock", Health::kFine, governor.empty() ? "the governor is not told" : "governor " + governor, {}});
  if (!governor.empty() && governor != "performance") {
    findings.back().health = Health::kWarning;
    findings.back().advice = "for steady times: `cpupower frequency-set -g performance`";
  }
  return findings;
}

std::vector<Finding> check_targets(Machine &machine) {
  std::vector<Finding> findings;
  const std::vector<DeviceLeftOut> left_out = machine.left_out();
  for (const Target &target : targets()) {
    const std::string name = "target " + std::string(target.name);
    const auto out =
        std::find_if(left_out.begin(), left_out.end(), [&](const DeviceLeftOut &entry) { return entry.name == name; });
    if (out == left_out.end())
      findings.push_back({name, Health::kFine, "loads", {}});
    else
      findings.push_back({name, Health::kMissing, out->reason,
                          "SPARKLE_PLUGIN_DIR names the folder of modules that are loaded when used"});
  }
  return findings;
}

std::vector<Finding> check_vulkan(Machine &machine) {
  std::vector<Finding> findings;
  for (const DeviceInfo &device : machine.vulkan())
    findings.push_back({device.id, device.is_software ? Health::kWarning : Health::kFine,
                        device.name + ", driver " + device.driver + ", " + machine.vulkan_trust(device.index),
                        device.is_software ? "this driver computes on the CPU: right, and slow" : ""});
  for (const DeviceLeftOut &out : machine.left_out())
    if (!out.name.starts_with("target "))
      findings.push_back({"vulkan", Health::kWarning, out.name + ": " + out.reason, {}});
  if (machine.vulkan().empty() && findings.empty()) findings.push_back({"vulkan", Health::kWarning, "no device", {}});
  if (machine.vulkan().empty()) findings.back().advice = "kernels run on the CPU; a GPU needs its Vulkan driver";
  return findings;
}

std::vector<Finding> check_threads(Machine &machine) {
  constexpr int64_t kTasks = 1000;
  Visits visits;
  const WorkerPool pool = machine.pool();
  const auto range = [](void *context, int worker, int64_t first, int64_t last) {
    auto &seen = *static_cast<Visits *>(context);
    seen.tasks += last - first;
    if (worker >= 0 && worker < static_cast<int>(seen.workers.size())) seen.workers[static_cast<size_t>(worker)] = true;
  };
  parallel_for(pool, kTasks, range, &visits);
  const std::string text = std::to_string(pool.workers) + " threads by " + std::string(ThreadPool::backend());
  if (visits.tasks == kTasks) return {{"threads", Health::kFine, text, {}}};
  return {{"threads", Health::kWrong, text + " ran " + std::to_string(visits.tasks) + " of 1000 tasks", {}}};
}

std::vector<Finding> check_cache_folder() {
  const std::filesystem::path folder = std::filesystem::path(peak_cache_path()).parent_path();
  const std::string advice = "SPARKLE_CACHE_DIR names another one; without it nothing is remembered";
  if (folder.empty()) return {{"cache", Health::kWarning, "no folder is known", advice}};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const std::string probe = (folder / ("doctor." + std::to_string(getpid()))).string();
  const std::array<uint8_t, 1> byte{0};
  const Status written = write_file(probe, byte);
  if (!written) return {{"cache", Health::kWarning, folder.string() + ": " + written.error().text, advice}};
  std::filesystem::remove(probe, failed);
  return {{"cache", Health::kFine, folder.string(), {}}};
}

std::vector<Finding> check_compilers() {
  const Result<CCompiler> compiler = find_c_compiler();
  if (!compiler)
    return {{"compiler", Health::kWarning, "no clang and no cc in PATH", "nothing can be compared with plain C"}};
  const bool is_clang = compiler->name.starts_with("clang");
  return {{"compiler", is_clang ? Health::kFine : Health::kWarning, compiler->path,
           is_clang ? "" : "comparisons with plain C are made for clang"}};
}

std::vector<Finding> check_devices(const std::shared_ptr<Machine> &machine) {
  std::vector<Finding> findings;
  for (const DeviceInfo &device : machine->devices()) findings.push_back(self_check(machine, device));
  return findings;
}

} // namespace sparkle::cli
