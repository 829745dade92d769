#include "runtime/peak_probe.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/timer.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sparkle {

namespace {

// A fused multiply-add takes 4 cycles and two start in each: 8 chains fill the units, more hide jitter. 12 chains and
// two constants fit into 16 registers.
constexpr int kChains = 12;

constexpr int64_t kLineBytes = 64;

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

int workers_of(const WorkerPool &pool) { return pool.run == nullptr ? 1 : std::max(pool.workers, 1); }

void run_all(const WorkerPool &pool, int workers, WorkerFunction function, void *work) {
  if (workers > 1) return pool.run(pool.context, workers, function, work);
  function(work, 0);
}

/// Reads `lines` lines of 64 bytes; the result keeps the loads alive.
using ReadLoop = int64_t (*)(const std::byte *from, int64_t lines);

int64_t portable_read(const std::byte *from, int64_t lines) {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i < lines; ++i) {
    uint64_t words[8];
    std::memcpy(words, from + i * kLineBytes, sizeof words);
    for (int k = 0; k < 8; ++k) sums[k] += words[k];
  }
  for (int k = 1; k < 8; ++k) sums[0] += sums[k];
  return static_cast<int64_t>(sums[0]);
}

#if defined(__x86_64__)

// Written out: what the compiler makes of plain loops differs by its version and options, and narrow loads read slower
// than memory delivers.

__attribute__((target("avx2"))) int64_t avx2_read(const std::byte *from, int64_t lines) {
  __m256i low = _mm256_setzero_si256(), high = low;
  for (int64_t i = 0; i < lines; ++i) {
    const auto *line = reinterpret_cast<const __m256i *>(from + i * kLineBytes);
    low = _mm256_xor_si256(low, _mm256_load_si256(line));
    high = _mm256_xor_si256(high, _mm256_load_si256(line + 1));
  }
  alignas(32) int64_t words[4];
  _mm256_store_si256(reinterpret_cast<__m256i *>(words), _mm256_xor_si256(low, high));
  return words[0] ^ words[1] ^ words[2] ^ words[3];
}

__attribute__((target("avx512f"))) int64_t avx512_read(const std::byte *from, int64_t lines) {
  __m512i even = _mm512_setzero_si512(), odd = even;
  int64_t i = 0;
  for (; i + 2 <= lines; i += 2) {
    even = _mm512_xor_si512(even, _mm512_load_si512(from + i * kLineBytes));
    odd = _mm512_xor_si512(odd, _mm512_load_si512(from + (i + 1) * kLineBytes));
  }
  if (i < lines) even = _mm512_xor_si512(even, _mm512_load_si512(from + i * kLineBytes));
  alignas(kLineBytes) int64_t words[8];
  _mm512_store_si512(words, _mm512_xor_si512(even, odd));
  return words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^ words[6] ^ words[7];
}

ReadLoop read_loop() {
  switch (widest_probe_isa()) {
  case ProbeIsa::kAvx512: return avx512_read;
  case ProbeIsa::kAvx2: return avx2_read;
  case ProbeIsa::kSse: break;
  }
  return portable_read;
}

#else

ReadLoop read_loop() { return portable_read; }

#endif

struct ReadWork {
  ReadLoop loop;
  const std::byte *from;
  int64_t lines;
  int workers;
  std::vector<int64_t> results; ///< One per worker.
};

void run_read(void *context, int index) {
  auto &work = *static_cast<ReadWork *>(context);
  const int64_t each = work.lines / work.workers, first = each * index;
  const int64_t count = index + 1 == work.workers ? work.lines - first : each;
  work.results[static_cast<size_t>(index)] = work.loop(work.from + first * kLineBytes, count);
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
  const int workers = workers_of(pool);
  FmaWork work{probe.loop, 1 << 12, std::vector<float>(static_cast<size_t>(workers))};
  // The first calls also start the threads and raise the clock; doubling finds a slice of an eighth of the time.
  constexpr int kSlices = 8;
  double slice = 0;
  while (slice < options.seconds / kSlices && work.steps < (int64_t{1} << 40)) {
    work.steps *= 2;
    Stopwatch watch;
    run_all(pool, workers, run_fma, &work);
    slice = watch.seconds();
  }
  double best = slice;
  for (int i = 0; i < kSlices; ++i) {
    Stopwatch watch;
    run_all(pool, workers, run_fma, &work);
    best = std::min(best, watch.seconds());
  }
  const double flops = 2.0 * kChains * probe.lanes * static_cast<double>(work.steps) * workers;
  return {isa, flops / best * 1e-9};
}

Result<BandwidthProbe> BandwidthProbe::make(int64_t bytes) {
  SPARKLE_TRY(HostTensor buffer, HostTensor::allocate(Scalar::kU8, {std::max<int64_t>(bytes, 1 << 12)}));
  // Written pages: untouched ones would all be the same page of zeros, read from cache.
  std::memset(buffer.data(), 1, static_cast<size_t>(buffer.span_bytes()));
  return BandwidthProbe(std::move(buffer));
}

int64_t BandwidthProbe::read(const WorkerPool &pool, int workers) const {
  const int all = workers_of(pool);
  workers = workers > 0 ? std::min(workers, all) : all;
  ReadWork work{read_loop(), static_cast<const std::byte *>(buffer_.data()), buffer_.span_bytes() / kLineBytes, workers,
                std::vector<int64_t>(static_cast<size_t>(workers))};
  run_all(pool, workers, run_read, &work);
  return work.lines * kLineBytes;
}

Result<double> probe_read_bandwidth(const WorkerPool &pool, const BandwidthOptions &options) {
  SPARKLE_TRY(const BandwidthProbe probe, BandwidthProbe::make(options.bytes));
  probe.read(pool, options.workers);
  double best = 0;
  for (int i = 0; i < std::max(options.repeats, 1); ++i) {
    Stopwatch watch;
    const int64_t bytes = probe.read(pool, options.workers);
    best = std::max(best, static_cast<double>(bytes) / watch.seconds());
  }
  return best * 1e-9;
}

} // namespace sparkle
