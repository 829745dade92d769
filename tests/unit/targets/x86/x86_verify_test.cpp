#include "targets/x86/verify.h"
#include "tests/unit/targets/x86/flat_code.h"

namespace sparkle::x86 {
namespace {

/// Registers of every class, written.
std::string with_registers(const std::string &isa, const std::string &lines) {
  std::string text =
      "function @f " + isa + "\n pool 00000000\n g0 = arg 0\n g1 = arg 1\n v2 = vzero.32\n v3 = vones.32\n";
  if (isa != "avx2") text += " k4 = k_from_g g0\n k5 = k_from_g g1\n";
  return text + lines + "\n ret\n";
}

struct Case {
  const char *isa;
  const char *lines;
  const char *rule; ///< A part of the message; empty: nothing is wrong.
};

class X86Verify : public testing::TestWithParam<Case> {};

TEST_P(X86Verify, SaysTheRule) {
  const Status status = verify(flat_code(with_registers(GetParam().isa, GetParam().lines)));
  const std::string rule = GetParam().rule;
  ASSERT_EQ(status.has_value(), rule.empty()) << (status ? GetParam().lines : status.error().text);
  if (!status) {
    EXPECT_NE(status.error().text.find(rule), std::string::npos) << status.error().text;
  }
}

constexpr Case kRight[] = {
    {"avx2", "v3 = fadd.32 v2, v3", ""},
    {"avx2", "v3 = fadd.4 v2, [pool]", ""},
    {"avx2", "v3 = vload.32 [g0] {v2 z}\n vstore.32 v3, [g1] {v2}", ""},
    {"avx2", "jump_if.lt.8 g0, 1, L0\n g6 = gconst 1\n jump L1\nL0:\n g6 = gconst 2\nL1:\n gstore.8 g6, [g0]", ""},
    {"avx512", "v3 = fadd.64 v2, bcast[g0 + g1*4]", ""},
    {"avx512", "v3 = vload.64 [g0] {k4}\n v3 = vmove.64 v2 {k4 z}", ""},
    {"avx512", "v3 = gather.64 v3, [g0 + v2*4] {k4}\n scatter.64 v3, [g0 + v2*4] {k4}", ""},
    {"avx512 vnni", "v3 = dot_u8s8.64 v2, v2, v3", ""},
    {"avx512", "k_store k4, [g0]\n k6 = k_load [g0]", ""},
};
INSTANTIATE_TEST_SUITE_P(Accepts, X86Verify, testing::ValuesIn(kRight));

constexpr Case kWrong[] = {
    {"avx2", "k6 = k_not k6", "the operation is of avx512"},
    {"avx2", "v3 = fadd.32 v2, bcast[pool]", "broadcast of a memory operand is of avx512"},
    {"avx512", "v3 = dot_u8s8.64 v2, v2, v3", "needs vnni"},
    {"avx2", "v3 = gadd.8 g0, g1", "the result is of another class"},
    {"avx2", "gadd.8 g0, g1", "the result is of another class"},
    {"avx512 vnni", "v3 = dot_u8s8.64 v2, v3, v2", "the result is the register of its source"},
    {"avx512", "v3 = permute2.64 v2, v2, v3", "the result is the register of its source"},
    {"avx2", "g1 = gadd.8 g0", "a source is missing"},
    {"avx2", "g1 = gadd.8 g0, g1, 1", "a source is missing, too many"},
    {"avx2", "g1 = gadd.8 g0, v2", "a source is missing, too many or of another class"},
    {"avx2", "v3 = fadd.32 v2, v3, [g0]", "a source is missing, too many"},
    {"avx2", "g1 = gadd.16 g0, g1", "no form of so many bytes"},
    {"avx2", "g1 = gadd.2 g0, g1", "no form of so many bytes"},
    {"avx2", "v3 = fadd.8 v2, v3", "no form of so many bytes"},
    {"avx2", "v3 = fadd v2, v3", "no form of so many bytes"},
    {"avx2", "v3 = fadd.48 v2, v3", "no form of so many bytes"},
    {"avx512", "v3 = blend_fixed.64 v2, v3, 1", "no form of so many bytes"},
    {"avx2", "v3 = iadd.4 v2, [g0]", "with 4 bytes the operation has no memory operand"},
    {"avx2", "v3 = fadd.64 v2, v3", "vectors of the family are smaller"},
    {"avx512", "v3 = gather.64 v3, [g0 + v2*4]", "gathers and scatters have a mask"},
    {"avx512", "v3 = fadd.64 v3, v2 {k4}", "the operation has no mask"},
    {"avx2", "v3 = vmove.32 v2 {v3 z}", "the operation has no mask"},
    {"avx512", "v3 = vload.64 [g0] {v2}", "the mask is of another class"},
    {"avx2", "v3 = vload.32 [g0] {v2}", "masked loads of avx2 zero"},
    {"avx2", "vstore.32 v3, [g0] {v2 z}", "stores and gathers do not zero"},
    {"avx512", "vstore.4 v3, [g0] {k4}", "masked operations have 16 bytes or more"},
    {"avx2", "v3 = vload.32", "the memory operand is missing"},
    {"avx2", "v3 = blend.32 v2, v2, v3, [g0]", "the operation has no memory operand"},
    {"avx512", "v3 = shuffle_bytes.64 v2, bcast[g0]", "no broadcast of its memory operand"},
    {"avx512", "v3 = fadd.4 v2, bcast[g0]", "no broadcast of its memory operand"},
    {"avx2", "vstore.32 v3, [pool]", "the pool is not written"},
    {"avx2", "v3 = vload.4 [pool + 4]", "the place is outside the pool"},
    {"avx2", "v3 = vload.32 [frame 0]", "the frame has no such slot"},
    {"avx2", "g1 = gload.8 [v2 + 4]", "the base of an address is general"},
    {"avx2", "g1 = gload.8 [g0 + v2*4]", "the index of an address is general"},
    {"avx512", "v3 = gather.64 v3, [g0 + g1*4] {k4}", "the index of gathers and scatters is a vector"},
    {"avx512", "v3 = gather.64 v3, [pool] {k4}", "the index of gathers and scatters is a vector"},
    {"avx2", "v3 = vmove.32 v2, 4", "the operation has no immediate"},
    {"avx2", "jump", "the label is missing"},
    {"avx2", "g1 = gmove.8 g0, L0\nL0:", "the operation has no label"},
    {"avx2", "jump L0", "the label is placed nowhere"},
    {"avx2", "L0:\nL0:", "a label is placed once"},
    {"avx2", "ret", "`ret` is the last instruction"},
    {"avx2", "g6 = arg 2", "arguments come first"},
    {"avx2", "g6 = gadd.8 g7, 1", "not every way here has written"},
    {"avx2", "jump_if.lt.8 g0, 1, L0\n g6 = gconst 1\nL0:\n gstore.8 g6, [g0]", "not every way here has written"},
    {"avx512", "v6 = vload.64 [g0] {k4}", "not every way here has written"},
    {"avx2", "L0:\n gstore.8 g6, [g0]\n g6 = gconst 1\n jump_if.lt.8 g0, 1, L0", "instruction 5 `gstore.8 g6, [g0]`"},
};
INSTANTIATE_TEST_SUITE_P(Refuses, X86Verify, testing::ValuesIn(kWrong));

std::string error_of(const Function &function) {
  const Status status = verify(function);
  return status ? "" : status.error().text;
}

TEST(X86VerifyFunction, EndsWithReturn) {
  EXPECT_EQ(error_of(Function()), "a function ends with `ret`");
  EXPECT_NE(error_of(flat_code("function @f avx2\n g0 = arg 0\n")).find("`ret` is the last"), std::string::npos);
}

TEST(X86VerifyFunction, ArgumentsAreInOrder) {
  EXPECT_NE(error_of(flat_code("function @f avx2\n g0 = arg 1\n g1 = arg 0\n ret\n")).find("in order"),
            std::string::npos);
  EXPECT_NE(error_of(flat_code("function @f avx2\n g0 = arg 4\n ret\n")).find("four arguments"), std::string::npos);
}

TEST(X86VerifyFunction, ScaleOfAnAddressIsAPowerOfTwo) {
  Function function = flat_code("function @f avx2\n g0 = arg 0\n g1 = gload.8 [g0 + g0*2]\n ret\n");
  EXPECT_EQ(error_of(function), "");
  function.code[1].memory.scale = 3;
  EXPECT_NE(error_of(function).find("no such scale"), std::string::npos);
}

} // namespace
} // namespace sparkle::x86
