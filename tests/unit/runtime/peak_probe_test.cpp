#include "runtime/peak_probe.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "runtime/timer.h"
#include "tests/unit/sanitizers.h"

namespace sparkle {
namespace {

// Others may be using the machine: the best of some probes is near what it can do.
double best_gflops(ProbeIsa isa) {
  double best = 0;
  for (int i = 0; i < 4; ++i) best = std::max(best, probe_fma_peak({}, {isa, 0.008}).gflops);
  return best;
}

TEST(PeakProbe, WiderVectorsAreFaster) {
  if (test::is_sanitized()) GTEST_SKIP() << "no speed under sanitizers";
  const FmaPeak sse{ProbeIsa::kSse, best_gflops(ProbeIsa::kSse)};
  EXPECT_EQ(probe_fma_peak({}, {ProbeIsa::kSse, 0.001}).isa, ProbeIsa::kSse);
  EXPECT_GT(sse.gflops, 1);
  EXPECT_LT(sse.gflops, 100); // 2 operations x 4 lanes x 2 units at 6 GHz
  const FmaPeak widest{probe_fma_peak({}).isa, best_gflops(widest_probe_isa())};
  EXPECT_EQ(widest.isa, widest_probe_isa());
  if (widest.isa == ProbeIsa::kSse) GTEST_SKIP() << "no AVX2 on this machine";
  EXPECT_GT(widest.gflops, 1.5 * sse.gflops) << "twice the lanes and fused";
  EXPECT_LT(widest.gflops, 450); // 2 x 16 x 2 at 7 GHz
}

TEST(PeakProbe, TakesAboutTheTimeAskedFor) {
  Stopwatch watch;
  static_cast<void>(probe_fma_peak({}, {ProbeIsa::kAvx512, 0.01}));
  EXPECT_GE(watch.seconds(), 0.004); // a slice that was timed while others used the machine is shorter later
  EXPECT_LT(watch.seconds(), 5.0);   // far more than it takes: others may be using the machine
}

TEST(PeakProbe, CountsEveryWorker) {
  // A pool that runs its workers one after another: the same work in all, so the sum must not exceed one thread's peak.
  WorkerPool serial{[](void *, int count, WorkerFunction function, void *work) {
                      for (int i = 0; i < count; ++i) function(work, i);
                    },
                    nullptr, 4};
  const double one = probe_fma_peak({}).gflops;
  const double four = probe_fma_peak(serial).gflops;
  EXPECT_GT(four, 0.3 * one);
  EXPECT_LT(four, 3 * one);
}

TEST(PeakProbe, Bandwidth) {
  ThreadPool pool(2);
  auto cached = probe_read_bandwidth({}, {1 << 14, 200});
  auto memory = probe_read_bandwidth(pool.pool(), {int64_t{1} << 27, 2});
  ASSERT_TRUE(cached && memory);
  EXPECT_GT(*memory, 0.2);
  EXPECT_LT(*memory, 2000);
  EXPECT_GT(*cached, 1);
}

TEST(PeakProbe, BandwidthOfSomeWorkers) {
  struct Calls {
    int most = 0;
  } calls;
  const WorkerPool serial{[](void *context, int count, WorkerFunction function, void *work) {
                            static_cast<Calls *>(context)->most = std::max(static_cast<Calls *>(context)->most, count);
                            for (int i = 0; i < count; ++i) function(work, i);
                          },
                          &calls, 4};
  const auto probe = BandwidthProbe::make(1 << 20);
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->read(serial, 1), 1 << 20);
  EXPECT_EQ(calls.most, 0); // the calling thread
  EXPECT_EQ(probe->read(serial, 3), 1 << 20);
  EXPECT_EQ(calls.most, 3);
  EXPECT_EQ(probe->read(serial), 1 << 20);
  EXPECT_EQ(calls.most, 4);
  EXPECT_EQ(probe->read(serial, 9), 1 << 20);
  EXPECT_EQ(calls.most, 4);
}

} // namespace
} // namespace sparkle
