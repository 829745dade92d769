// Lets placed at loops: chains of definitions under `place at`, on every target and after each step, equal to the
// interpreter of the imported program, exactly, on whole numbers.
#include <gtest/gtest.h>

#include "compiler/analysis/imported.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/schedule/fusion.h"
#include "targets/registry.h"
#include "tests/differential/kernel_case.h"

namespace sparkle::test {
namespace {

struct Chain {
  const char *name;
  KernelText kernel;
  const char *schedule;
  const char *workers = ""; ///< A schedule for machines with several workers a group; empty: the same.
};

// Extents that tiles do not divide, and edges that every tile rule meets.
const Chain kChains[] = {
    {"blur",
     {R"(const k: i32[5] = [1, 4, 6, 4, 1];
kernel blur(src: i32[C, H, W] outside clamp on (H, W)) -> dst: i32[C, H, W] {
  let bx[c, y in .., x] = sum[i](k[i] * src[c, y, x + i - 2]);
  dst[c, y, x] = sum[i](k[i] * bx[c, y + i - 2, x]);
})",
      {{"C", 2}, {"H", 19}, {"W", 13}},
      {}},
     "kernel bx { place at y.0 of dst }\n"
     "kernel dst {\n split c: group\n split y: group, serial 2, unrolled 2\n split x: serial, lane 4\n}\n",
     "kernel bx {\n place at x.0 of dst skew 4\n split y: worker\n split x: worker\n}\n"
     "kernel dst {\n split c: group\n split y: group, worker 4\n split x: group, worker 8\n"
     " order c.0 y.0 x.0 y.1 x.1 i\n}\n"},
    // As the schedules of stencils of bytes are: lanes along the rows, edges with variants, tiles narrow enough for
    // bytes.
    {"bytes_mirrored",
     {R"(const k: i32[5] = [1, 4, 6, 4, 1];
kernel blur(src: u8[C, H, W] outside mirror on (H, W)) -> dst: u8[C, H, W] {
  let rows[c, y in .., x] = sum[i](k[i] * src[c, y, x + i - 2]);
  let both[c, y, x] = sum[i](k[i] * rows[c, y + i - 2, x]);
  dst[c, y, x] = u8((both[c, y, x] + 128)/256);
})",
      {{"C", 2}, {"H", 21}, {"W", 75}},
      {}},
     "kernel both { place inline }\n"
     "kernel rows {\n place at y.0 of dst\n split y: serial\n split x: serial, unrolled 2, lane 8\n"
     " split i: unrolled\n order c_tile y_tile y x.0 i x.1 x.2\n partition x\n}\n"
     "kernel dst {\n split c: group\n split y: group, serial 2, unrolled 3\n split x: serial, unrolled 2, lane 8\n"
     " split i: unrolled\n order c y.0 y.1 x.0 i y.2 x.1 x.2\n partition y x\n}\n",
     "kernel both { place inline }\nkernel rows {\n place at x.0 of dst\n split y: worker\n split x: worker\n}\n"
     "kernel dst {\n split c: group\n split y: group, worker 4\n split x: group, worker 8\n"
     " order c.0 y.0 x.0 y.1 x.1 i\n}\n"},
    {"bytes_wrapped",
     {R"(const k: i32[3] = [-1, 0, 1];
kernel ring(src: i8[H, W] outside wrap on (H, W)) -> dst: i8[H, W] {
  let slope[y in .., x] = sum[i](k[i] * src[y, x + i - 1]);
  dst[y, x] = i8(sum[i in 0..3](slope[y + i - 1, x])/4);
})",
      {{"H", 13}, {"W", 37}},
      {}},
     "kernel slope {\n place at y.0 of dst\n split y: serial\n split x: serial, lane 16\n split i: unrolled\n"
     " order y_tile y x.0 i x.1\n partition x\n}\n"
     "kernel dst {\n split y: group, serial 4\n split x: serial, lane 16\n order y.0 y.1 x.0 i x.1\n}\n",
     "kernel slope { place at y.0 of dst }\nkernel dst { split y: group, serial 2 }\n"},
    {"colours_reflected",
     {R"(const k: i32[3] = [1, 2, 1];
kernel blur(src: u8[H, W, C] outside reflect on (H, W)) -> dst: u8[H, W, C] {
  let bx[y in .., x, c] = sum[i](k[i] * src[y, x + i - 1, c]);
  dst[y, x, c] = u8(sum[i](k[i] * bx[y + i - 1, x, c])/16);
})",
      {{"H", 14}, {"W", 29}, {"C", 3}},
      {}},
     "kernel bx {\n place at y.0 of dst skew 5 1\n fuse p = x c\n split y: serial\n split p: serial, unrolled 2, lane "
     "8\n"
     " split i: unrolled\n order y_tile y p.0 i p.1 p.2\n partition p\n}\n"
     "kernel dst {\n split y: group, serial 4\n fuse p = x c\n split p: serial, lane 16\n split i: unrolled\n"
     " order y.0 y.1 p.0 i p.1\n partition y p\n}\n",
     "kernel bx { place at y.0 of dst }\nkernel dst { split y: group, serial 2 }\n"},
    {"clamped_let",
     {R"(kernel blur(src: i32[H, W]) -> dst: i32[H, W] {
  let up[y in 0..H, x] outside clamp on (y) = src[y, x] * 3;
  dst[y, x] = sum[i in 0..5](up[y + i - 2, x]);
})",
      {{"H", 11}, {"W", 9}},
      {}},
     "kernel up { place at y.0 of dst }\nkernel dst { split y: group, serial 3 }\n"},
    {"far_away",
     {R"(kernel shift(src: i32[H]) -> dst: i32[H] {
  let a[y in 0..H] outside 7 on (y) = src[y] * 3;
  let b[y in 0..H] outside clamp on (y) = a[y - 12] + 1;
  dst[y] = b[y + 5] - b[y];
})",
      {{"H", 29}},
      {}},
     "kernel a { place at y.0 of dst }\nkernel b { place at y.0 of dst }\nkernel dst { split y: group, serial 4 }\n"},
    {"two_convolutions",
     {R"(kernel conv_conv(src: i32[N, H, W, C] outside 0 on (H, W), const w1: i32[3, 3, C, D], const w2: i32[3, 3, D, E])
  -> dst: i32[N, H, W, E] {
  let mid[n, h in 0..H, w in 0..W, d] outside 0 on (h, w) =
      max(sum[kh, kw, c](src[n, h + kh - 1, w + kw - 1, c] * w1[kh, kw, c, d]), 0);
  dst[n, h, w, e] = sum[kh, kw, d](mid[n, h + kh - 1, w + kw - 1, d] * w2[kh, kw, d, e]);
})",
      {{"N", 2}, {"H", 7}, {"W", 6}, {"C", 3}, {"D", 5}, {"E", 4}},
      {}},
     "kernel mid { place at w.0 of dst skew 0 3\n split d: serial, lane 4 }\n"
     "kernel dst {\n split n: group\n split h: group, serial 2\n split w: group, serial 4\n split e: serial, lane 4\n"
     " order n.0 h.0 w.0 h.1 w.1 e.0 kh kw d e.1\n}\n"},
    {"strided",
     {R"(kernel pool(src: i32[H, W]) -> dst: i32[H/2, W] {
  let twice[y in 0..H, x] outside skip on (y) = src[y, x] * 2;
  dst[y, x] = max[i in 0..3](twice[2*y + i - 1, x]);
})",
      {{"H", 22}, {"W", 5}},
      {}},
     "kernel twice { place at y.0 of dst }\nkernel dst { split y: group, serial 4 }\n"},
    {"row_sums",
     {R"(kernel rows(x: i32[N, C]) -> dst: i32[N, C] {
  let m[n] = max[c](x[n, c]);
  let e[n, c] = x[n, c] - m[n];
  let z[n] = sum[c](e[n, c]);
  dst[n, c] = e[n, c] * 3 + z[n];
})",
      {{"N", 7}, {"C", 37}},
      {}},
     "kernel m { place at n.0 of dst }\nkernel e { place at n.0 of dst\n split c: serial, lane 4 }\n"
     "kernel z { place at n.0 of dst }\nkernel dst {\n split n: group, serial 2\n split c: serial, lane 4\n}\n",
     "kernel m { place at n.0 of dst\n split n: worker\n}\nkernel e { place at n.0 of dst\n split c: worker\n}\n"
     "kernel z { place at n.0 of dst }\nkernel dst {\n split n: group, serial 2\n split c: serial, worker 16\n}\n"},
};

