#include "runtime/peak_probe.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/tensor.h"
#include "runtime/timer.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparkle {

namespace {

// A fused multiply-add takes 4 cycles and two start in each: 8 chains fill the units, more hide jitter. 12 chains and
// two constants fit into 16 registers.
constexpr int kChains = 12;

/// Runs `steps` rounds of kChains operations; the sum keeps them alive.
using FmaLoop = float (*)(int64_t steps);

#if defined(__x86_64__)

// Each value tends to 1 (x = x * 0.5 + 0.5), so nothing overflows or becomes subnormal, however long it runs. The empty
// asm keeps the compiler from computing ahead or merging chains; the arrays stay in registers once unrolled.

__attribute__((target("sse2"))) float sse_loop(int64_t steps) {
  __m128 x[kChains], half = _mm_set1_ps(0.5f);
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) x[i] = _mm_set1_ps(static_cast<float>(i));
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      x[i] = _mm_add_ps(_mm_mul_ps(x[i], half), half);
      asm volatile("" : "+x"(x[i]));
    }
  }
  float sum = 0;
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sum += _mm_cvtss_f32(x[i]);
  return sum;
}

__attribute__((target("avx2,fma"))) float avx2_loop(int64_t steps) {
  __m256 x[kChains], half = _mm256_set1_ps(0.5f);
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) x[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      x[i] = _mm256_fmadd_ps(x[i], half, half);
      asm volatile("" : "+x"(x[i]));
    }
  }
  float sum = 0;
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sum += _mm256_cvtss_f32(x[i]);
  return sum;
}

__attribute__((target("avx512f"))) float avx512_loop(int64_t steps) {
  __m512 x[kChains], half = _mm512_set1_ps(0.5f);
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) x[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      x[i] = _mm512_fmadd_ps(x[i], half, half);
      asm volatile("" : "+v"(x[i]));
    }
  }
  float sum = 0;
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sum += _mm512_cvtss_f32(x[i]);
  return sum;
}

struct Probe {
  FmaLoop loop;
  int lanes;
};

Probe probe_of(ProbeIsa isa) {
  switch (isa) {
  case ProbeIsa::kAvx512: return {avx512_loop, 16};
  case ProbeIsa::kAvx2: return {avx2_loop, 8};
  case ProbeIsa::kSse: break;
  }
  return {sse_loop, 4};
}

#else

float scalar_loop(int64_t steps) {
  float x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = static_cast<float>(i);
  for (int64_t s = 0; s < steps; ++s) {
    for (int i = 0; i < kChains; ++i) x[i] = x[i] * 0.5f + 0.5f;
  }
  float sum = 0;
  for (int i = 0; i < kChains; ++i) sum += x[i];
  return sum;
}

struct Probe {
  FmaLoop loop;
  int lanes;
};
Probe probe_of(ProbeIsa) { return {scalar_loop, 1}; }

#endif

struct FmaWork {
  FmaLoop loop;
  int64_t steps;
  std::vector<float> results; ///< One per worker: keeps the arithmetic from being dropped.
};

void run_fma(void *context, int index) {
  auto &work = *static_cast<FmaWork *>(context);
  work.results[static_cast<size_t>(index)] = work.loop(work.steps);
}

void run_all(const WorkerPool &pool, WorkerFunction function, void *work) {
  if (pool.workers > 1 && pool.run != nullptr) return pool.run(pool.context, pool.workers, function, work);
  function(work, 0);
}

struct ReadWork {
  const uint64_t *words;
  int64_t word_count;
  int workers;
  std::vector<uint64_t> sums;
};

// Plain additions over several sums: even as SSE2 this reads faster than memory delivers.
void run_read(void *context, int index) {
  auto &work = *static_cast<ReadWork *>(context);
  const int64_t first = work.word_count / work.workers * index;
  const int64_t last = index + 1 == work.workers ? work.word_count : first + work.word_count / work.workers;
  uint64_t sums[16] = {};
  int64_t i = first;
  for (; i + 16 <= last; i += 16) {
    for (int k = 0; k < 16; ++k) sums[k] += work.words[i + k];
  }
  for (; i < last; ++i) sums[0] += work.words[i];
  for (uint64_t sum : sums) work.sums[static_cast<size_t>(index)] += sum;
}

} // namespace

std::string_view name_of(ProbeIsa isa) {
  switch (isa) {
  case ProbeIsa::kSse: return "sse";
  case ProbeIsa::kAvx2: return "avx2";
  case ProbeIsa::kAvx512: return "avx512";
  }
  return "sse";
}

ProbeIsa widest_probe_isa() {
#if defined(__x86_64__)
  // These builtins also ask the operating system (XCR0).
  if (__builtin_cpu_supports("avx512f")) return ProbeIsa::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return ProbeIsa::kAvx2;
#endif
  return ProbeIsa::kSse;
}

FmaPeak probe_fma_peak(const WorkerPool &pool, const PeakOptions &options) {
  const ProbeIsa isa = std::min(options.isa, widest_probe_isa());
  const Probe probe = probe_of(isa);
  const int workers = pool.run == nullptr ? 1 : std::max(pool.workers, 1);
  FmaWork work{probe.loop, 1 << 12, std::vector<float>(static_cast<size_t>(workers))};
  // The first calls also start the threads and raise the clock; doubling finds a slice of an eighth of the time.
  constexpr int kSlices = 8;
  double slice = 0;
  while (slice < options.seconds / kSlices && work.steps < (int64_t{1} << 40)) {
    work.steps *= 2;
    Stopwatch watch;
    run_all(pool, run_fma, &work);
    slice = watch.seconds();
  }
  double best = slice;
  for (int i = 0; i < kSlices; ++i) {
    Stopwatch watch;
    run_all(pool, run_fma, &work);
    best = std::min(best, watch.seconds());
  }
  const double flops = 2.0 * kChains * probe.lanes * static_cast<double>(work.steps) * workers;
  return {isa, flops / best * 1e-9};
}

Result<double> probe_read_bandwidth(const WorkerPool &pool, const BandwidthOptions &options) {
  const int workers = pool.run == nullptr ? 1 : std::max(pool.workers, 1);
  SPARKLE_TRY(HostTensor buffer, HostTensor::allocate(Scalar::kU8, {std::max<int64_t>(options.bytes, 1 << 12)}));
  // Written pages: untouched ones would all be the same page of zeros, read from cache.
  std::memset(buffer.data(), 1, static_cast<size_t>(buffer.span_bytes()));
  ReadWork work{static_cast<const uint64_t *>(buffer.data()), buffer.span_bytes() / 8, workers,
                std::vector<uint64_t>(static_cast<size_t>(workers))};
  run_all(pool, run_read, &work);
  double best = 0;
  for (int i = 0; i < std::max(options.repeats, 1); ++i) {
    Stopwatch watch;
    run_all(pool, run_read, &work);
    best = std::max(best, static_cast<double>(work.word_count * 8) / watch.seconds());
  }
  return best * 1e-9;
}

} // namespace sparkle
