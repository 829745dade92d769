// Targets for CPUs against plain C++: loads, stores, lanes, tasks. Arithmetic: cpu_arithmetic_test.cpp.
#include <bit>
#include <numeric>
#include <thread>

#include "tests/unit/targets/cpu/cpu_kernels.h"

namespace sparkle::test {
namespace {

constexpr int kLanes = 16;

TEST(CpuKernel, AddsVectorsWithAMaskedTail) {
  KernelMaker m;
  Builder &b = m.b;
  constexpr int64_t kCount = 37;
  const BufferId x = m.tensor("x", Scalar::kF32, kCount, Role::kInput),
                 y = m.tensor("y", Scalar::kF32, kCount, Role::kInput);
  const BufferId z = m.tensor("z", Scalar::kF32, kCount, Role::kOutput);
  const VarId g = b.loop_var("g");
  const VarId vx = b.value_var("vx", kF32Type.with_lanes(kLanes)), vy = b.value_var("vy", kF32Type.with_lanes(kLanes));
  const ExprId at = b.ramp(b.mul(b.var(g), b.index(kLanes)), 1, kLanes);
  const ExprId mask = b.less(at, b.broadcast(b.index(kCount), kLanes));
  const ExprId zero = b.zero(kF32Type.with_lanes(kLanes));
  const StmtId body = b.block({m.load(vx, x, at, mask, zero), m.load(vy, y, at, mask, zero),
                               b.store(z, {at}, b.add(b.var(vx), b.var(vy)), mask)});
  const Artifact artifact = lower(m.finish(b.loop(g, 3, LoopKind::kGroup, body)));
  std::vector<float> a(kCount), c(kCount), sum(kCount + 1, -1);
  std::iota(a.begin(), a.end(), 1.0f);
  std::iota(c.begin(), c.end(), 100.0f);
  run(artifact, {a.data(), c.data(), sum.data()}, 3);
  for (size_t i = 0; i < kCount; ++i) EXPECT_EQ(sum[i], a[i] + c[i]);
  EXPECT_EQ(sum[kCount], -1);
}

TEST(CpuKernel, NumbersTasksInRasterOrder) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId out = m.tensor("out", Scalar::kI32, 2 * 3 * 5, Role::kOutput);
  const VarId i = b.loop_var("i"), j = b.loop_var("j"), k = b.loop_var("k");
  const ExprId at = b.add(b.mul(b.add(b.mul(b.var(i), b.index(3)), b.var(j)), b.index(5)), b.var(k));
  const ExprId code = b.add(b.add(b.mul(b.var(i), b.index(100)), b.mul(b.var(j), b.index(10))), b.var(k));
  const StmtId store = b.store(out, {at}, b.cast(kI32Type, code));
  const StmtId body =
      b.loop(i, 2, LoopKind::kGroup, b.loop(j, 3, LoopKind::kGroup, b.loop(k, 5, LoopKind::kGroup, store)));
  const Artifact artifact = lower(m.finish(body));
  std::vector<int32_t> got(30, -1);
  run(artifact, {got.data()}, 22, 7);
  for (int task = 0; task < 30; ++task) {
    const int want = task / 15 * 100 + task / 5 % 3 * 10 + task % 5;
    EXPECT_EQ(got[static_cast<size_t>(task)], task >= 7 && task < 22 ? want : -1) << task;
  }
  run(artifact, {got.data()}, 3, 3);
  EXPECT_EQ(got[3], -1);
}

TEST(CpuKernel, GathersAndSplats) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId in = m.tensor("in", Scalar::kF32, 64, Role::kInput),
                 out = m.tensor("out", Scalar::kF32, 64, Role::kOutput);
  const Type vector = kF32Type.with_lanes(kLanes);
  const VarId strided = b.value_var("strided", vector), splat = b.value_var("splat", vector);
  const VarId mixed = b.value_var("mixed", vector), some = b.value_var("some", vector);
  const ExprId lane = b.ramp(b.index(0), 1, kLanes);
  const ExprId parity = b.mod(b.mul(lane, lane), b.broadcast(b.index(7), kLanes));
  const ExprId first = b.less(lane, b.broadcast(b.index(5), kLanes));
  const auto out_at = [&](int64_t i) { return std::vector<ExprId>{b.ramp(b.index(i * kLanes), 1, kLanes)}; };
  const Artifact artifact =
      lower(m.finish(b.block({m.load(strided, in, b.ramp(b.index(1), 3, kLanes)), m.load(mixed, in, parity),
                              m.load(splat, in, b.broadcast(b.index(9), kLanes)),
                              m.load(some, in, b.ramp(b.index(0), 16, kLanes), first, b.real(vector, -2)),
                              b.store(out, out_at(0), b.var(strided)), b.store(out, out_at(1), b.var(splat)),
                              b.store(out, out_at(2), b.var(mixed)), b.store(out, out_at(3), b.var(some))})));
  std::vector<float> data(80), got(64);
  std::iota(data.begin(), data.end(), 0.0f);
  run(artifact, {data.data(), got.data()});
  for (size_t i = 0; i < kLanes; ++i) {
    EXPECT_EQ(got[i], static_cast<float>(1 + 3 * i));
    EXPECT_EQ(got[16 + i], 9);
    EXPECT_EQ(got[32 + i], static_cast<float>(i * i % 7));
    EXPECT_EQ(got[48 + i], i < 5 ? static_cast<float>(16 * i) : -2);
  }
}