void PrintTo(const Chain &chain, std::ostream *out) { *out << chain.name; }

class PlaceAt : public testing::TestWithParam<Chain> {
protected:
  void SetUp() override {
    Result<Program> imported = import_text(GetParam().kernel);
    ASSERT_TRUE(imported) << imported.error().text;
    program_ = std::move(*imported);
    Result<TensorSet> set = TensorSet::make(program_, 5);
    ASSERT_TRUE(set) << set.error().text;
    expected_.emplace(std::move(*set));
    ASSERT_TRUE(run_reference(program_, *expected_));
    std::string workers = GetParam().workers;
    parse(GetParam().schedule, schedule_);
    parse(workers.empty() ? GetParam().schedule : workers, for_workers_);
  }

  static void parse(const std::string &text, Schedule &out) {
    Diagnostics diagnostics;
    Source source("chain.schedule", text);
    Result<Schedule> schedule = parse_schedule(source, diagnostics);
    ASSERT_TRUE(schedule) << render_text(diagnostics, source);
    out = std::move(*schedule);
  }

  void check(const DeviceInfo &device, const std::string &target, const Schedule &schedule) {
    Result<TensorSet> computed = TensorSet::make(program_, 5);
    ASSERT_TRUE(computed);
    CompileOptions options;
    options.verify_ir = Verification::kAfterEachPass;
    options.target = target;
    options.schedule = schedule;
    Status status = run_on_device(program_, test_machine(), device, options, *computed);
    ASSERT_TRUE(status) << status.error().text;
    EXPECT_EQ(computed->difference_from(*expected_), "");
  }

