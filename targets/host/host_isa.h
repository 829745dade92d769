// Which x86-64 instruction sets this machine has: what code that is made here may use.
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/support/result.h"

namespace sparkle {

/// What CPUID and XCR0 say; all 0 on other machines.
struct HostWords {
  uint32_t leaf1_ecx = 0, leaf7_ebx = 0, leaf7_ecx = 0, extended1_ecx = 0;
  uint64_t xcr0 = 0; ///< Which register files the operating system saves; read only where CPUID says that it can be.
};
HostWords read_host_words();

struct HostIsa {
  bool sse42 = false;
  bool avx2 = false;   ///< With FMA, F16C, BMI1, BMI2, LZCNT, MOVBE: x86-64-v3.
  bool avx512 = false; ///< Those and F, BW, CD, DQ, VL: x86-64-v4.
  bool vnni = false;   ///< AVX512_VNNI.
};
HostIsa decode_host_isa(const HostWords &words);

/// The machine's, without what is beyond `cap` (`avx2`, `avx512` or empty). kInvalidInput: no such cap; kUnsupported:
/// the machine has less than the cap.
Result<HostIsa> cap_host_isa(HostIsa host, std::string_view cap);

} // namespace sparkle
