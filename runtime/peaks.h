// Measured arithmetic peaks of devices, against which results are set.
#pragma once

#include "runtime/executable.h"

namespace sparkle {

/// GFLOPS of f32 fused multiply-adds. CPU: measured now, with the workers of `pool` and the widest vectors of the
/// device's TargetInfo (about 2 ms). Vulkan: measured by a kernel of the loop IR, once for each machine. Reference: 0.
Result<double> measure_peak(Machine &machine, const DeviceInfo &device, const WorkerPool &pool);

/// The kernel: each worker runs independent chains of fused multiply-adds in registers, `rounds` (a symbol) times, at
/// most `most_rounds`.
/// Tensors: `src`, all elements to be 1 or less; `dst`.
struct PeakProgram {
  Program program; ///< At stage kLowerable.
  int64_t src_elements = 0;
  int64_t dst_elements = 0;
  double flops_per_round = 0;
  int64_t most_rounds = 0;
};
PeakProgram peak_program(const TargetInfo &info);

} // namespace sparkle