  Program program_;
  std::optional<TensorSet> expected_;
  Schedule schedule_, for_workers_;
};

/// The program as `place` and as `merge` leave it, interpreted.
TEST_P(PlaceAt, EachStepIsRight) {
  for (const char *machine : {"cascadelake", "lavapipe"})
    for (const char *pass : {"place", "stream", "merge"}) {
      Result<TargetInfo> info = fixture(machine);
      ASSERT_TRUE(info);
      PipelineOptions options;
      options.schedule = info->max_workers > 1 ? for_workers_ : schedule_;
      options.stop_after = pass;
      Result<Program> done = run_pipeline(program_, options, *info);
      ASSERT_TRUE(done) << machine << ", " << pass << ": " << done.error().text;
      const bool merged = std::string(pass) == "merge";
      EXPECT_TRUE(!merged || done->kernels.size() == 1) << machine << ": " << done->kernels.size() << " kernels";
      Result<TensorSet> computed = TensorSet::make(program_, 5);
      ASSERT_TRUE(computed);
      Status status = run_reference(*done, *computed);
      ASSERT_TRUE(status) << machine << ", " << pass << ": " << status.error().text;
      EXPECT_EQ(computed->difference_from(*expected_), "") << machine << ", " << pass;
    }
}

/// Elements between the rows of every tile, other ones for each dimension.
void skew_tiles(const Program &placed, int64_t first, Schedule &schedule) {
  for (KernelSchedule &entry : schedule.kernels)
    for (const Kernel &kernel : placed.kernels) {
      if (entry.kernel != kernel.name || entry.placement != Placement::kAt) continue;
      const size_t shared = shared_loop_count(*schedule.find(entry.at.consumer));
      const size_t dims = kernel.buffer(definition_of(kernel).store->buffer).extents.size();
      entry.at.skew.clear();
      for (size_t d = shared; d + 1 < dims; ++d) entry.at.skew.push_back(first++);
    }
}

TEST_P(PlaceAt, AnySkewIsRight) {
  const TargetInfo &info = test_machine()->cpu().info;
  PipelineOptions options;
  options.schedule = schedule_;
  options.stop_after = "place";
  Result<Program> placed = run_pipeline(program_, options, info);
  ASSERT_TRUE(placed) << placed.error().text;
  for (const int64_t first : {1, 4, 61}) {
    Schedule skewed = schedule_;
    skew_tiles(*placed, first, skewed);
    check(test_machine()->cpu(), "llvm", skewed);
    for (const char *pass : {"merge", "flatten"}) {
      options = {};
      options.schedule = skewed;
      options.stop_after = pass;
      Result<Program> done = run_pipeline(program_, options, info);
      ASSERT_TRUE(done) << done.error().text;
      Result<TensorSet> computed = TensorSet::make(program_, 5);
      ASSERT_TRUE(computed);
      Status status = run_reference(*done, *computed);
      ASSERT_TRUE(status) << pass << ": " << status.error().text << to_text(skewed);
      EXPECT_EQ(computed->difference_from(*expected_), "") << pass << to_text(skewed);
    }
  }
}

/// What the entries leave open is chosen so that all kernels fit into one launch.
TEST_P(PlaceAt, FitsGroupsOfManyWorkers) {
  const Result<const Target *> target = find_target("vulkan");
  if (!target) GTEST_SKIP() << target.error().text;
  for (const char *machine : {"h100", "generic_gpu", "lavapipe"}) {
    Result<TargetInfo> info = fixture(machine);
    ASSERT_TRUE(info);
    bool reaches_all = true; // Some machines access no single bytes.
    for (const Tensor &tensor : program_.tensors) reaches_all &= bytes_of(tensor.element) >= info->far_element_bytes;
    if (!reaches_all) continue;
    PipelineOptions options;
    options.schedule = for_workers_;
    Result<Program> done = run_pipeline(program_, options, *info);
    ASSERT_TRUE(done) << machine << ": " << done.error().text;
    const Status fits = (*target)->check(*done, *info);
    EXPECT_TRUE(fits) << machine << ": " << fits.error().text;
  }
}

TEST_P(PlaceAt, Cpu) { check(test_machine()->cpu(), "llvm", schedule_); }
TEST_P(PlaceAt, CpuAutomatic) { check(test_machine()->cpu(), "llvm", {}); }
TEST_P(PlaceAt, X86) {
  if (const std::string missing = missing_target("x86"); !missing.empty()) GTEST_SKIP() << missing;
  check(test_machine()->cpu(), "x86", schedule_);
  check(test_machine()->cpu(), "x86", {});
}

TEST_P(PlaceAt, Vulkan) {
  if (test_machine()->vulkan().empty()) GTEST_SKIP() << "no Vulkan device";
  check(test_machine()->vulkan().front(), "vulkan", for_workers_);
}

INSTANTIATE_TEST_SUITE_P(Chains, PlaceAt, testing::ValuesIn(kChains), [](const auto &info) { return info.param.name; });

} // namespace
} // namespace sparkle::test
