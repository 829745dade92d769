#include "targets/llvm/host_features.h"

#include <array>
#include <cstdint>

#include <llvm/ADT/StringRef.h>
#include <llvm/TargetParser/Host.h>

namespace sparkle::llvm_target {
namespace {

#if defined(__x86_64__)

/// LLVM's own detection is used for tuning only: it has reported AVX-512 on machines without it, and code that uses
/// what a machine lacks dies of SIGILL.
struct HostLevels {
  bool avx2 = false;   ///< With fma, f16c, bmi, bmi2, lzcnt, movbe: x86-64-v3.
  bool avx512 = false; ///< F, BW, CD, DQ, VL: x86-64-v4.
  bool vnni = false;
};

/// XCR0: which register files the operating system saves. Only called where CPUID says XSAVE is in use.
uint64_t saved_states() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

HostLevels detect() {
  constexpr uint64_t kYmm = 0x6, kZmm = 0xE6;
  HostLevels host;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx")) return host;
  const uint64_t states = saved_states();
  host.avx2 = (states & kYmm) == kYmm && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  host.avx512 = host.avx2 && (states & kZmm) == kZmm && __builtin_cpu_supports("avx512f") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  host.vnni = host.avx512 && __builtin_cpu_supports("avx512vnni");
  return host;
}

Result<CpuModel> choose_x86(std::string_view cap) {
  const HostLevels host = detect();
  const std::string tune = llvm::sys::getHostCPUName().str();
  if (cap == "avx512" && !host.avx512) return Error{ErrorCode::kUnsupported, "this machine has no avx512"};
  if (cap == "avx2" && !host.avx2) return Error{ErrorCode::kUnsupported, "this machine has no avx2"};
  if (host.avx512 && cap != "avx2") return CpuModel{"x86-64-v4", tune, host.vnni ? "+avx512vnni" : ""};
  if (host.avx2) return CpuModel{"x86-64-v3", tune, ""};
  return CpuModel{"x86-64", tune, __builtin_cpu_supports("sse4.2") ? "+sse4.2" : ""};
}

#endif

} // namespace

Result<CpuModel> choose_cpu(std::string_view cap) {
  if (!cap.empty() && cap != "avx2" && cap != "avx512")
    return Error{ErrorCode::kInvalidInput, "instruction set `" + std::string(cap) + "` is not one of avx2, avx512"};
#if defined(__x86_64__)
  return choose_x86(cap);
#else
  if (!cap.empty()) return Error{ErrorCode::kUnsupported, "this machine has no " + std::string(cap)};
  const std::string name = llvm::sys::getHostCPUName().str();
  return CpuModel{name, name, ""};
#endif
}

} // namespace sparkle::llvm_target
