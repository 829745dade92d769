#include "targets/x86/isa.h"

#include "targets/host/host_isa.h"

namespace sparkle::x86 {

std::string_view name_of(Family family) { return family == Family::kAvx512 ? "avx512" : "avx2"; }

Result<Isa> host_isa(std::string_view cap) {
  SPARKLE_TRY(const HostIsa host, cap_host_isa(decode_host_isa(read_host_words()), cap));
  if (!host.avx2) return Error{ErrorCode::kUnsupported, "this machine has no avx2"};
  return Isa{host.avx512 ? Family::kAvx512 : Family::kAvx2, host.vnni};
}

} // namespace sparkle::x86