TEST(CpuKernel, ScattersOnlyActiveLanes) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId out = m.tensor("out", Scalar::kF32, 64, Role::kOutput);
  const ExprId lane = b.ramp(b.index(0), 1, kLanes);
  const ExprId mask =
      b.compare(CompareOp::kEq, b.mod(lane, b.broadcast(b.index(2), kLanes)), b.zero(kIndexType.with_lanes(kLanes)));
  const ExprId value = b.cast(kF32Type.with_lanes(kLanes), lane);
  const Artifact artifact =
      lower(m.finish(b.block({b.store(out, {b.ramp(b.index(0), 2, kLanes)}, value, mask),
                              b.store(out, {b.ramp(b.index(33), 2, 8)}, b.real(kF32Type.with_lanes(8), 7))})));
  std::vector<float> got(64, -1);
  run(artifact, {got.data()});
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(got[i], i % 4 == 0 ? static_cast<float>(i / 2) : -1) << i;
  for (size_t i = 32; i < 48; ++i) EXPECT_EQ(got[i], i % 2 == 1 ? 7 : -1) << i;
}

TEST(CpuKernel, ScalarMasksGuardTheAccess) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId in = m.tensor("in", Scalar::kF32, 4, Role::kInput),
                 out = m.tensor("out", Scalar::kF32, 8, Role::kOutput);
  const VarId i = b.loop_var("i"), x = b.value_var("x", kF32Type);
  const ExprId at = b.sub(b.var(i), b.index(2));
  const ExprId inside = b.both(b.less_equal(b.index(0), at), b.less(at, b.index(4)));
  const StmtId body = b.block({m.load(x, in, at, inside, b.real(kF32Type, 0.5)),
                               b.store(out, {b.var(i)}, b.var(x), b.less(b.var(i), b.index(7)))});
  const Artifact artifact = lower(m.finish(b.loop(i, 8, LoopKind::kSerial, body)));
  std::vector<float> data{1, 2, 3, 4}, got(8, -1);
  run(artifact, {data.data(), got.data()});
  EXPECT_EQ(got, (std::vector<float>{0.5, 0.5, 1, 2, 3, 4, 0.5, -1}));
}

