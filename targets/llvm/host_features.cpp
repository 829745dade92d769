#include "targets/llvm/host_features.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/TargetParser/Host.h>

#include "targets/host/host_isa.h"

namespace sparkle::llvm_target {
namespace {

#if defined(__x86_64__)

/// LLVM's own detection is used for tuning only: it has reported AVX-512 on machines without it, and code that uses
/// what a machine lacks dies of SIGILL.
Result<CpuModel> choose_x86(std::string_view cap) {
  SPARKLE_TRY(const HostIsa host, cap_host_isa(decode_host_isa(read_host_words()), cap));
  const std::string tune = llvm::sys::getHostCPUName().str();
  if (host.avx512) return CpuModel{"x86-64-v4", tune, host.vnni ? "+avx512vnni" : ""};
  if (host.avx2) return CpuModel{"x86-64-v3", tune, ""};
  return CpuModel{"x86-64", tune, host.sse42 ? "+sse4.2" : ""};
}

#endif

} // namespace

Result<CpuModel> choose_cpu(std::string_view cap) {
#if defined(__x86_64__)
  return choose_x86(cap);
#else
  SPARKLE_TRY_STATUS(cap_host_isa({}, cap));
  const std::string name = llvm::sys::getHostCPUName().str();
  return CpuModel{name, name, ""};
#endif
}

} // namespace sparkle::llvm_target
