#include "tests/unit/targets/x86/flat_code.h"

namespace sparkle::x86 {
namespace {

constexpr const char *kEveryForm = R"(function @conv avx512 vnni frame 3
  pool 0000803f 00000040
  g0 = arg 0
  g1 = arg 1
  g2 = gconst -5000000000
  g3 = gload.8 [g0]
  g4 = gload_s.2 [g0 + g1*4 - 16]
  g4 = gload.4 [g1*8]
  g4 = gadd.8 g4, 4 !7
  g4 = gset.at_least.4 g4, g1
  v5 = vload.64 [g0 + 64]
  k6 = k_from_g g4
  v5 = vmove.64 v5 {k6}
  v7 = vload.32 [g3 + g4*1] {k6 z}
L0:
  v5 = fadd.64 v5, bcast[pool + 4] !12
  v5 = vfma_mem.64 v7, v5, [frame 2]
  k6 = fcmp_k.64 v5, [frame 1 + 16], 17
  v7 = gather.64 v7, [g0 + v5*4 + 8] {k6}
  prefetch [g0 + 128], 1
  vstore.64 v5, [g3]
  jump_if.lt.8 g4, 100, L0
  jump_if.ne.8 g4, g1, L1
  jump L1
L1:
  ret
)";

TEST(X86Text, ReadsBackWhatItPrints) {
  const Function function = flat_code(kEveryForm);
  EXPECT_EQ(to_text(function), kEveryForm);
  EXPECT_EQ(function.labels, 2u);
  EXPECT_EQ(function.frame_slots, 3u);
  EXPECT_EQ(function.pool.size(), 8u);
  EXPECT_EQ(function.registers[static_cast<VReg>(6)], RegClass::kMask);
  EXPECT_EQ(to_text(function.code[0], function), "g0 = arg 0");
}

TEST(X86Text, ImmediateStandsForTheLastSourceAloneWhereItMay) {
  const Function function = flat_code("function @f avx2\n g0 = gconst 1\n g0 = gadd.8 g0, 2\n ret\n");
  EXPECT_FALSE(function.code[0].has_immediate);
  EXPECT_TRUE(function.code[1].has_immediate);
}

struct Mistake {
  const char *line;
  const char *code;
  int column;
};

class X86TextMistake : public testing::TestWithParam<Mistake> {};

TEST_P(X86TextMistake, IsLocated) {
  const Source source("test", std::string("function @f avx2\n") + GetParam().line + "\n");
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_function(source, diagnostics));
  ASSERT_EQ(diagnostics.error_count(), 1);
  const Diagnostic &error = diagnostics.list().front();
  EXPECT_EQ(error.code, GetParam().code) << error.text;
  EXPECT_EQ(source.place(error.range.begin).line, 2);
  EXPECT_EQ(source.place(error.range.begin).column, GetParam().column) << error.text;
}

INSTANTIATE_TEST_SUITE_P(
    All, X86TextMistake,
    testing::Values(
        Mistake{"g0 = gadd.8 g1, v1", "vreg-operand", 17}, Mistake{"g0 = gadx.8 g1, g1", "vreg-op", 6},
        Mistake{"g0 = gset.lo.8 g1, g1", "vreg-op", 13}, Mistake{"g0 = gadd.800 g1, g1", "vreg-op", 14},
        Mistake{"g0 = gload.8 [g1 + g2*3]", "vreg-operand", 24}, Mistake{"g0 = gload.8 [g1 + g2]", "vreg-operand", 22},
        Mistake{"g0 = gload.8 [g1 + 3000000000]", "vreg-operand", 30}, Mistake{"g0 = gload.8 [g1", "vreg-syntax", 17},
        Mistake{"g0 = gload.8 [g1], [g2]", "vreg-operand", 20}, Mistake{"g0 gadd.8 g1, g1", "vreg-syntax", 4},
        Mistake{"g0 = arg", "vreg-operand", 9}, Mistake{"g0 = gadd.8 g1, 1 2", "vreg-syntax", 19},
        Mistake{"pool 0x", "vreg-syntax", 8}, Mistake{"L0", "vreg-syntax", 3}));

} // namespace
} // namespace sparkle::x86
