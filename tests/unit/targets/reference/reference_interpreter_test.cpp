// What the interpreter computes.
#include <cmath>

#include "compiler/ir/builder.h"
#include "tests/unit/targets/reference/interpreter_fixture.h"

namespace sparkle::reference {
namespace {

using Floats = std::vector<float>;

TEST(Interpreter, RunsAnImportedReductionWithGuards) {
  KernelRun run(R"(kernel @k stage imported {
    buffer @src: f32[5] far input
    buffer @wei: f32[3] far const
    buffer @dst: f32[5] far output
    for %i in 0..5 {
      store @dst[%i] = sum[%k in 0..3]((@src[%i + %k - 1] if 1 <= %i + %k and %i + %k < 6 else 0.0) * @wei[%k])
    }
  })");
  run.set<float>("src", {1, 2, 3, 4, 5}).set<float>("wei", {1, 10, 100}).set<float>("dst", Floats(5));
  ASSERT_EQ(run.error(), "");
  EXPECT_EQ(run.get<float>("dst"), (Floats{210, 321, 432, 543, 54}));
}

TEST(Interpreter, LeavesOutFilteredTermsAndStartsFromTheIdentity) {
  KernelRun run(R"(kernel @k stage imported {
    buffer @src: f32[4] far input
    buffer @dst: f32[4] far output
    for %i in 0..4 {
      store @dst[%i] = max[%k in 0..4 where %k < %i](@src[%k])
    }
  })");
  run.set<float>("src", {-3, 5, NAN, 9}).set<float>("dst", Floats(4));
  ASSERT_EQ(run.error(), "");
  EXPECT_EQ(run.get<float>("dst"), (Floats{-INFINITY, -3, 5, 5}));
}

TEST(Interpreter, WrapsI32AndRoundsDivisionDown) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @src: i32[4] far input
    buffer @dst: i32[4, 3] far output
    for %i in 0..4 {
      %x: i32 = load @src[%i]
      store @dst[%i, 0] = %x * i32(65536)
      store @dst[%i, 1] = %x / i32(4)
      store @dst[%i, 2] = %x % i32(4)
    }
  })");
  run.set<int32_t>("src", {65535, -7, 7, -65537}).set<int32_t>("dst", std::vector<int32_t>(12));
  ASSERT_EQ(run.error(), "");
  EXPECT_EQ(run.get<int32_t>("dst"),
            (std::vector<int32_t>{-65536, 16383, 3, -458752, -2, 1, 458752, 1, 3, -65536, -16385, 3}));
}

TEST(Interpreter, ConvertsStorageTypes) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @src: f32[6] far input
    buffer @half: f16[6] far output
    buffer @brain: bf16[6] far output
    buffer @byte: u8[6] far output
    buffer @back: f32[6] far output
    for %i in 0..6 {
      %x: f32 = load @src[%i]
      store @half[%i] = f16(%x)
      store @brain[%i] = bf16(%x)
      store @byte[%i] = u8(%x)
      store @back[%i] = f32(f16(%x))
    }
  })");
  const Floats src{1.0f, 65519.0f, 65520.0f, 5.9604645e-8f, -2.7f, 1.00048828125f};
  run.set("src", src).set("half", std::vector<uint16_t>(6)).set("brain", std::vector<uint16_t>(6));
  run.set("byte", std::vector<uint8_t>(6)).set("back", Floats(6));
  ASSERT_EQ(run.error(), "");
  EXPECT_EQ(run.get<uint16_t>("half"), (std::vector<uint16_t>{0x3C00, 0x7BFF, 0x7C00, 0x0001, 0xC166, 0x3C00}));
  EXPECT_EQ(run.get<uint16_t>("brain"), (std::vector<uint16_t>{0x3F80, 0x4780, 0x4780, 0x3380, 0xC02D, 0x3F80}));
  EXPECT_EQ(run.get<uint8_t>("byte"), (std::vector<uint8_t>{1, 255, 255, 0, 0, 1}));
  EXPECT_EQ(run.get<float>("back"), (Floats{1.0f, 65504.0f, INFINITY, 5.9604645e-8f, -2.69921875f, 1.0f}));
}

TEST(Interpreter, MasksTouchNothing) {
  KernelRun run(R"(kernel @k stage vectorized {
    buffer @src: f32[5] far input
    buffer @dst: f32[5] far output
    %x: f32x8 = load @src[ramp(0, 1, 8)] if ramp(0, 1, 8) < broadcast(5, 8) else broadcast(-1.0, 8)
    store @dst[ramp(4, -1, 8)] = %x if ramp(0, 1, 8) < broadcast(3, 8)
  })");
  run.set("src", counting(5, 1)).set("dst", Floats(5, 9.0f));
  ASSERT_EQ(run.error(), "");
  EXPECT_EQ(run.get<float>("dst"), (Floats{9, 9, 3, 2, 1}));
}

