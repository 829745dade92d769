// Instruction selection: what small kernels become, as text. That it computes the right thing: tests/unit/targets/cpu.
#include <algorithm>

#include <gtest/gtest.h>

#include "compiler/ir/parser.h"
#include "compiler/target/target.h"
#include "targets/x86/optimize.h"
#include "targets/x86/select.h"
#include "targets/x86/text.h"
#include "targets/x86/verify.h"

namespace sparkle::x86 {
namespace {

constexpr Isa kIsa{Family::kAvx512, false};

Program parse(const std::string &text) {
  Diagnostics diagnostics;
  const Source source("kernel.ir", text);
  Result<Program> program = parse_program(source, diagnostics);
  EXPECT_TRUE(program) << render_text(diagnostics, source);
  return program ? std::move(*program) : Program{};
}

/// Optimized, and valid before and after that.
Result<Function> select_text(const std::string &text, const Isa &isa = kIsa) {
  const Program program = parse(text);
  SPARKLE_TRY(const Artifact plan, plan_artifact(program, "x86"));
  SPARKLE_TRY(Selected selected, select(program.kernels.at(0), plan.launches.at(0), isa));
  SPARKLE_TRY_STATUS(verify(selected.function));
  optimize(selected.function);
  SPARKLE_TRY_STATUS(verify(selected.function));
  return std::move(selected.function);
}

/// The innermost loop with the most instructions: those between a label and the jump back to it.
std::vector<Inst> hot_loop(const Function &function) {
  std::vector<Inst> hot;
  for (size_t i = 0; i < function.code.size(); ++i) {
    if (function.code[i].op != Op::kLabel) continue;
    for (size_t j = i + 1; j < function.code.size() && function.code[j].op != Op::kLabel; ++j) {
      const bool closes = function.code[j].op == Op::kJumpIf && function.code[j].label == function.code[i].label;
      if (closes && j - i > hot.size())
        hot.assign(function.code.begin() + static_cast<ptrdiff_t>(i) + 1,
                   function.code.begin() + static_cast<ptrdiff_t>(j) + 1);
    }
  }
  return hot;
}

long count(const std::vector<Inst> &code, Op op) {
  return std::count_if(code.begin(), code.end(), [&](const Inst &inst) { return inst.op == op; });
}

std::string text_of(const Function &function) { return to_text(function); }

/// Rows 14 x m of a times columns 32 x n of b, k in steps of one.
constexpr const char *kProduct = R"(program @p {
  tensor a: f32[56, 64] input
  tensor b: f32[64, 64] input
  tensor c: f32[56, 64] output
  flops 1 executed 1
  kernel @c stage lowerable index 32 {
    buffer @acc: f32[448] register local align 64
    buffer @a: f32[3584] far input = tensor a
    buffer @b: f32[4096] far input = tensor b
    buffer @c: f32[3584] far output = tensor c
    for.group %m in 0..4 {
      for.group %n in 0..2 {
        alloc @acc
        for.unrolled %i in 0..14 {
          for.unrolled %j in 0..2 {
            store @acc[ramp(%i * 32 + %j * 16, 1, 16)] = broadcast(0.0, 16)
          }
        }
        for %k in 0..64 {
          for.unrolled %i2 in 0..14 {
            %x: f32 = load @a[%m * 896 + %i2 * 64 + %k]
            for.unrolled %j2 in 0..2 {
              %y: f32x16 = load @b[ramp(%k * 64 + %n * 32 + %j2 * 16, 1, 16)]
              %sum: f32x16 = load @acc[ramp(%i2 * 32 + %j2 * 16, 1, 16)]
              store @acc[ramp(%i2 * 32 + %j2 * 16, 1, 16)] = fma(broadcast(%x, 16), %y, %sum)
            }
          }
        }
        for.unrolled %i3 in 0..14 {
          for.unrolled %j3 in 0..2 {
            %z: f32x16 = load @acc[ramp(%i3 * 32 + %j3 * 16, 1, 16)]
            store @c[ramp(%m * 896 + %i3 * 64 + %n * 32 + %j3 * 16, 1, 16)] = %z
          }
        }
      }
    }
  }
})";

TEST(X86Select, TheHotLoopOfAProductHoldsNothingBesides) {
  const Result<Function> function = select_text(kProduct);
  ASSERT_TRUE(function) << function.error().text;
  const std::vector<Inst> loop = hot_loop(*function);
  EXPECT_EQ(count(loop, Op::kFMulAdd), 28);
  EXPECT_EQ(count(loop, Op::kVBroadcast), 14);
  EXPECT_EQ(count(loop, Op::kVLoad), 2);
  EXPECT_EQ(count(loop, Op::kGAdd), 2) << "a pointer each into a and b";
  EXPECT_EQ(count(loop, Op::kJumpIf), 1);
  EXPECT_EQ(loop.size(), 28u + 14 + 2 + 2 + 1) << text_of(*function);
}

