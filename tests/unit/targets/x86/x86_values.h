// Elements of every type for tests, edge cases first.
#pragma once

#include <random>

#include "tests/unit/targets/x86/x86_kernels.h"

namespace sparkle::test {

inline std::vector<std::byte> elements(Scalar scalar, size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> out(count * static_cast<size_t>(bytes_of(scalar)));
  for (size_t i = 0; i < count; ++i) {
    uint64_t bits = random();
    const bool is_edge = i % 3 == seed % 3;
    constexpr uint32_t kReals[] = {0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x3F000000, 0xBFC00000,
                                   0x4F000000, 0xCF000000, 0x4EFFFFFF, 0x437F0000, 0x43000000, 0x00000001, 0x477FF000,
                                   0x38800001, 0xC3000000, 0x5F000000, 0x3F808000, 0x3F818000, 0x4B800001};
    constexpr int32_t kWholes[] = {0,   1,        -1, INT32_MAX, INT32_MIN,  127,        128, -128, 255,  -129,
                                   256, 16777217, 7,  -7,        0x01010000, 0x01010001, 9,   -9,   1000, -1000};
    switch (scalar) {
    case Scalar::kF32:
      if (is_edge)
        bits = kReals[random() % std::size(kReals)];
      else
        bits = std::bit_cast<uint32_t>(
            std::ldexp(static_cast<float>(static_cast<int32_t>(bits)), -static_cast<int>(random() % 40)));
      break;
    case Scalar::kI32:
      if (is_edge)
        bits = static_cast<uint32_t>(kWholes[random() % std::size(kWholes)]);
      else if (random() % 2 == 0)
        bits = static_cast<uint32_t>(static_cast<int32_t>(bits) >> (random() % 32));
      break;
    case Scalar::kBool: bits &= 1; break;
    default: break;
    }
    std::memcpy(out.data() + i * static_cast<size_t>(bytes_of(scalar)), &bits, static_cast<size_t>(bytes_of(scalar)));
  }
  return out;
}

inline constexpr int kLaneCounts[] = {1, 2, 3, 4, 5, 6, 8, 12, 16, 17, 32};

} // namespace sparkle::test