TEST(CpuKernel, CombinesLanes) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId in = m.tensor("in", Scalar::kF32, 8, Role::kInput),
                 out = m.tensor("out", Scalar::kF32, 16, Role::kOutput);
  const BufferId bytes = m.tensor("bytes", Scalar::kU8, 16, Role::kInput),
                 signs = m.tensor("signs", Scalar::kI8, 16, Role::kInput);
  const BufferId dots = m.tensor("dots", Scalar::kI32, 4, Role::kOutput);
  const VarId x = b.value_var("x", kF32Type.with_lanes(8));
  const VarId u = b.value_var("u", Type{Scalar::kU8, 16}), s = b.value_var("s", Type{Scalar::kI8, 16});
  const auto intern = [&](Expr e) { return m.kernel.intern(std::move(e)); };
  const ExprId reversed = intern(Shuffle{{b.var(x)}, {7, 6, 5, 4, 3, 2, 1, 0}});
  const ExprId both = intern(Shuffle{{b.var(x), b.real(kF32Type, 42)}, {0, 8, 7, 8}});
  const ExprId dot = intern(Dot{b.integer(kI32Type.with_lanes(4), 1000), b.var(u), b.var(s)});
  const ExprId sum = intern(ReduceLanes{ReduceOp::kSum, b.var(x)}),
               greatest = intern(ReduceLanes{ReduceOp::kMax, b.var(x)});
  const Artifact artifact = lower(
      m.finish(b.block({m.load(x, in, b.ramp(b.index(0), 1, 8)), m.load(u, bytes, b.ramp(b.index(0), 1, 16)),
                        m.load(s, signs, b.ramp(b.index(0), 1, 16)), b.store(out, {b.ramp(b.index(0), 1, 8)}, reversed),
                        b.store(out, {b.ramp(b.index(8), 1, 4)}, both), b.store(out, {b.index(12)}, sum),
                        b.store(out, {b.index(13)}, greatest), b.store(dots, {b.ramp(b.index(0), 1, 4)}, dot)})));
  std::vector<float> data{1e8f, 1, 2, -1e8f, 3, 4, 5, 6}, got(16);
  std::vector<uint8_t> unsigned_bytes(16, 255);
  std::vector<int8_t> signed_bytes{-128, -128, -128, -128, 1, 2, 3, 4, 127, 127, 127, 127, 0, 0, 0, -1};
  std::vector<int32_t> dot_got(4);
  run(artifact, {data.data(), got.data(), unsigned_bytes.data(), signed_bytes.data(), dot_got.data()});
  float want = data[0];
  for (size_t i = 1; i < 8; ++i) want += data[i];
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(got[i], data[7 - i]);
  EXPECT_EQ(std::vector<float>(got.begin() + 8, got.begin() + 14), (std::vector<float>{1e8f, 42, 6, 42, want, 1e8f}));
  EXPECT_EQ(dot_got, (std::vector<int32_t>{1000 - 255 * 512, 1000 + 2550, 1000 + 255 * 508, 1000 - 255}));
}

