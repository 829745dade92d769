#include "runtime/cpu_reader.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sparkle {
namespace {

constexpr int kMostCpus = 1 << 16; ///< The kernel refuses masks that are too small; no machine needs more than this.

class HostReader final : public CpuReader {
public:
  CpuidRegisters cpuid(uint32_t leaf, uint32_t subleaf) const override {
    CpuidRegisters out;
#if defined(__x86_64__)
    // Beyond the highest leaf Intel processors answer with that leaf; __get_cpuid_count checks.
    if (!__get_cpuid_count(leaf, subleaf, &out.eax, &out.ebx, &out.ecx, &out.edx)) out = {};
#else
    (void)leaf, (void)subleaf;
#endif
    return out;
  }

  uint64_t xcr0() const override {
#if defined(__x86_64__)
    uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0)); // the intrinsic would need -mxsave
    return uint64_t{high} << 32 | low;
#else
    return 0;
#endif
  }

  std::optional<std::string> read_file(const std::string &path) const override {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (file.bad()) return std::nullopt;
    return text;
  }

  std::vector<int> affinity() const override {
    std::vector<int> cpus;
#if defined(__linux__)
    for (int count = CPU_SETSIZE; count <= kMostCpus && cpus.empty(); count *= 2) cpus = affinity_of(count);
#endif
    return cpus;
  }

  std::optional<std::string> environment(const std::string &name) const override {
    const char *value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  }

private:
#if defined(__linux__)
  static std::vector<int> affinity_of(int count) {
    std::vector<int> cpus;
    cpu_set_t *set = CPU_ALLOC(count);
    if (!set) return cpus;
    const size_t bytes = CPU_ALLOC_SIZE(count);
    CPU_ZERO_S(bytes, set);
    if (sched_getaffinity(0, bytes, set) == 0) {
      for (int cpu = 0; cpu < count; ++cpu) {
        if (CPU_ISSET_S(cpu, bytes, set)) cpus.push_back(cpu);
      }
    }
    CPU_FREE(set);
    return cpus;
  }
#endif
};

} // namespace

std::unique_ptr<CpuReader> host_cpu_reader() { return std::make_unique<HostReader>(); }

} // namespace sparkle
