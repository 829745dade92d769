#include "compiler/ir/verifier.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "compiler/ir/builder.h"
#include "compiler/ir/parser.h"
#include "compiler/ir/printer.h"

namespace sparkle {
namespace {

ParsedIr parsed(const std::string &text) {
  const Source source("test", text);
  Diagnostics diagnostics;
  auto ir = parse_ir(source, diagnostics);
  EXPECT_TRUE(ir) << render_text(diagnostics, source);
  return ir ? std::move(ir.value()) : ParsedIr{};
}

std::vector<Violation> violations_of(const ParsedIr &ir) {
  std::vector<Violation> all;
  for (const auto *kernels : {&ir.program.prepack, &ir.program.kernels})
    for (const Kernel &kernel : *kernels) {
      const auto some = ir.is_kernel ? find_violations(kernel) : find_violations(ir.program, kernel);
      all.insert(all.end(), some.begin(), some.end());
    }
  return all;
}

/// Exactly one violation, of this rule.
void expect_rule(const std::vector<Violation> &violations, Rule rule, const std::string &text) {
  ASSERT_EQ(violations.size(), 1u) << text << (violations.empty() ? "" : violations.front().text);
  EXPECT_EQ(violations.front().rule, rule) << text << name_of(violations.front().rule);
}

struct Case {
  Rule rule;
  std::string stage;
  std::string body;
};

std::string kernel_of(const Case &c) {
  return "kernel @k stage " + c.stage + R"( {
  buffer @in: f32[16] far input
  buffer @out: f32[16] far output
  buffer @io: f32[4, 16] far inout
)" + c.body +
         "\n}\n";
}

/// One line of a body that is wrong in one way.
const Case kCases[] = {
    {Rule::kIndexBits, "tiled index 16", "store @out[0] = 1.0"},
    {Rule::kStage, "tiled", "store @out[0] = @in[0]"},
    {Rule::kStage, "vectorized", "for.lane %i in 0..4 {\nstore @out[%i] = 1.0\n}"},
    {Rule::kStage, "scheduled", "copy[%i in 0..4] @out[%i] = @in[%i]"},
    {Rule::kStage, "imported", "for.group %i in 0..4 {\nstore @out[%i] = 1.0\n}"},
    {Rule::kScope, "tiled", "for %i in 0..4 {\n%x: index = %i\n}\nstore @out[%i] = 1.0"},
    {Rule::kScope, "tiled", "if true {\n%x: f32 = 1.0\n}\nstore @out[0] = %x"},
    {Rule::kOperand, "tiled", "store @out[0] = 1.0 + f32x4(broadcast(1, 4))"},
    {Rule::kOperand, "tiled", "%h: f16 = 1.0:f16 + 2.0:f16"},
    {Rule::kOperand, "tiled", "%h: index = sqrt(4)"},
    {Rule::kOperand, "tiled", "%h: f32 = bits_f32(1.5:f16)"},
    {Rule::kOperand, "tiled", "%h: i32x2 = bits_i32x2(1.5)"},
    {Rule::kOperand, "tiled", "%h: index = select(1, 2, 3)"},
    {Rule::kOperand, "tiled", "%h: f32x2 = shuffle([1.0, 2.0], [0, 2])"},
    {Rule::kOperand, "tiled", "%h: i32x2 = dot(broadcast(1:i32, 2), broadcast(1:i32, 3), broadcast(1:i32, 3))"},
    {Rule::kDivisor, "tiled", "%x: index = 7 / 0"},
    {Rule::kDivisor, "tiled", "%x: index = 7 % -2"},
    {Rule::kBuffer, "tiled", "buffer @b: f32[4] far output align 12\nstore @b[0] = 1.0"},
    {Rule::kBuffer, "tiled", "buffer @b: f32[0] near local\nalloc @b"},
    {Rule::kBuffer, "tiled", "buffer @b: f32[4] far output strides [1, 1]\nstore @b[0] = 1.0"},
    {Rule::kRole, "tiled", "buffer @b: f32[4] near output\nstore @b[0] = 1.0"},
    {Rule::kRole, "tiled", "buffer @b: f32[4] far local\nalloc @b"},
    {Rule::kWrite, "tiled", "store @in[0] = 1.0"},
    {Rule::kAlloc, "tiled", "buffer @b: f32[4] near local\nstore @b[0] = 1.0"},
    {Rule::kAlloc, "tiled", "buffer @b: f32[4] near local\nfor %i in 0..4 {\nalloc @b\n}\nstore @b[0] = 1.0"},
    {Rule::kAlloc, "tiled", "buffer @b: f32[4] near local\nalloc @b\nalloc @b"},
    {Rule::kAlloc, "tiled", "alloc @out"},
    {Rule::kRank, "tiled", "store @out[0, 0] = 1.0"},
    {Rule::kRank, "tiled", "prefetch.l1 @io[0]"},
    {Rule::kMask, "tiled", "%x: f32 = load @in[0] if true"},
    {Rule::kMask, "tiled", "%x: f32 = load @in[0] else 1.0"},
    {Rule::kType, "tiled", "store @out[0] = 1"},
    {Rule::kType, "tiled", "%x: f32x4 = 1.0"},
    {Rule::kType, "tiled", "%x: i32 = load @in[0]"},
    {Rule::kType, "tiled", "if 1 {\nbarrier.team\n}"},
    {Rule::kType, "tiled", "store @out[1.0] = 1.0"},
    {Rule::kType, "tiled", "for %i in 0..1.0 {\nbarrier.team\n}"},
    {Rule::kType, "tiled", "%x: f32x4 = load @in[ramp(0, 1, 8)]"},
    {Rule::kType, "tiled", "store @out[0] = 1.0 if broadcast(true, 4)"},
    {Rule::kGroupLoop, "tiled", "for %i in 0..4 {\nfor.group %j in 0..4 {\nstore @out[%j] = 1.0\n}\n}"},
    {Rule::kGroupLoop, "tiled", "for.group %i in 1..4 {\nstore @out[%i] = 1.0\n}"},
    {Rule::kGroupLoop, "tiled", "for.group %i in 0..4 {\nbarrier.team\nfor.group %j in 0..4 {\nbarrier.team\n}\n}"},
    {Rule::kWorkerLoop, "tiled", "for.worker %i in 0..4 {\nfor.team %j in 0..4 {\nbarrier.team\n}\n}"},
    {Rule::kWorkerLoop, "tiled", "for.worker %i in 1..4 {\nbarrier.team\n}"},
    {Rule::kWorkerLoop, "tiled", "for.lane %i in 0..4 {\nfor.worker %j in 0..4 {\nstore @out[%j] = 1.0\n}\n}"},
    {Rule::kUnrolled, "tiled", "for %i in 0..4 {\nfor.unrolled %j in 0..%i {\nstore @out[%j] = 1.0\n}\n}"},
    {Rule::kUnrolled, "tiled", "for.lane %j in 1..4 {\nstore @out[%j] = 1.0\n}"},
    {Rule::kCopy, "tiled", "for.worker %w in 0..4 {\ncopy[%i in 0..4] @out[%i] = @io[%w, %i]\n}"},
    {Rule::kCopy, "tiled", "for.team %w in 0..4 {\n%x: index = %w * 2\ncopy[%i in 0..4] @out[%i] = @io[%x, %i]\n}"},
    {Rule::kCopy, "tiled", "copy[%i in 0..0] @out[%i] = @in[%i]"},
    {Rule::kCopy, "tiled", "copy[%i in 0..4] @out[%i] = @in[%i] buffers 3"},
    {Rule::kBarrier, "tiled", "for.worker %w in 0..4 {\nif %w < 2 {\nbarrier.group\n}\n}"},
    {Rule::kBarrier, "tiled", "for.worker %w in 0..4 {\nfor %i in 0..%w {\nbarrier.group\n}\n}"},
    {Rule::kBarrier, "tiled", "for.lane %w in 0..4 {\nbarrier.group\n}"},
    {Rule::kFragment, "tiled", "buffer @f: f32[4] register local fragment a\nalloc @f"},
    {Rule::kFragment, "tiled", "buffer @f: f32[4, 4] register local fragment a\nalloc @f\nstore @f[0, 0] = 1.0"},
    {Rule::kFragment, "tiled", "buffer @f: f32[4, 4] register local\nalloc @f\nfragment.fill @f = 1.0"},
    {Rule::kFragment, "tiled",
     "buffer @a: f32[4, 8] register local fragment a\nbuffer @b: f32[4, 8] register local fragment b\n"
     "buffer @c: f32[4, 8] register local fragment accumulator\nalloc @a\nalloc @b\nalloc @c\n"
     "fragment.mma @c = @a * @b + @c"},
    {Rule::kPrefetch, "tiled", "prefetch.l4 @in[0]"},
    {Rule::kImported, "imported", "for %i in 0..4 {\nstore @io[0, %i] = @io[1, %i]\n}"},
    {Rule::kImported, "imported", "for %i in 0..4 {\nstore @out[%i] = 1.0 if %i < 3\n}"},
    {Rule::kImported, "imported", "{\nstore @out[0] = 1.0\nstore @out[1] = 1.0\n}"},
};

TEST(IrVerifier, FindsEachMistake) {
  for (const Case &c : kCases) {
    const std::string text = kernel_of(c);
    expect_rule(violations_of(parsed(text)), c.rule, text);
  }
}

TEST(IrVerifier, AnImportedKernelMayReadTheOldValue) {
  const Case sum{Rule::kImported, "imported", "for %i in 0..4 {\nstore @io[0, %i] = @io[0, %i] + @in[%i]\n}"};
  EXPECT_TRUE(violations_of(parsed(kernel_of(sum))).empty());
}

TEST(IrVerifier, LowerableBuffersAreFlat) {
  const std::string text =
      "kernel @k stage lowerable {\n  buffer @a: f32[4, 4] far output\n  store @a[0, 0] = 1.0\n}\n";
  expect_rule(violations_of(parsed(text)), Rule::kLowerable, text);
  const std::string strided =
      "kernel @k stage lowerable {\n  buffer @a: f32[4] far output strides [2]\n  store @a[0] = 1.0\n}\n";
  expect_rule(violations_of(parsed(strided)), Rule::kLowerable, strided);
}

TEST(IrVerifier, ChecksIds) {
  Kernel k;
  expect_rule(find_violations(k), Rule::kId, "no body");
  k.stage = Stage::kTiled;
  const StmtId barrier = k.add_stmt(Barrier{});
  k.body = k.add_stmt(Block{{barrier, barrier}});
  expect_rule(find_violations(k), Rule::kId, "twice");
  k.body = k.add_stmt(Alloc{static_cast<BufferId>(3)});
  expect_rule(find_violations(k), Rule::kId, "out of range");
  EXPECT_FALSE(verify(k));
}

TEST(IrVerifier, ChecksNames) {
  Kernel k;
  k.stage = Stage::kTiled;
  Builder b(k);
  const VarId i = b.loop_var("i");
  const VarId j = b.loop_var("j");
  k.body = b.loop(i, 4, LoopKind::kSerial, b.loop(j, 4, LoopKind::kSerial, b.block({})));
  EXPECT_TRUE(find_violations(k).empty());
  k.var(j).name = "i";
  expect_rule(find_violations(k), Rule::kName, "same name");
  k.var(j).name = "j";
  k.var(j).dim = "oc";
  expect_rule(find_violations(k), Rule::kName, "dim and name differ");
}

TEST(IrVerifier, ChecksBindings) {
  Kernel k;
  k.stage = Stage::kTiled;
  Builder b(k);
  const VarId i = b.loop_var("i");
  const StmtId first = b.loop(i, 4, LoopKind::kSerial, b.block({}));
  const StmtId second = b.loop(i, 4, LoopKind::kSerial, b.block({}));
  k.body = b.block({first, second});
  expect_rule(find_violations(k), Rule::kBoundOnce, "bound twice");
  k.body = b.let(i, b.index(1));
  expect_rule(find_violations(k), Rule::kBoundOnce, "kind");
}

TEST(IrVerifier, ChecksConstants) {
  Kernel k;
  k.stage = Stage::kTiled;
  Builder b(k);
  const Type u8{Scalar::kU8, 1};
  k.body = b.let(b.value_var("x", u8), k.intern(IntConst{u8, 256}));
  expect_rule(find_violations(k), Rule::kConstant, "256 as u8");
  k.body = b.let(b.value_var("y", kF32Type), k.intern(FloatConst{kF32Type, 0.1}));
  expect_rule(find_violations(k), Rule::kConstant, "0.1 not rounded");
}

TEST(IrVerifier, ChecksPrograms) {
  const auto program = [](const char *tensor, const char *buffer, const char *prefix) {
    return std::string("program @p {\n  tensor t: f32[4] ") + tensor + "\n  " + prefix +
           "kernel @k stage tiled {\n    buffer @b: " + buffer + "\n    store @b[0] = 1.0\n  }\n}\n";
  };
  const std::string good = program("output", "f32[4] far output = tensor t", "");
  EXPECT_TRUE(verify(parsed(good).program));
  for (const std::string &text :
       {program("workspace", "f32[4] far output = tensor t", ""), program("output", "f32[4] far output", ""),
        program("packed", "f32[4] far packed = tensor t", ""),
        program("output", "f32[4] far output = tensor t", "prepack ")})
    expect_rule(violations_of(parsed(text)), Rule::kProgram, text);
}

TEST(IrVerifier, NamesThePlaceInThePrintedKernel) {
  const ParsedIr ir = parsed("kernel @k stage tiled {\n\n\n  buffer @in: f32[4] far input\n  store @in[0] = 1.0\n}\n");
  const Status status = verify(ir.program.kernels.front());
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text.find("kernel k:3:3: error"), std::string::npos) << status.error().text;
  EXPECT_NE(status.error().text.find("[ir-write]"), std::string::npos) << status.error().text;
}

TEST(IrVerifier, EveryRuleHasItsTest) {
  std::set<Rule> tested = {Rule::kId, Rule::kName, Rule::kBoundOnce, Rule::kConstant, Rule::kLowerable, Rule::kProgram};
  for (const Case &c : kCases) tested.insert(c.rule);
  EXPECT_EQ(tested.size(), static_cast<size_t>(kRuleCount));
}

} // namespace
} // namespace sparkle
