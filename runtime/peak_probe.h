// Measured peaks of this machine's CPU, against which results are set (GFLOPS, GB/s).
#pragma once

#include <string_view>

#include "compiler/support/result.h"
#include "runtime/parallel_for.h"
#include "runtime/tensor.h"

namespace sparkle {

/// Widest vectors that a probe uses; more than the machine has is lowered to what it has.
enum class ProbeIsa { kSse, kAvx2, kAvx512 };
std::string_view name_of(ProbeIsa isa);
/// The widest that the processor and the operating system support.
ProbeIsa widest_probe_isa();

struct PeakOptions {
  ProbeIsa isa = ProbeIsa::kAvx512;
  double seconds = 0.008; ///< How long arithmetic is timed; takes the best of several slices of it.
};

struct FmaPeak {
  ProbeIsa isa = ProbeIsa::kSse; ///< What was used. SSE multiplies and adds apart; both count.
  double gflops = 0;             ///< f32, multiply and add counted as two.
};

/// All workers of the pool at once, each on independent chains of fused multiply-adds in registers.
FmaPeak probe_fma_peak(const WorkerPool &pool, const PeakOptions &options = {});

struct BandwidthOptions {
  int64_t bytes = int64_t{1} << 28; ///< Read each time; far more than the last cache to mean memory.
  int repeats = 3;                  ///< The best one counts.
  int workers = 0;                  ///< 0, or more than the pool has: all of them.
};

/// Reads a buffer of its own from end to end, by the widest loads there are.
class BandwidthProbe {
public:
  /// kOutOfMemory: no such buffer.
  static Result<BandwidthProbe> make(int64_t bytes);
  /// One pass by `workers` workers of the pool (0: all), each through a part of its own; with one, the caller. Bytes.
  int64_t read(const WorkerPool &pool, int workers = 0) const;

private:
  explicit BandwidthProbe(HostTensor buffer) : buffer_(std::move(buffer)) {}
  HostTensor buffer_;
};

/// GB/s of reading `bytes` bytes. kOutOfMemory: no such buffer.
Result<double> probe_read_bandwidth(const WorkerPool &pool, const BandwidthOptions &options = {});

} // namespace sparkle
