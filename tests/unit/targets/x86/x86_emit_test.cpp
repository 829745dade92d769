// Control flow, arguments, layout, and what is refused.
#include <algorithm>
#include <numeric>

#include "targets/x86/machine_text.h"
#include "tests/unit/targets/x86/placed_code.h"
#include "tests/unit/targets/x86/run_code.h"

namespace sparkle::x86 {
namespace {

using Bytes = std::vector<uint8_t>;

MachineCode emitted(const std::string &text) {
  const Function function = flat_code(text);
  Result<MachineCode> code = emit(function, place_registers(function));
  EXPECT_TRUE(code) << code.error().text;
  return code ? std::move(*code) : MachineCode();
}

void run(const Runnable &code, void *first, int64_t second, int64_t third, void *fourth = nullptr) {
  code.entry(static_cast<const SparkleArguments *>(first), second, third, fourth);
}

TEST(X86Emit, SmallestFunctionIsMarkedAndReturns) {
  EXPECT_EQ(emitted("function @f avx2\n ret\n").bytes, (Bytes{0xF3, 0x0F, 0x1E, 0xFA, 0xC3}));
}

TEST(X86Emit, ArgumentsGoToAnyRegisters) {
  if (!has_family(Family::kAvx2)) GTEST_SKIP();
  const Function function = flat_code("function @f avx2\n g0 = arg 0\n g1 = arg 1\n g2 = arg 2\n g3 = arg 3\n"
                                      " gstore.8 g1, [g0]\n gstore.8 g2, [g0 + 8]\n gstore.8 g3, [g0 + 16]\n ret\n");
  for (const Bytes &registers : {Bytes{7, 6, 2, 1}, Bytes{3, 6, 8, 1}, Bytes{12, 7, 6, 2}}) {
    Bytes order = registers;
    std::sort(order.begin(), order.end());
    do {
      const Runnable code = make_runnable(function, place_registers(function, order));
      ASSERT_TRUE(code.entry);
      int64_t out[3] = {};
      run(code, out, -5, 1ll << 40, out + 2);
      EXPECT_EQ(out[0], -5);
      EXPECT_EQ(out[1], 1ll << 40);
      EXPECT_EQ(out[2], reinterpret_cast<int64_t>(out + 2));
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

bool holds(size_t condition, int64_t a, int64_t b, bool is_half) {
  if (is_half) a = static_cast<int32_t>(a), b = static_cast<int32_t>(b);
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  const bool results[] = {a == b, a != b, a<b, a <= b, a> b, a >= b, ua < ub, ua >= ub};
  return results[condition];
}

constexpr const char *kConditions[] = {"eq", "ne", "lt", "le", "gt", "ge", "below", "at_least"};
constexpr int64_t kNumbers[] = {0, 1, -1, 127, -128, 1ll << 31, -(1ll << 31), 1ll << 40, INT64_MIN, INT64_MAX};

/// Stores 1 where the jump is taken, else 2; `between` lies under the jump.
void check_jump(size_t condition, bool is_half, const std::string &between, const int64_t *immediate) {
  const std::string b = immediate ? std::to_string(*immediate) : "g2";
  const Function function =
      flat_code(std::string("function @f avx2\n g0 = arg 0\n g1 = arg 1\n g2 = arg 2\n") + " g3 = gconst 1\n jump_if." +
                kConditions[condition] + (is_half ? ".4" : ".8") + " g1, " + b + ", L0\n g3 = gconst 2\n" + between +
                "L0:\n gstore.8 g3, [g0]\n ret\n");
  const Runnable code = make_runnable(function, place_registers(function));
  ASSERT_TRUE(code.entry);
  for (const int64_t first : kNumbers) {
    for (const int64_t second : kNumbers) {
      int64_t out = 0;
      run(code, &out, first, second);
      EXPECT_EQ(out, holds(condition, first, immediate ? *immediate : second, is_half) ? 1 : 2)
          << kConditions[condition] << " " << first << " " << second;
    }
  }
}

TEST(X86Emit, JumpsFollowTheirConditions) {
  if (!has_family(Family::kAvx2)) GTEST_SKIP();
  std::string much;
  for (int i = 0; i < 40; ++i) much += " gstore.8 g3, [g0]\n";
  for (size_t condition = 0; condition < std::size(kConditions); ++condition) {
    for (const bool is_half : {false, true}) {
      check_jump(condition, is_half, "", nullptr);
      check_jump(condition, is_half, much, nullptr);
      for (const int64_t immediate : {0, 1, -1, 127, -129}) check_jump(condition, is_half, "", &immediate);
    }
  }
}

TEST(X86Emit, ForwardJumpsOverLittleAreShort) {
  const std::string head = "function @f avx2\n g0 = arg 0\n jump L0\n";
  const MachineCode near = emitted(head + " gstore.8 g0, [g0]\nL0:\n ret\n");
  EXPECT_EQ(near.bytes[4], 0xEB);
  std::string much;
  for (int i = 0; i < 40; ++i) much += " gstore.8 g0, [g0]\n";
  EXPECT_EQ(emitted(head + much + "L0:\n ret\n").bytes[4], 0xE9);
  // Few instructions, but of many bytes: the guess is wrong, and another try is made.
  std::string wide;
  for (int i = 0; i < 9; ++i) wide += " g1 = gdiv.8 g0, g0\n";
  const Function function = flat_code(head + wide + "L0:\n ret\n");
  const Result<MachineCode> code = emit(function, place_registers(function, {7, 3}));
  ASSERT_TRUE(code) << code.error().text;
  EXPECT_EQ(code->bytes[5], 0xE9); // behind the push of rbx
}

TEST(X86Emit, InnermostLoopsBeginAtAlignedPlaces) {
  if (!has_family(Family::kAvx2)) GTEST_SKIP();
  const Function function = flat_code(R"(function @f avx2
  g0 = arg 0
  g1 = arg 1
  g2 = arg 2
  g3 = gconst 0
L0:
  g4 = gconst 0
L1:
  g3 = gadd.8 g3, 1
  g4 = gadd.8 g4, 1
  jump_if.lt.8 g4, g2, L1
  g1 = gsub.8 g1, 1
  jump_if.gt.8 g1, 0, L0
  gstore.8 g3, [g0]
  ret
)");
  const Runnable code = make_runnable(function, place_registers(function));
  ASSERT_TRUE(code.entry);
  int64_t out = 0;
  run(code, &out, 7, 9);
  EXPECT_EQ(out, 63);
  // add rcx, 1 is the first of the inner loop.
  const Bytes add = {0x48, 0x83, 0xC1, 0x01};
  const auto at = std::search(code.made.bytes.begin(), code.made.bytes.end(), add.begin(), add.end());
  ASSERT_NE(at, code.made.bytes.end());
  EXPECT_EQ((at - code.made.bytes.begin()) % 32, 0);
}

TEST(X86Emit, PoolLiesBehindTheCodeAtAnAlignedPlace) {
  const MachineCode code =
      emitted("function @f avx2\n pool 0000803f 00000040\n g0 = arg 0\n v1 = vbroadcast.32 [pool + 4]\n"
              " vstore.32 v1, [g0]\n ret\n");
  EXPECT_EQ(code.bytes.size(), 64u + 8u);
  EXPECT_LT(code.code_bytes, 64u);
  EXPECT_EQ((Bytes{code.bytes.begin() + 64, code.bytes.end()}), (Bytes{0, 0, 0x80, 0x3F, 0, 0, 0, 0x40}));
}

TEST(X86Emit, LinesBeginWhereTheirInstructionsDo) {
  const MachineCode code = emitted("function @f avx2\n g0 = arg 0\n gstore.8 g0, [g0] !3\n gstore.8 g0, [g0] !3\n"
                                   " gstore.8 g0, [g0] !5\n ret !5\n");
  ASSERT_EQ(code.lines.size(), 2u);
  EXPECT_EQ(code.lines[0].offset, 4u);
  EXPECT_EQ(code.lines[0].line, 3u);
  EXPECT_EQ(code.lines[1].offset, 10u);
  EXPECT_EQ(code.lines[1].line, 5u);
}

TEST(X86Emit, MuchCodeIsEmitted) {
  if (!has_family(Family::kAvx2)) GTEST_SKIP();
  std::string text = "function @f avx2\n g0 = arg 0\n g1 = arg 1\n g4 = gconst 1000003\n";
  for (int i = 0; i < 20000; ++i) text += " g1 = gmod.8 g1, g4\n";
  const Function function = flat_code(text + " gstore.8 g1, [g0]\n ret\n");
  const Runnable code = make_runnable(function, place_registers(function));
  ASSERT_TRUE(code.entry);
  EXPECT_GT(code.made.bytes.size(), function.code.size() * 16);
  int64_t out = 0;
  run(code, &out, 1000008, 0);
  EXPECT_EQ(out, 5);
}

struct Refusal {
  const char *head;
  const char *line;
  const char *why;
};

class X86Refusal : public testing::TestWithParam<Refusal> {};

TEST_P(X86Refusal, SaysTheInstructionAndWhy) {
  const Refusal &refusal = GetParam();
  Function function = flat_code(std::string("function @f ") + refusal.head + "\n " + refusal.line + "\n ret\n");
  const Result<MachineCode> code = emit(function, place_registers(function, Bytes(function.registers.size(), 3)));
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(code.error().text, std::string("cannot encode `") + refusal.line + "`: " + refusal.why);
}

constexpr const char *kWide = "the immediate has more than 32 bits";
INSTANTIATE_TEST_SUITE_P(
    X86Emit, X86Refusal,
    testing::Values(
        Refusal{"avx2", "g1 = gadd.8 g0, 2147483648", kWide}, Refusal{"avx2", "g1 = gsub.8 g0, -2147483649", kWide},
        Refusal{"avx2", "g1 = gmul.8 g0, 2147483648", kWide}, Refusal{"avx2", "g1 = gand.8 g0, 4294967295", kWide},
        Refusal{"avx2", "g1 = gxor.4 g0, 4294967296", kWide}, Refusal{"avx2", "g1 = gset.lt.8 g0, 2147483648", kWide},
        Refusal{"avx2", "g1 = gshl.8 g0, 64", "the immediate is not in 0 to 63"},
        Refusal{"avx2", "g1 = gsar.4 g0, 32", "the immediate is not in 0 to 31"},
        Refusal{"avx2", "v1 = ishl.32 v0, 32", "the immediate is not in 0 to 31"},
        Refusal{"avx2", "v1 = permute_4.32 v0, 256", "the immediate is not in 0 to 255"},
        Refusal{"avx2", "v1 = shuffle_4.32 v0, v0, -1", "the immediate is not in 0 to 255"},
        Refusal{"avx2", "v1 = fround.32 v0, 4", "the immediate is not in 0 to 3"},
        Refusal{"avx2", "v1 = fcmp.32 v0, v0, 32", "the immediate is not in 0 to 31"},
        Refusal{"avx2", "v1 = extract.16 v0, 2", "the immediate is not in 0 to 1"},
        Refusal{"avx512", "v1 = extract.16 v0, 4", "the immediate is not in 0 to 3"},
        Refusal{"avx512", "v1 = insert.64 v0, v0, 4", "the immediate is not in 0 to 3"},
        Refusal{"avx2", "g1 = lane_to_g.4 v0, 4", "the immediate is not in 0 to 3"},
        Refusal{"avx2", "prefetch [g0], 4", "the immediate is not in 0 to 3"},
        Refusal{"avx2 frame 2", "v1 = vload.32 [frame 2]", "the frame has no such slot"},
        Refusal{"avx2 frame 2", "v1 = vload.32 [frame 1 + 2147483647]", "the frame has no such slot"},
        Refusal{"avx2\n pool 00000000", "v1 = vload.4 [pool + 4]", "the constant pool ends before it"},
        Refusal{"avx2", "v1 = iadd.4 v0, [g2]", "a memory operand of 4 bytes needs a form for one lane"},
        Refusal{"avx2", "v1 = blend_k.32 k2, v0, v0", "avx2 has no such operation"}));

TEST(X86Emit, MachineTextNamesTheMachinesRegisters) {
  const Function function =
      flat_code("function @f avx512\n g0 = arg 0\n k3 = k_from_g g0\n v1 = vload.32 [g0 + g5*4 + 16] {k3 z}\n"
                " v1 = fadd.64 v1, bcast[g0]\nL0:\n jump_if.lt.8 g0, 7, L0\n ret\n");
  const Allocation allocation = place_registers(function, {12, 17, 0, 2, 0, 9});
  std::string text;
  for (const Inst &inst : function.code) text += machine_text(inst, function, allocation) + "\n";
  EXPECT_EQ(text, "r12 = arg 0\nk2 = k_from_g r12\nymm17 = vload.32 [r12 + r9*4 + 16] {k2 z}\n"
                  "zmm17 = fadd.64 zmm17, bcast[r12]\nL0:\njump_if.lt.8 r12, 7, L0\nret\n");
}

TEST(X86Emit, ReservedRegistersAreOurBug) {
  const Function function = flat_code("function @f avx2\n g0 = gconst 1\n ret\n");
  for (const uint8_t number : {0, 4, 16}) {
    const Result<MachineCode> code = emit(function, place_registers(function, {number}));
    ASSERT_FALSE(code);
    EXPECT_EQ(code.error().code, ErrorCode::kInternal);
  }
}

} // namespace
} // namespace sparkle::x86