TEST(X86Select, VectorsTakeAsManyRegistersAsTheFamilyNeeds) {
  const Result<Function> function = select_text(kProduct, Isa{Family::kAvx2, false});
  ASSERT_TRUE(function) << function.error().text;
  const std::vector<Inst> loop = hot_loop(*function);
  EXPECT_EQ(count(loop, Op::kFMulAdd), 56);
  EXPECT_EQ(count(loop, Op::kVBroadcast), 14);
  EXPECT_EQ(count(loop, Op::kVLoad), 4);
}

std::string copy_kernel(const std::string &begin, const std::string &end, const std::string &body) {
  return R"(program @p {
  tensor a: f32[4096] input
  tensor c: f32[4096] output
  flops 1 executed 1
  kernel @c stage lowerable index 32 {
    buffer @a: f32[4096] far input = tensor a
    buffer @c: f32[4096] far output = tensor c
    for.group %m in 0..4 {
      for %k in )" +
         begin + ".." + end + " {\n" + body + "      }\n    }\n  }\n}";
}

constexpr const char *kCopy = R"(        %x: f32x16 = load @a[ramp(%m * 1024 + %k * 16, 1, 16)]
        store @c[ramp(%m * 1024 + %k * 16, 1, 16)] = %x
)";

TEST(X86Select, APointerEndsALoopThatNeedsNoVariable) {
  const Result<Function> function = select_text(copy_kernel("0", "64", kCopy));
  ASSERT_TRUE(function) << function.error().text;
  const std::vector<Inst> loop = hot_loop(*function);
  EXPECT_EQ(loop.size(), 5u) << "a load, a store, two pointers, a jump\n" << text_of(*function);
  EXPECT_EQ(loop.back().condition, Condition::kNe);
}

TEST(X86Select, LoopsThatMayBeEmptyAreTestedFirst) {
  const Result<Function> always = select_text(copy_kernel("0", "64", kCopy));
  const Result<Function> perhaps = select_text(copy_kernel("%m", "3", kCopy));
  const Result<Function> proven = select_text(copy_kernel("%m", "4", kCopy));
  const Result<Function> never = select_text(copy_kernel("7", "7", kCopy));
  ASSERT_TRUE(always && perhaps && proven && never);
  EXPECT_EQ(count(always->code, Op::kJumpIf), 3) << "tasks: in front and behind; the loop";
  EXPECT_EQ(count(perhaps->code, Op::kJumpIf), 4);
  EXPECT_EQ(count(proven->code, Op::kJumpIf), 3) << text_of(*proven);
  EXPECT_EQ(count(never->code, Op::kVStore), 0);
}

TEST(X86Select, ElementsAreLoadedOnceUntilAStoreMayChangeThem) {
  const std::string twice = R"(        %x: f32x16 = load @a[ramp(%k * 16, 1, 16)]
        %y: f32x16 = load @a[ramp(%k * 16, 1, 16)]
        store @c[ramp(%k * 16, 1, 16)] = %x + %y
        %z: f32x16 = load @a[ramp(%k * 16, 1, 16)]
        %v: f32x16 = load @c[ramp(%k * 16, 1, 16)]
        %w: f32x16 = load @c[ramp(%k * 16, 1, 16)]
        store @c[ramp(%k * 16 + 16, 1, 16)] = %z + %v + %w
        %u: f32x16 = load @c[ramp(%k * 16, 1, 16)]
        store @c[ramp(%k * 16 + 8, 1, 16)] = %u
        %t: f32x16 = load @c[ramp(%k * 16, 1, 16)]
        store @c[ramp(%k * 16 + 32, 1, 16)] = %t
)";
  const Result<Function> function = select_text(copy_kernel("0", "8", twice));
  ASSERT_TRUE(function) << function.error().text;
  EXPECT_EQ(count(hot_loop(*function), Op::kVLoad), 3) << "a; c; c behind the store that overlaps it\n"
                                                       << text_of(*function);
}

TEST(X86Select, WhatALoopDoesNotChangeIsInFrontOfIt) {
  const std::string body =
      R"(        %x: f32x16 = load @a[ramp((%m * 5 + 3) / 7 * 64 + min(%m * 3, 2) * 16 + %k * 16, 1, 16)]
        store @c[ramp((%m * 5 + 3) / 7 * 64 + %k * 16, 1, 16)] = %x
)";
  const Result<Function> function = select_text(copy_kernel("0", "8", body));
  ASSERT_TRUE(function) << function.error().text;
  EXPECT_EQ(hot_loop(*function).size(), 5u) << text_of(*function);
}

TEST(X86Select, BranchesThatAreKnownAreNone) {
  const std::string body = R"(        if %k < 8 {
          store @c[%k] = 1.0
        } else {
          store @c[%k] = 2.0
        }
        if %k < 3 {
          store @c[%k + 8] = 1.0
        }
)";
  const Result<Function> function = select_text(copy_kernel("0", "8", body));
  ASSERT_TRUE(function) << function.error().text;
  EXPECT_EQ(count(function->code, Op::kVStore), 2) << text_of(*function);
  EXPECT_EQ(count(function->code, Op::kJumpIf), 4);
}

