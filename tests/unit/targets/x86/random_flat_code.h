// Random flat code for FlatMachine: ends always, reads nothing undefined, and stores what all its registers hold.
#pragma once

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

struct RandomCode {
  uint32_t seed = 0;
  Isa isa;
  int general = 8; ///< Registers that live all the time; likewise the others.
  int vectors = 8;
  int masks = 0;          ///< Of kAvx512.
  int length = 60;        ///< Operations and blocks at the top.
  bool has_floats = true; ///< Operations of which it is open what NaN they give.
};

/// What FlatMachine::memory must have, and the arguments: places to read and to write.
inline constexpr size_t kRandomMemoryBytes = 32768;
inline constexpr std::array<uint64_t, 4> kRandomArguments = {1024, 16384, 5, 77};

Function random_code(const RandomCode &code);

} // namespace sparkle::x86
