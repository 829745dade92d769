// What the interpreter refuses.
#include "compiler/ir/builder.h"
#include "tests/unit/targets/reference/interpreter_fixture.h"

namespace sparkle::reference {
namespace {

using Floats = std::vector<float>;

testing::AssertionResult says(const std::string &text, const std::string &part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "`" << text << "` does not say `" << part << "`";
}

TEST(Checks, IndexOutsideTheExtentEvenWhereMemoryIs) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @dst: f32[2, 3] far output
    for %i in 0..4 { store @dst[0, %i] = 1.0 }
  })");
  run.set("dst", Floats(6));
  const std::string error = run.error();
  EXPECT_TRUE(says(error, "index 3 of dimension 1 of `dst` is outside its extent 3"));
  EXPECT_TRUE(says(error, "store @dst[0, %i] = 1.0"));
  EXPECT_EQ(run.get<float>("dst"), (Floats{1, 1, 1, 0, 0, 0}));
}

TEST(Checks, MemoryThatIsTooSmall) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @dst: f32[8] far output
    for %i in 0..8 { store @dst[%i] = 1.0 }
  })");
  run.set("dst", Floats(7));
  EXPECT_TRUE(says(run.error(), "element 7 of `dst` is outside the memory bound to it"));
}

TEST(Checks, RegistersThatWereNeverStoredTo) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @dst: f32[2] far output
    buffer @acc: f32[1] register local
    for %i in 0..2 {
      alloc @acc
      if %i < 1 { store @acc[0] = 1.0 }
      %x: f32 = load @acc[0]
      store @dst[%i] = %x
    }
  })");
  run.set("dst", Floats(2));
  EXPECT_TRUE(says(run.error(), "element 0 of `acc` is read but was never stored to"));
  EXPECT_EQ(run.get<float>("dst"), (Floats{1, 0})); // Each iteration has a buffer of its own.
}

std::string reversal(const std::string &first, const std::string &second) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @src: f32[8] far input
    buffer @dst: f32[8] far output
    buffer @tile: f32[8] near local
    for.group %g in 0..1 {
      for.team %t in 0..2 {
        for.worker %w in 0..4 {
          alloc @tile
          for %k in 0..2 {
            %x: f32 = load @src[%t * 4 + %w]
            store @tile[%t * 4 + %w] = %x
            )" + first +
                R"(
            %y: f32 = load @tile[%t * 4 + 3 - %w]
            store @dst[%t * 4 + %w] = %y
            )" + second +
                R"(
          }
        }
      }
    }
  })");
  run.set("src", counting(8)).set("dst", Floats(8));
  const std::string error = run.error();
  if (error.empty()) {
    EXPECT_EQ(run.get<float>("dst"), (Floats{3, 2, 1, 0, 7, 6, 5, 4}));
  }
  return error;
}

TEST(Checks, AccessesThatNoBarrierOrders) {
  EXPECT_EQ(reversal("barrier.group", "barrier.group"), "");
  EXPECT_EQ(reversal("barrier.team", "barrier.team"), ""); // A team's workers keep to their own part.
  EXPECT_TRUE(says(reversal("", "barrier.group"), "with no barrier between"));
  EXPECT_TRUE(
      says(reversal("barrier.group", ""), "with no barrier between")); // The next step overwrites what others read.
}

TEST(Checks, TeamBarriersDoNotOrderOtherTeams) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @dst: f32[4] far output
    buffer @tile: f32[4] near local
    for.group %g in 0..1 {
      for.team %t in 0..2 {
        for.worker %w in 0..2 {
          alloc @tile
          store @tile[%t * 2 + %w] = 1.0
          barrier.team
          %y: f32 = load @tile[3 - %t * 2 - %w]
          store @dst[%t * 2 + %w] = %y
        }
      }
    }
  })");
  run.set("dst", Floats(4));
  EXPECT_TRUE(says(run.error(), "element 3 of `tile` is read by worker 0 and touched by worker 3"));
}

TEST(Checks, ACopyNeedsABarrierBeforeItIsRead) {
  KernelRun run(R"(kernel @k stage tiled {
    buffer @src: f32[4] far input
    buffer @dst: f32[4] far output
    buffer @tile: f32[4] near local
    for.group %g in 0..1 {
      for.worker %w in 0..4 {
        alloc @tile
        copy[%i in 0..4] @tile[%i] = @src[%i]
        %y: f32 = load @tile[%w]
        store @dst[%w] = %y
      }
    }
  })");
  run.set("src", counting(4)).set("dst", Floats(4));
  EXPECT_TRUE(says(run.error(), "element 0 of `tile` is read by worker 0 and touched by all workers"));
}

TEST(Checks, BarriersThatNotAllWorkersReach) {
  // Built by hand: the verifier refuses it, and the interpreter must not rely on that.
  Kernel k;
  k.name = "k";
  k.stage = Stage::kScheduled;
  Builder b(k);
  const VarId worker = b.loop_var("w");
  const StmtId barrier = k.add_stmt(Barrier{BarrierScope::kGroup});
  k.body = b.loop(worker, 2, LoopKind::kWorker, b.when(b.less(b.var(worker), b.index(1)), barrier));
  const Status status = interpret(k, {});
  ASSERT_FALSE(status);
  EXPECT_TRUE(says(status.error().text, "the condition differs between workers"));
}

TEST(Checks, DivisorsMustBePositive) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @dst: f32[4] far output
    for %i in 0..4 { store @dst[%i / (2 - %i)] = 1.0 }
  })");
  run.set("dst", Floats(4));
  EXPECT_TRUE(says(run.error(), "a divisor is not positive"));
}

TEST(Checks, PrefetchesStayInside) {
  KernelRun run(R"(kernel @k stage scheduled {
    buffer @src: f32[4] far input
    for %i in 0..4 { prefetch.l1 @src[%i + 1] }
  })");
  run.set("src", Floats(4));
  EXPECT_TRUE(says(run.error(), "index 4 of dimension 0"));
}

TEST(Checks, SymbolsNeedValues) {
  Diagnostics diagnostics;
  auto program = parse_program(Source("p", R"(program @p {
    symbol N >= 1
    tensor x: f32[N] output
    kernel @k stage scheduled {
      symbol %N = N
      buffer @x: f32[%N] far output = tensor x
      for %i in 0 .. %N { store @x[%i] = f32(i32(%i)) }
    }
  })"),
                               diagnostics);
  ASSERT_TRUE(program) << program.error().text;
  Floats x(5);
  const std::unordered_map<TensorId, FarMemory> memory{{TensorId{0}, {x.data(), 20}}};
  EXPECT_FALSE(interpret(*program, memory));
  EXPECT_FALSE(interpret(*program, memory, {{6}, {}})); // Too small for six elements.
  EXPECT_EQ(x, Floats(5));
  ASSERT_TRUE(interpret(*program, memory, {{5}, {}}));
  EXPECT_EQ(x, counting(5));
}

} // namespace
} // namespace sparkle::reference