TEST(CpuKernel, ReadsSymbolsAndUniforms) {
  KernelMaker m;
  Builder &b = m.b;
  const SymbolId n = m.program.symbols.add({"N", 1});
  const UniformId alpha = m.program.uniforms.add({"alpha", Scalar::kF32});
  m.program.uniforms.add({"shift", Scalar::kI32});
  const VarId count = m.kernel.add_var({"N", kIndexType, VarKind::kSymbol, {}, 0, n, kNoId<UniformId>});
  const VarId scale = m.kernel.add_var({"alpha", kF32Type, VarKind::kUniform, {}, 0, kNoId<SymbolId>, alpha});
  const VarId shift =
      m.kernel.add_var({"shift", kI32Type, VarKind::kUniform, {}, 0, kNoId<SymbolId>, static_cast<UniformId>(1)});
  const BufferId out = m.tensor("out", Scalar::kF32, 16, Role::kOutput);
  const VarId g = b.loop_var("g"), i = b.loop_var("i");
  const ExprId value = b.add(b.mul(b.cast(kF32Type, b.var(i)), b.var(scale)), b.cast(kF32Type, b.var(shift)));
  const StmtId inner = b.loop(i, b.var(g), b.var(count), LoopKind::kSerial, b.store(out, {b.var(i)}, value));
  const Artifact artifact = lower(m.finish(b.loop(g, b.index(0), b.var(count), LoopKind::kGroup, inner)));
  ASSERT_EQ(artifact.launches[0].groups.size(), 1u);
  EXPECT_EQ(artifact.launches[0].groups[0].symbol, n);
  std::vector<float> got(16, -1);
  run(artifact, {got.data()}, 5, 0, {5}, {std::bit_cast<uint32_t>(2.5f), static_cast<uint32_t>(-3)});
  for (size_t k = 0; k < 16; ++k) EXPECT_EQ(got[k], k < 5 ? 2.5f * static_cast<float>(k) - 3 : -1);
}

TEST(CpuKernel, NearBuffersShareScratchByLifetime) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId in = m.tensor("in", Scalar::kF32, 32, Role::kInput),
                 out = m.tensor("out", Scalar::kF32, 32, Role::kOutput);
  std::vector<StmtId> blocks;
  for (int part = 0; part < 2; ++part) {
    const BufferId near = b.local("near", Scalar::kF32, std::array<int64_t, 1>{20}, MemoryLevel::kNear);
    const VarId i = b.loop_var("i"), j = b.loop_var("j"), x = b.value_var("x", kF32Type),
                y = b.value_var("y", kF32Type);
    const ExprId offset = b.index(part * 16);
    blocks.push_back(
        b.when(b.less(b.index(0), b.index(1)),
               m.kernel.add_stmt(Block{
                   {m.alloc(near),
                    b.loop(i, 16, LoopKind::kSerial,
                           b.block({m.load(x, in, b.add(b.var(i), offset)), b.store(near, {b.var(i)}, b.var(x))})),
                    b.loop(j, 16, LoopKind::kSerial,
                           b.block({m.load(y, near, b.sub(b.index(15), b.var(j))),
                                    b.store(out, {b.add(b.var(j), offset)}, b.var(y))}))}})));
  }
  const Artifact artifact = lower(m.finish(m.kernel.add_stmt(Block{blocks})));
  EXPECT_EQ(artifact.launches[0].scratch_bytes, 128);
  std::vector<float> data(32), got(32);
  std::iota(data.begin(), data.end(), 0.0f);
  run(artifact, {data.data(), got.data()});
  for (size_t k = 0; k < 32; ++k) EXPECT_EQ(got[k], static_cast<float>(k / 16 * 16 + 15 - k % 16));
}

TEST(CpuKernel, BranchesAndStreamingStores) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId out = m.tensor("out", Scalar::kF32, 64, Role::kOutput, 64);
  const VarId i = b.loop_var("i");
  const Type vector = kF32Type.with_lanes(kLanes);
  const ExprId at = b.ramp(b.mul(b.var(i), b.index(kLanes)), 1, kLanes);
  const StmtId streamed = m.kernel.add_stmt(Store{out, {at}, b.real(vector, 3), kNoId<ExprId>, StoreKind::kStreaming});
  const StmtId body = b.when(b.compare(CompareOp::kEq, b.mod(b.var(i), b.index(2)), b.index(0)), streamed,
                             b.store(out, {at}, b.real(vector, 4)));
  LowerOptions options;
  options.keep_text = options.assembly = true;
  const Artifact artifact = lower(m.finish(b.loop(i, 4, LoopKind::kSerial, body)), options);
  Aligned<float> got(64);
  run(artifact, {got.data()});
  for (size_t k = 0; k < 64; ++k) EXPECT_EQ(got[k], k / 16 % 2 == 0 ? 3 : 4);
  EXPECT_NE(artifact.launches[0].source_text.find("vmovntps"), std::string::npos) << artifact.launches[0].source_text;
  EXPECT_NE(artifact.launches[0].source_text.find("sfence"), std::string::npos);
}