TEST(X86Select, RefusesCodeWithoutEnd) {
  const std::string body = R"(        for.unrolled %i in 0..70000 {
          store @c[%k] = 1.0
        }
)";
  const Result<Function> function = select_text(copy_kernel("0", "8", body));
  ASSERT_FALSE(function);
  EXPECT_EQ(function.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(function.error().text.find("instructions"), std::string::npos) << function.error().text;
}

TEST(X86Select, RefusesWhatNoDisplacementReaches) {
  const std::string body = R"(        store @c[%k + 600000000] = 1.0
)";
  const Result<Function> function = select_text(copy_kernel("0", "8", body));
  ASSERT_FALSE(function);
  EXPECT_EQ(function.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(function.error().text.find("2 GiB"), std::string::npos) << function.error().text;
}

/// Four sums over k, of 16 lanes of which the mask has 8.
constexpr const char *kTail = R"(program @p {
  tensor a: f32[64, 4] input
  tensor b: f32[64, 8] input
  tensor c: f32[4, 8] output
  flops 1 executed 1
  kernel @c stage lowerable index 32 {
    buffer @acc: f32[64] register local align 64
    buffer @a: f32[256] far input = tensor a
    buffer @b: f32[512] far input = tensor b
    buffer @c: f32[32] far output = tensor c
    for.group %m in 0..1 {
      alloc @acc
      for.unrolled %i in 0..4 {
        store @acc[ramp(%i * 16, 1, 16)] = broadcast(0.0, 16)
      }
      for %k in 0..64 {
        for.unrolled %i2 in 0..4 {
          %x: f32 = load @a[%k * 4 + %i2]
          %y: f32x16 = load @b[ramp(%k * 8, 1, 16)] if ramp(0, 1, 16) < broadcast(8, 16) else broadcast(0.0, 16)
          %old: f32x16 = load @acc[ramp(%i2 * 16, 1, 16)]
          store @acc[ramp(%i2 * 16, 1, 16)] = select(ramp(0, 1, 16) < broadcast(8, 16), fma(broadcast(%x, 16), %y, %old), %old)
        }
      }
      for.unrolled %i3 in 0..4 {
        %sum: f32x16 = load @acc[ramp(%i3 * 16, 1, 16)]
        store @c[ramp(%i3 * 8, 1, 16)] = %sum if ramp(0, 1, 16) < broadcast(8, 16)
      }
    }
  }
}
)";

TEST(X86Select, MasksSumsWhereTheyAreAndLoadsTheirLanesOnce) {
  const Result<Function> function = select_text(kTail);
  ASSERT_TRUE(function) << function.error().text;
  const std::vector<Inst> loop = hot_loop(*function);
  EXPECT_EQ(count(loop, Op::kFMulAddK), 4) << text_of(*function);
  EXPECT_EQ(count(loop, Op::kVLoad), 1) << text_of(*function);
  EXPECT_EQ(count(loop, Op::kBlendK) + count(loop, Op::kVMove) + count(loop, Op::kFMulAdd), 0) << text_of(*function);
}

/// A count made by additions that unrolled conditions choose.
constexpr const char *kMean = R"(program @p {
  tensor a: f32[64] input
  tensor c: f32[32] output
  flops 1 executed 1
  kernel @c stage lowerable index 32 {
    buffer @count: f32[32] register local align 64
    buffer @a: f32[64] far input = tensor a
    buffer @c: f32[32] far output = tensor c
    for.group %m in 0..1 {
      alloc @count
      for.unrolled %i in 0..2 {
        store @count[ramp(%i * 16, 1, 16)] = broadcast(0.0, 16)
      }
      for.unrolled %t in 0..4 {
        for.unrolled %i2 in 0..2 {
          if 1 <= %t + %i2 {
            %n: f32x16 = load @count[ramp(%i2 * 16, 1, 16)]
            store @count[ramp(%i2 * 16, 1, 16)] = %n + broadcast(1.0, 16)
          }
        }
      }
      for.unrolled %i3 in 0..2 {
        %x: f32x16 = load @a[ramp(%i3 * 16, 1, 16)]
        %by: f32x16 = load @count[ramp(%i3 * 16, 1, 16)]
        store @c[ramp(%i3 * 16, 1, 16)] = %x * %by
      }
    }
  }
}
)";

TEST(X86Select, KnowsWhatUnrolledCodeCounts) {
  const Result<Function> function = select_text(kMean);
  ASSERT_TRUE(function) << function.error().text;
  EXPECT_EQ(count(function->code, Op::kFAdd), 0) << text_of(*function);
  EXPECT_EQ(count(function->code, Op::kFMul), 2) << text_of(*function);
}

} // namespace
} // namespace sparkle::x86
