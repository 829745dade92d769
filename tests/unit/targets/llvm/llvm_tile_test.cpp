// The register tile at the heart of a convolution: no stack traffic in its loop, and near the machine's peak.
#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>

#include "tests/unit/sanitizers.h"
#include "tests/unit/targets/llvm/llvm_kernels.h"

namespace sparkle::test {
namespace {

struct TileShape {
  int rows, vectors, lanes, steps; ///< `steps` of k are expanded.
  bool hoisted = true; ///< Loads stand outside the loops that they do not depend on; else all are innermost.
};
constexpr int64_t kDepth = 256;

/// dst[r][c] = sum over k < kDepth of src[r][k] * wei[k][c], rows x (vectors * lanes) accumulators in registers.
Program make_tile(const TileShape &shape) {
  KernelMaker m;
  Builder &b = m.b;
  const int64_t width = int64_t{shape.vectors} * shape.lanes;
  const Type vector = kF32Type.with_lanes(shape.lanes);
  const BufferId src = m.tensor("src", Scalar::kF32, shape.rows * kDepth, Role::kInput, 64);
  const BufferId wei = m.tensor("wei", Scalar::kF32, kDepth * width, Role::kConst, 64);
  const BufferId dst = m.tensor("dst", Scalar::kF32, shape.rows * width, Role::kOutput, 64);
  const BufferId acc = m.registers("acc", Scalar::kF32, shape.rows * width);
  const BufferId panel = m.registers("panel", Scalar::kF32, width);
  const auto at = [&](VarId r, VarId c) {
    ExprId base = b.mul(b.var(c), b.index(shape.lanes));
    if (is_valid(r)) base = b.add(base, b.mul(b.var(r), b.index(width)));
    return b.ramp(base, 1, shape.lanes);
  };
  const auto unrolled = [&](VarId var, int64_t extent, StmtId body) {
    return b.loop(var, extent, LoopKind::kUnrolled, body);
  };

  const VarId zr = b.loop_var("zr"), zc = b.loop_var("zc");
  const StmtId clear =
      unrolled(zr, shape.rows, unrolled(zc, shape.vectors, b.store(acc, {at(zr, zc)}, b.zero(vector))));

  const VarId ko = b.loop_var("ko"), ki = b.loop_var("ki");
  const ExprId k = b.add(b.mul(b.var(ko), b.index(shape.steps)), b.var(ki));
  const VarId pc = b.loop_var("pc"), w = b.value_var("w", vector);
  const ExprId wei_at = b.ramp(b.add(b.mul(k, b.index(width)), b.mul(b.var(pc), b.index(shape.lanes))), 1, shape.lanes);
  const StmtId fetch =
      unrolled(pc, shape.vectors, b.block({m.load(w, wei, wei_at), b.store(panel, {at(kNoId<VarId>, pc)}, b.var(w))}));
  const VarId r = b.loop_var("r"), c = b.loop_var("c");
  const ExprId src_at = b.add(b.mul(b.var(r), b.index(kDepth)), k);
  const VarId x = b.value_var("x", kF32Type), p = b.value_var("p", vector), a = b.value_var("a", vector);
  const StmtId load_x = m.load(x, src, src_at), load_a = m.load(a, acc, at(r, c));
  const StmtId add = b.store(acc, {at(r, c)}, b.fma(b.broadcast(b.var(x), shape.lanes), b.var(p), b.var(a)));
  const ExprId direct_at =
      b.ramp(b.add(b.mul(k, b.index(width)), b.mul(b.var(c), b.index(shape.lanes))), 1, shape.lanes);
  const StmtId inner = shape.hoisted ? b.block({m.load(p, panel, at(kNoId<VarId>, c)), load_a, add})
                                     : b.block({m.load(p, wei, direct_at), load_x, load_a, add});
  const StmtId row = unrolled(c, shape.vectors, inner);
  const StmtId rows = unrolled(r, shape.rows, shape.hoisted ? b.block({load_x, row}) : row);
  const StmtId steps = unrolled(ki, shape.steps, shape.hoisted ? b.block({fetch, rows}) : rows);
  const StmtId depth = b.loop(ko, kDepth / shape.steps, LoopKind::kSerial, steps);

  const VarId sr = b.loop_var("sr"), sc = b.loop_var("sc"), out = b.value_var("out", vector);
  const StmtId write = unrolled(
      sr, shape.rows,
      unrolled(sc, shape.vectors, b.block({m.load(out, acc, at(sr, sc)), b.store(dst, {at(sr, sc)}, b.var(out))})));
  const StmtId body = b.block({m.alloc(acc), m.alloc(panel), clear, depth, write});
  const VarId group = b.loop_var("g"); // The same work in each: for timing without call overhead.
  return m.finish(b.loop(group, int64_t{1} << 20, LoopKind::kGroup, body));
}

/// The lines of the innermost loop: from a label to the jump back to it.
std::string hot_loop(const std::string &assembly) {
  std::istringstream lines(assembly);
  std::string line, label, loop, best;
  while (std::getline(lines, line)) {
    if (line.starts_with(".LBB")) {
      label = line.substr(0, line.find(':'));
      loop.clear();
    }
    loop += line + "\n";
    const bool jumps_back = !label.empty() && line.find("\tj") == 0 && line.ends_with(label);
    if (jumps_back && loop.find("vfmadd") != std::string::npos) best = loop;
  }
  return best;
}

int count(const std::string &text, const std::string &what) {
  int n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

bool has_isa(const char *isa) {
  KernelMaker m;
  LowerOptions options;
  options.isa = isa;
  return llvm_target().lower(m.finish(m.b.block({})), TargetInfo{}, options).has_value();
}

class LlvmTile : public testing::TestWithParam<TileShape> {
protected:
  void SetUp() override {
    options_.isa = GetParam().lanes == 16 ? "avx512" : "avx2";
    if (!has_isa(options_.isa.c_str())) GTEST_SKIP() << "this machine has no " << options_.isa;
  }
  LowerOptions options_;
};

TEST_P(LlvmTile, ComputesTheProduct) {
  const TileShape shape = GetParam();
  const auto width = static_cast<size_t>(shape.vectors * shape.lanes);
  const auto rows = static_cast<size_t>(shape.rows);
  const Artifact artifact = lower(make_tile(shape), options_);
  Aligned<float> src(rows * kDepth), wei(kDepth * width), dst(rows * width);
  for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<float>(i % 13) - 6;
  for (size_t i = 0; i < wei.size(); ++i) wei[i] = static_cast<float>(i % 7) - 3;
  run(artifact, {src.data(), wei.data(), dst.data()});
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < width; ++c) {
      float sum = 0;
      for (size_t k = 0; k < kDepth; ++k) sum += src[r * kDepth + k] * wei[k * width + c];
      ASSERT_EQ(dst[r * width + c], sum) << r << ", " << c;
    }
  }
}

TEST_P(LlvmTile, KeepsItsLoopOffTheStack) {
  const TileShape shape = GetParam();
  options_.keep_text = options_.assembly = true;
  const std::string loop = hot_loop(lower(make_tile(shape), options_).launches[0].source_text);
  EXPECT_EQ(count(loop, "vfmadd"), shape.rows * shape.vectors * shape.steps) << loop;
  // Each weight vector and each source element is loaded once a step, or is the memory operand of its only use.
  const int broadcasts = count(loop, "vbroadcastss") + count(loop, "{1to16}");
  EXPECT_EQ(broadcasts, shape.rows * shape.steps) << loop;
  EXPECT_EQ(count(loop, "vmovups") + count(loop, "vmovaps"), shape.vectors * shape.steps) << loop;
  EXPECT_EQ(count(loop, "(%rsp"), 0) << loop;
  EXPECT_EQ(count(loop, "(%rbp"), 0) << loop;
  EXPECT_EQ(count(loop, "vmovaps\t%"), 0) << loop; // Moves between registers.
}

INSTANTIATE_TEST_SUITE_P(Shapes, LlvmTile,
                         testing::Values(TileShape{14, 2, 16, 1}, TileShape{14, 2, 16, 4}, TileShape{14, 2, 16, 16},
                                         TileShape{28, 1, 16, 4}, TileShape{7, 3, 16, 4}, TileShape{6, 4, 16, 4},
                                         TileShape{6, 2, 8, 1}, TileShape{6, 2, 8, 4}, TileShape{4, 3, 8, 4},
                                         TileShape{14, 2, 16, 4, false}, TileShape{28, 1, 16, 1, false},
                                         TileShape{6, 2, 8, 4, false}),
                         [](const auto &info) {
                           const TileShape &s = info.param;
                           return std::to_string(s.rows) + "x" + std::to_string(s.vectors) + "x" +
                                  std::to_string(s.lanes) + "_by_" + std::to_string(s.steps) +
                                  (s.hoisted ? "" : "_plain");
                         });

double seconds_of(auto &&work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Fused multiply-adds on registers alone: what the machine can do at most.
Program make_peak_probe(int accumulators, int lanes, int64_t turns) {
  KernelMaker m;
  Builder &b = m.b;
  const Type vector = kF32Type.with_lanes(lanes);
  const BufferId in = m.tensor("in", Scalar::kF32, 64, Role::kInput, 64);
  const BufferId out = m.tensor("out", Scalar::kF32, int64_t{accumulators} * lanes, Role::kOutput, 64);
  const BufferId acc = m.registers("acc", Scalar::kF32, int64_t{accumulators} * lanes);
  const VarId x = b.value_var("x", vector), y = b.value_var("y", vector);
  const auto at = [&](VarId i) { return b.ramp(b.mul(b.var(i), b.index(lanes)), 1, lanes); };
  const VarId z = b.loop_var("z"), t = b.loop_var("t"), i = b.loop_var("i"), s = b.loop_var("s");
  const VarId a = b.value_var("a", vector), last = b.value_var("last", vector);
  const StmtId step = b.block({m.load(a, acc, at(i)), b.store(acc, {at(i)}, b.fma(b.var(x), b.var(y), b.var(a)))});
  return m.finish(b.block({m.alloc(acc), m.load(x, in, b.ramp(b.index(0), 1, lanes)),
                           m.load(y, in, b.ramp(b.index(lanes), 1, lanes)),
                           b.loop(z, accumulators, LoopKind::kUnrolled, b.store(acc, {at(z)}, b.zero(vector))),
                           b.loop(t, turns, LoopKind::kSerial, b.loop(i, accumulators, LoopKind::kUnrolled, step)),
                           b.loop(s, accumulators, LoopKind::kUnrolled,
                                  b.block({m.load(last, acc, at(s)), b.store(out, {at(s)}, b.var(last))}))}));
}

/// Other processes share the cores: probe and tile are timed in turn, and the undisturbed turn of each counts.
TEST(LlvmTileSpeed, ReachesThePeak) {
  const bool wide = has_isa("avx512");
  if (!wide && !has_isa("avx2")) GTEST_SKIP() << "this machine has no avx2";
  const TileShape shape = wide ? TileShape{14, 2, 16, 1} : TileShape{6, 2, 8, 1};
  const int accumulators = wide ? 24 : 12;
  constexpr int64_t kTurns = 20000, kTasks = 200;
  const Artifact tile = lower(make_tile(shape));
  const Artifact probe = lower(make_peak_probe(accumulators, shape.lanes, kTurns));
  const auto rows = static_cast<size_t>(shape.rows);
  const auto width = static_cast<size_t>(shape.vectors * shape.lanes);
  Aligned<float> src(rows * kDepth, 1), wei(kDepth * width, 1), dst(rows * width), in(64), out(24 * 16);

  const double probe_flops = 2.0 * accumulators * shape.lanes * kTurns;
  const double tile_flops = 2.0 * static_cast<double>(rows * width * kDepth * kTasks);
  double peak = 0, rate = 0;
  for (int i = 0; i < 100; ++i) {
    peak = std::max(peak, probe_flops / seconds_of([&] { run(probe, {in.data(), out.data()}); }));
    rate = std::max(rate, tile_flops / seconds_of([&] { run(tile, {src.data(), wei.data(), dst.data()}, kTasks); }));
  }
  RecordProperty("gflops", std::to_string(rate * 1e-9));
  RecordProperty("of_peak", std::to_string(rate / peak));
  if (is_sanitized()) GTEST_SKIP() << "no speed under sanitizers";
  EXPECT_GE(rate / peak, 0.85);
}

} // namespace
} // namespace sparkle::test
