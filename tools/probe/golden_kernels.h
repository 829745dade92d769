// Small kernels that together use what the language has: what a driver must compute right to be trusted.
#pragma once

#include <cstdint>
#include <span>

namespace sparkle::probe {

struct GoldenValue {
  const char *name = nullptr;
  int64_t value = 0;
};

struct GoldenKernel {
  const char *name;
  const char *text;
  GoldenValue values[5];      ///< Of its dimensions; those without a name are none.
  bool is_smooth = false;     ///< Random reals in place of small whole numbers: results need not be equal.
  const char *open = nullptr; ///< A dimension left open; its value counts at the call.
};

std::span<const GoldenKernel> golden_kernels();

} // namespace sparkle::probe
