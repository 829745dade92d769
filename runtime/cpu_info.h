// What this processor is and what this process may use of it: instruction sets, caches, cores, clock.
// Nothing is assumed: what the machine does not say is 0 or absent.
// Sources: Intel SDM volume 2 (CPUID) and volume 1 chapter 13 (XCR0); AMD APM volume 3 appendix E; Linux
// Documentation/ABI/testing/sysfs-devices-system-cpu and admin-guide/cgroup-v1, cgroup-v2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/support/result.h"
#include "runtime/cpu_reader.h"

namespace sparkle {

/// Usable instruction sets: the processor has them, the system saves their registers, and the cap allows them.
/// AMX also needs a permission of the system (arch_prctl ARCH_REQ_XCOMP_PERM) before the first use.
struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx_vnni = false; ///< VNNI on 256 bits without AVX-512.
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512dq = false;
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool amx_tile = false;
  bool amx_int8 = false;
  bool amx_bf16 = false;
  bool operator==(const CpuFeatures &) const = default;

  /// What kernels with 16 lanes need.
  bool has_avx512() const { return avx512f && avx512bw && avx512vl && avx512dq; }
  bool has_avx2() const { return avx2 && fma; }
};

enum class CacheKind : uint8_t { kData, kInstruction, kUnified };

struct CpuCache {
  int level = 0;
  CacheKind kind = CacheKind::kUnified;
  int64_t bytes = 0;
  int64_t line_bytes = 0;
  int ways = 0;         ///< 0: fully associative or unknown.
  int sharing_cpus = 1; ///< Logical processors that share one instance.
  bool operator==(const CpuCache &) const = default;
};

struct CpuInfo {
  std::string vendor; ///< `GenuineIntel`, `AuthenticAMD`; empty: not x86.
  std::string name;   ///< Brand string, trimmed.
  int family = 0;     ///< With the extended family added.
  int model = 0;
  int stepping = 0;
  bool is_virtual = false; ///< Under a hypervisor: sharing and clock may be invented.

  CpuFeatures features;
  std::string isa_cap; ///< `avx2`, `avx512`, or empty.

  std::vector<CpuCache> caches; ///< Of the first usable processor, by level; empty: unknown.

  int logical_cpus = 1;     ///< In the affinity mask.
  int threads_per_core = 1; ///< Logical processors of one core.
  int cores = 1;            ///< Distinct cores in the affinity mask.
  double cpu_quota = 0;     ///< Processors' worth of time that control groups grant; 0: no limit.
  /// Threads that can compute without sharing a core or being throttled: `cores`, at most the quota rounded down, at
  /// least 1.
  int usable_cores = 1;

  double base_ghz = 0;    ///< Nominal.
  double max_ghz = 0;     ///< Boost.
  double current_ghz = 0; ///< At the time of reading.

  /// The data or unified cache of a level, or nullptr.
  const CpuCache *data_cache(int level) const;
};

/// `isa_cap` (`avx2` or `avx512`) forbids what goes beyond it; empty: the environment variable SPARKLE_ISA, if set,
/// does. A cap above what the machine has changes nothing. kInvalidInput: any other text.
Result<CpuInfo> detect_cpu(const CpuReader &reader, std::string_view isa_cap = {});

/// `avx2 fma f16c`: the usable ones, with spaces between.
std::string to_text(const CpuFeatures &features);

/// One `key value` a line, for people.
std::string to_text(const CpuInfo &info);

} // namespace sparkle
