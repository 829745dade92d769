// What random flat code leaves in memory, with and without an allocation.
#pragma once

#include <gtest/gtest.h>

#include "targets/x86/text.h"
#include "targets/x86/verify.h"
#include "tests/unit/targets/x86/flat_machine.h"
#include "tests/unit/targets/x86/random_flat_code.h"

namespace sparkle::x86 {

inline std::vector<uint8_t> memory_after(const Function &function, const Allocation *allocation, uint32_t rubbish) {
  FlatMachine machine(function, allocation, rubbish);
  for (size_t i = 0; i < kRandomMemoryBytes; ++i) machine.memory.push_back(static_cast<uint8_t>(i * i >> 5));
  EXPECT_TRUE(machine.run(kRandomArguments, 1000000));
  return machine.memory;
}

inline void expect_valid(const Function &function) {
  const Status status = verify(function);
  EXPECT_TRUE(status) << (status ? "" : status.error().text);
}

/// How many registers are alive.
struct Pressure {
  const char *name;
  Family family;
  int general, vectors, masks;
};

inline constexpr Pressure kPressures[] = {
    {"Low", Family::kAvx2, 3, 6, 0},        {"General", Family::kAvx2, 24, 6, 0},
    {"Vectors", Family::kAvx2, 4, 30, 0},   {"All", Family::kAvx2, 30, 40, 0},
    {"Masks", Family::kAvx512, 6, 12, 10},  {"Everything", Family::kAvx512, 30, 60, 16},
    {"Fitting", Family::kAvx512, 8, 24, 4},
};

inline RandomCode random_of(const Pressure &pressure, uint32_t seed) {
  return {seed, {pressure.family, false}, pressure.general, pressure.vectors, pressure.masks, 50};
}

class X86Random : public testing::TestWithParam<Pressure> {};

inline std::string name_of_pressure(const testing::TestParamInfo<Pressure> &info) { return info.param.name; }

} // namespace sparkle::x86