TEST(Interpreter, ShufflesAndReducesLanes) {
  Kernel k;
  k.name = "k";
  k.stage = Stage::kVectorized;
  Builder b(k);
  Buffer far;
  far.name = "dst";
  far.role = Role::kOutput;
  far.extents = {b.index(5)};
  far.strides = {b.index(1)};
  const BufferId dst = k.add_buffer(far);
  const ExprId lanes = b.cast({Scalar::kF32, 4}, b.cast({Scalar::kI32, 4}, b.ramp(b.index(1), 2, 4))); // 1 3 5 7
  const ExprId mixed = k.intern(Shuffle{{lanes, b.real({Scalar::kF32, 4}, 0.5)}, {3, 4, 0, 2}});       // 7 .5 1 5
  k.body = b.block({b.store(dst, {b.ramp(b.index(0), 1, 4)}, mixed),
                    b.store(dst, {b.index(4)}, k.intern(ReduceLanes{ReduceOp::kSum, mixed}))});
  Floats out(5);
  const Status status = interpret(k, {{{dst, {out.data(), 20}}}, {}});
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(out, (Floats{7, 0.5, 1, 5, 13.5}));
}

TEST(Interpreter, WorkersShareACopiedTile) {
  KernelRun run(R"(kernel @k stage tiled {
    buffer @src: f32[8] far input
    buffer @dst: f32[8] far output
    buffer @tile: f32[2, 4] near local
    for.group %g in 0..2 {
      for.team %t in 0..2 {
        for.worker %w in 0..2 {
          alloc @tile
          for %k in 0..2 {
            copy[%i in 0..4] @tile[%k, %i] = @src[%g * 4 + %i - %k] if %k <= %g * 4 + %i else 0.0
            barrier.group
            %x: f32 = load @tile[%k, 3 - %t * 2 - %w]
            store @dst[%g * 4 + %t * 2 + %w] = %x
            barrier.group
          }
        }
      }
    }
  })");
  run.set("src", counting(8, 1)).set("dst", Floats(8));
  ASSERT_EQ(run.error(), "");
  EXPECT_EQ(run.get<float>("dst"), (Floats{3, 2, 1, 0, 7, 6, 5, 4}));
}

TEST(Interpreter, MultipliesFragments) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @a: f32[4, 4] far input
    buffer @d: f32[4, 4] far output
    buffer @fa: f32[4, 4] register local fragment a
    buffer @fb: f32[4, 4] register local fragment b
    buffer @fc: f32[4, 4] register local fragment accumulator
    for.group %g in 0..1 {
      for.team %t in 0..1 {
        for.worker %w in 0..4 {
          alloc @fa
          alloc @fb
          alloc @fc
          fragment.fill @fc = 1.0
          fragment.load @fa = @a[0, 0]
          fragment.load @fb = @a[0, 0] transposed
          fragment.mma @fc = @fa * @fb + @fc
          fragment.store @d[0, 0] = @fc
        }
      }
    }
  })");
  run.set("a", counting(16)).set("d", Floats(16));
  ASSERT_EQ(run.error(), "");
  Floats expected;
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c) {
      float sum = 1;
      for (int k = 0; k < 4; ++k) sum += static_cast<float>((r * 4 + k) * (c * 4 + k));
      expected.push_back(sum);
    }
  EXPECT_EQ(run.get<float>("d"), expected);
}

TEST(Interpreter, RunsARangeOfTasks) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @dst: f32[2, 3] far output
    for.group %i in 0..2 { for.group %j in 0..3 { store @dst[%i, %j] = 1.0 } }
  })");
  run.set("dst", Floats(6));
  ASSERT_TRUE(interpret_tasks(run.kernel, run.arguments(), 2, 5));
  EXPECT_EQ(run.get<float>("dst"), (Floats{0, 0, 1, 1, 1, 0}));
}

TEST(Interpreter, EvaluatesWhatDependsOnABranchVariableInTheBranch) {
  // The division must not be carried out where the condition keeps the divisor from being positive.
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @dst: i32[4] far output
    for %i in 0..4 {
      if 1 <= %i { store @dst[%i] = i32(12 / %i) } else { store @dst[%i] = i32(-1) }
    }
  })");
  run.set("dst", std::vector<int32_t>(4));
  ASSERT_EQ(run.error(), "");
  EXPECT_EQ(run.get<int32_t>("dst"), (std::vector<int32_t>{-1, 12, 6, 4}));
}

} // namespace
} // namespace sparkle::reference
