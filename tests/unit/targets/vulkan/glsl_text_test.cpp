#include "targets/vulkan/glsl_text.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "targets/vulkan/glsl_compiler.h"

namespace sparkle::vulkan {
namespace {

/// The bits of every 32-bit OpConstant of a shader, which is where literals end up.
std::set<uint32_t> constants_of(const std::vector<uint32_t> &spirv) {
  constexpr uint32_t kOpConstant = 43;
  std::set<uint32_t> out;
  for (size_t at = 5; at < spirv.size(); at += spirv[at] >> 16) {
    if ((spirv[at] & 0xFFFF) == kOpConstant && spirv[at] >> 16 == 4) out.insert(spirv[at + 3]);
  }
  return out;
}

TEST(FloatLiteral, IsShortAndHasAPoint) {
  EXPECT_EQ(float_literal(1).text, "1.0");
  EXPECT_EQ(float_literal(0.1f).text, "0.1");
  EXPECT_EQ(float_literal(-2.5f).text, "-2.5");
  EXPECT_EQ(float_literal(-2.5f).precedence, Precedence::kUnary);
  EXPECT_EQ(float_literal(1e30f).text, "1e+30");
  EXPECT_EQ(float_literal(std::numeric_limits<float>::infinity()).text, "uintBitsToFloat(0x7f800000u)");
  EXPECT_EQ(float_literal(-0.0f).text, "-0.0");
}

TEST(SmallFloatLiteral, IsTheBits) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(small_float_literal(Scalar::kF16, 1).text, "0x3c00u");
  EXPECT_EQ(small_float_literal(Scalar::kF16, -65504).text, "0xfbffu");
  EXPECT_EQ(small_float_literal(Scalar::kF16, 0x1p-14).text, "0x400u");
  EXPECT_EQ(small_float_literal(Scalar::kF16, 0x1p-24).text, "0x1u");
  EXPECT_EQ(small_float_literal(Scalar::kF16, -0.0).text, "0x8000u");
  EXPECT_EQ(small_float_literal(Scalar::kF16, infinity).text, "0x7c00u");
  EXPECT_EQ(small_float_literal(Scalar::kBF16, -1.5).text, "0xbfc0u");
  EXPECT_EQ(small_float_literal(Scalar::kBF16, infinity).text, "0x7f80u");
}

TEST(MemoryType, HasTheSizeOfTheElement) {
  EXPECT_EQ(memory_type({Scalar::kI8, 1}), "int8_t");
  EXPECT_EQ(memory_type({Scalar::kI8, 4}), "i8vec4");
  EXPECT_EQ(memory_type({Scalar::kU8, 2}), "u8vec2");
  EXPECT_EQ(memory_type({Scalar::kF16, 1}), "uint16_t");
  EXPECT_EQ(memory_type({Scalar::kBF16, 4}), "u16vec4");
  EXPECT_EQ(glsl_type({Scalar::kBF16, 4}, 32), "uvec4");
  EXPECT_EQ(glsl_type({Scalar::kI8, 1}, 32), "int");
}

TEST(FloatLiteral, ReachesTheShaderBitForBit) {
  std::mt19937 random(20240607);
  std::vector<float> values = {1e-45f, 1.17549435e-38f, 3.40282347e+38f, 0.1f, 16777217.0f, 1.0f / 3.0f};
  while (values.size() < 600) {
    float value = std::bit_cast<float>(static_cast<uint32_t>(random()) & 0x7FFFFFFFu);
    if (std::isfinite(value)) values.push_back(value);
  }
  std::string glsl = "#version 450\nlayout(std430, binding = 0) buffer B { float b[]; };\nvoid main() {\n";
  for (size_t i = 0; i < values.size(); ++i)
    glsl += "b[" + std::to_string(i) + "] = " + float_literal(values[i]).text + ";\n";
  auto spirv = compile_glsl(glsl + "}\n");
  ASSERT_TRUE(spirv) << spirv.error().text;
  std::set<uint32_t> found = constants_of(*spirv);
  for (float value : values) EXPECT_TRUE(found.contains(std::bit_cast<uint32_t>(value))) << float_literal(value).text;
}

TEST(IntLiteral, CoversTheEndsOfTheRange) {
  EXPECT_EQ(int_literal(-7).text, "-7");
  EXPECT_EQ(int_literal(INT32_MIN).at_least(Precedence::kPrimary), "(-2147483647 - 1)");
  EXPECT_EQ(int_literal(int64_t{1} << 40).text, "1099511627776L");
  EXPECT_EQ(int_literal(INT64_MIN).text, "-9223372036854775807L - 1L");
}

TEST(Names, AreLegalAndUnique) {
  Names names;
  EXPECT_EQ(names.fresh("oc.1"), "oc_1");
  EXPECT_EQ(names.fresh("oc_1"), "oc_1_2");
  EXPECT_EQ(names.fresh("a__b"), "a_b");
  EXPECT_EQ(names.fresh("2x"), "v2x");
  EXPECT_EQ(names.fresh(""), "v");
  for (const char *word :
       {"in", "out", "input", "filter", "sample", "shared", "vec4", "gl_x", "max", "fma", "group", "main"}) {
    EXPECT_NE(names.fresh(word), word);
  }
}

TEST(Names, AreFreeAgainAfterTheScope) {
  Names names;
  size_t scope = names.mark();
  EXPECT_EQ(names.fresh("i"), "i");
  EXPECT_EQ(names.fresh("i"), "i_2");
  names.release(scope);
  EXPECT_EQ(names.fresh("i"), "i");
}

TEST(GlslCompiler, ReportsWhatDoesNotCompile) {
  auto spirv = compile_glsl("#version 450\nvoid main() { float x = y; }\n");
  ASSERT_FALSE(spirv);
  EXPECT_EQ(spirv.error().code, ErrorCode::kInternal);
  EXPECT_NE(spirv.error().text.find("undeclared"), std::string::npos);
}

TEST(GlslCompiler, DisassemblesItsOutput) {
  auto spirv = compile_glsl("#version 450\nlayout(local_size_x = 32) in;\nvoid main() {}\n");
  ASSERT_TRUE(spirv);
  EXPECT_NE(disassemble(*spirv).find("LocalSize 32"), std::string::npos);
}

} // namespace
} // namespace sparkle::vulkan
