// Instruction set families that machine code is made for, and what each one has.
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/support/result.h"

namespace sparkle::x86 {

/// kAvx2: AVX2, FMA, F16C, BMI1, BMI2. kAvx512: those and F, BW, CD, DQ, VL.
enum class Family : uint8_t { kAvx2, kAvx512 };
/// `avx2`, `avx512`.
std::string_view name_of(Family family);

/// What instruction selection may use. Everything else follows from the family.
struct Isa {
  Family family = Family::kAvx2;
  bool vnni = false; ///< AVX512_VNNI: vpdpbusd on all vectors.

  bool has_masks() const { return family == Family::kAvx512; }
  int vector_bytes() const { return has_masks() ? 64 : 32; }
  int vector_lanes() const { return vector_bytes() / 4; }
  int vector_registers() const { return has_masks() ? 32 : 16; }
};

/// The best that this machine has and its operating system saves (CPUID, XCR0), at most `cap` (`avx2`, `avx512` or
/// empty). kUnsupported: the machine has less than the cap or than any family; kInvalidInput: no such cap.
Result<Isa> host_isa(std::string_view cap);

} // namespace sparkle::x86