TEST(CpuKernel, RunsWorkersOneAfterTheOther) {
  KernelMaker m;
  Builder &b = m.b;
  const BufferId out = m.tensor("out", Scalar::kI32, 12, Role::kOutput);
  const VarId t = b.loop_var("t"), w = b.loop_var("w");
  const ExprId at = b.add(b.mul(b.var(t), b.index(4)), b.var(w));
  const StmtId body =
      b.loop(t, 3, LoopKind::kTeam, b.loop(w, 4, LoopKind::kWorker, b.store(out, {at}, b.cast(kI32Type, at))));
  const Artifact artifact = lower(m.finish(body));
  std::vector<int32_t> got(12), want(12);
  std::iota(want.begin(), want.end(), 0);
  run(artifact, {got.data()});
  EXPECT_EQ(got, want);
}

TEST(CpuKernel, RefusesWhatItCannotDo) {
  const auto refusal = [](KernelMaker &m, StmtId body) {
    const auto result = cpu_target().check(m.finish(body), TargetInfo{});
    EXPECT_FALSE(result);
    if (result) return std::string();
    EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
    return result.error().text;
  };
  KernelMaker barrier;
  const StmtId wait = barrier.kernel.add_stmt(Barrier{});
  EXPECT_EQ(refusal(barrier, barrier.b.loop(barrier.b.loop_var("w"), 4, LoopKind::kWorker, wait)),
            "kernel `k` has a barrier with 4 workers in a group; this target runs one at a time");
  KernelMaker early;
  early.kernel.stage = Stage::kTiled;
  EXPECT_NE(refusal(early, early.b.block({})).find("is at stage"), std::string::npos);
  KernelMaker huge;
  const BufferId out = huge.tensor("out", Scalar::kF32, 1, Role::kOutput);
  const StmtId store = huge.b.store(out, {huge.b.index(0)}, huge.b.real(kF32Type, 1));
  EXPECT_NE(refusal(huge, huge.b.loop(huge.b.loop_var("u"), 1 << 20, LoopKind::kUnrolled, store)).find("expands to"),
            std::string::npos);
}

TEST(CpuKernel, OneWorkerMayWaitForItself) {
  KernelMaker m;
  const BufferId out = m.tensor("out", Scalar::kF32, 1, Role::kOutput);
  const StmtId body = m.b.block({m.kernel.add_stmt(Barrier{}), m.b.store(out, {m.b.index(0)}, m.b.real(kF32Type, 5))});
  std::vector<float> got(1);
  run(lower(m.finish(m.b.loop(m.b.loop_var("w"), 1, LoopKind::kWorker, body))), {got.data()});
  EXPECT_EQ(got[0], 5);
}

TEST(CpuKernel, CompilesOnManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::array<float, 8> got{};
  for (size_t t = 0; t < got.size(); ++t) {
    threads.emplace_back([&got, t] {
      KernelMaker m;
      const BufferId out = m.tensor("out", Scalar::kF32, 1, Role::kOutput);
      const Artifact artifact =
          lower(m.finish(m.b.store(out, {m.b.index(0)}, m.b.real(kF32Type, static_cast<double>(t)))));
      run(artifact, {&got[t]});
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (size_t t = 0; t < got.size(); ++t) EXPECT_EQ(got[t], static_cast<float>(t));
}

TEST(CpuKernel, RejectsAnUnknownInstructionSet) {
  KernelMaker m;
  LowerOptions options;
  options.isa = "mmx";
  const auto result = cpu_target().lower(m.finish(m.b.block({})), TargetInfo{}, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);
}

} // namespace
} // namespace sparkle::test
