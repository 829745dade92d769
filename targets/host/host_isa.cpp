#include "targets/host/host_isa.h"

#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sparkle {
namespace {

// Intel SDM, volume 2A, CPUID; volume 1, 13.3 for XCR0.
constexpr uint32_t kLeaf1Sse42 = 1u << 20, kLeaf1SavesStates = 1u << 27;
constexpr uint32_t kLeaf1Avx2 = 1u << 12 | 1u << 22 | 1u << 28 | 1u << 29;              // FMA, MOVBE, AVX, F16C
constexpr uint32_t kLeaf7Avx2 = 1u << 3 | 1u << 5 | 1u << 8;                            // BMI1, AVX2, BMI2
constexpr uint32_t kLeaf7Avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; // F, DQ, CD, BW, VL
constexpr uint32_t kLeaf7Vnni = 1u << 11;
constexpr uint32_t kExtended1Lzcnt = 1u << 5;
constexpr uint64_t kSavesYmm = 0x6, kSavesZmm = 0xE6;

bool has_all(uint64_t word, uint64_t bits) { return (word & bits) == bits; }

} // namespace

HostWords read_host_words() {
  HostWords words;
#if defined(__x86_64__)
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) words.leaf1_ecx = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) words.leaf7_ebx = ebx, words.leaf7_ecx = ecx;
  if (__get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx)) words.extended1_ecx = ecx;
  if (has_all(words.leaf1_ecx, kLeaf1SavesStates)) {
    uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0)); // the intrinsic would need -mxsave
    words.xcr0 = uint64_t{high} << 32 | low;
  }
#endif
  return words;
}

HostIsa decode_host_isa(const HostWords &words) {
  HostIsa host;
  host.sse42 = has_all(words.leaf1_ecx, kLeaf1Sse42);
  host.avx2 = has_all(words.leaf1_ecx, kLeaf1Avx2 | kLeaf1SavesStates) && has_all(words.leaf7_ebx, kLeaf7Avx2) &&
              has_all(words.extended1_ecx, kExtended1Lzcnt) && has_all(words.xcr0, kSavesYmm);
  host.avx512 = host.avx2 && has_all(words.leaf7_ebx, kLeaf7Avx512) && has_all(words.xcr0, kSavesZmm);
  host.vnni = host.avx512 && has_all(words.leaf7_ecx, kLeaf7Vnni);
  return host;
}

Result<HostIsa> cap_host_isa(HostIsa host, std::string_view cap) {
  if (cap.empty()) return host;
  if (cap != "avx2" && cap != "avx512")
    return Error{ErrorCode::kInvalidInput, "instruction set `" + std::string(cap) + "` is not one of avx2, avx512"};
  if (cap == "avx2" ? !host.avx2 : !host.avx512)
    return Error{ErrorCode::kUnsupported, "this machine has no " + std::string(cap)};
  if (cap == "avx2") host.avx512 = host.vnni = false;
  return host;
}

} // namespace sparkle
