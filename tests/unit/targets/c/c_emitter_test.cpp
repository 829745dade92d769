// Plain C as text: names, types, conversions, edges, and what is refused. That it computes the right values is tested
// in tests/differential/plain_c_test.cpp.
#include <cmath>

#include <gtest/gtest.h>

#include "compiler/import/import.h"
#include "compiler/ir/parser.h"
#include "targets/c/c_emitter.h"
#include "targets/c/c_text.h"

namespace sparkle {
namespace {

std::string c_of(const std::string &text, std::map<std::string, int64_t> values, std::set<std::string> open = {}) {
  Diagnostics diagnostics;
  const Source source("k.spk", text);
  ImportRequest request;
  request.values = std::move(values);
  request.open = std::move(open);
  const auto program = import_source(source, request, diagnostics);
  EXPECT_TRUE(program) << render_text(diagnostics, source);
  if (!program) return {};
  const auto out = c::emit_c(*program);
  EXPECT_TRUE(out) << out.error().text;
  return out ? *out : std::string();
}

void expect_lines(const std::string &text, const std::vector<std::string> &lines) {
  for (const std::string &line : lines) EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

TEST(CEmitter, OneFunctionForEachDefinition) {
  const std::string text =
      c_of("kernel twice(x: f32[N]) -> y: f32[N] { let t[i] = x[i] * 2; y[i] = t[i] + 1; }", {{"N", 5}});
  expect_lines(text, {"static void twice_t(const float *restrict x, float *restrict t)",
                      "static void twice_y(const float *restrict t, float *restrict y)",
                      "void twice(const float *restrict x, float *restrict y, float *restrict t)", "  twice_t(x, t);",
                      "  twice_y(t, y);", "    t[i] = x[i] * 2.0f;"});
}

TEST(CEmitter, WhatLiesOutsideIsNeverRead) {
  const std::string skipped =
      c_of("kernel k(x: f32[N] outside skip) -> y: f32[N] { y[i] = max[j in -1..2](x[i + 2*j]); }", {{"N", 5}});
  expect_lines(skipped, {"float greatest = -INFINITY;", "const int x_0 = i + j * 2;", "if (0 <= x_0 && x_0 < 5) {",
                         "greatest = max_f32(greatest, x[x_0]);"});
  const std::string constant = c_of("kernel k(x: f32[N] outside 3) -> y: f32[N] { y[i] = x[i + 1]; }", {{"N", 5}});
  expect_lines(constant, {"i + 1 < 5 ? x[i + 1] : 3.0f"});
}

TEST(CEmitter, KeywordsAndFunctionsAreNoNames) {
  const std::string text =
      c_of("kernel main(int_: f32[N], gamma: f32[N]) -> double: f32[N] { double[long] = gamma[long] + int_[long]; }",
           {{"N", 3}});
  expect_lines(text,
               {"void main_2(", "const float *restrict gamma_2", "float *restrict double_2", "for (int long_2 = 0;"});
}

TEST(CEmitter, StorageTypesAndSaturation) {
  const std::string text = c_of("kernel k(a: f16[N], b: bf16[N], c: i8[N]) -> d: u8[N], e: f16[N] {"
                                " d[i] = u8(round(f32(b[i]) + f32(c[i]))); e[i] = f16(f32(a[i]) * f32(a[i])); }",
                                {{"N", 4}});
  expect_lines(text, {"const uint16_t *restrict b, const int8_t *restrict c, uint8_t *restrict d",
                      "f32_to_u8(rintf(bfloat_to_f32(b[i]) + (float)c[i]))", "const float t = half_to_f32(a[i]);",
                      "e[i] = f32_to_half(t * t);", "static inline uint8_t f32_to_u8"});
  EXPECT_EQ(text.find("saturate_i8"), std::string::npos) << "only what is called is defined";
}

TEST(CEmitter, ScalarsAndOpenExtentsAreArguments) {
  const std::string text =
      c_of("kernel k(x: f32[N, M], gain: f32) -> y: f32[N, M] { y[n, m] = x[n, m] * gain; }", {{"M", 4}}, {"N"});
  expect_lines(text,
               {"void k(const float *restrict x, float *restrict y, int64_t N, float gain)", "< N; ++n", "* gain"});
}

TEST(CEmitter, IndicesAreAsWideAsTheyMustBe) {
  const std::string kernel = "kernel k(x: u8[N]) -> y: u8[N] { y[i] = x[i]; }";
  expect_lines(c_of(kernel, {{"N", 1000}}), {"for (int i = 0; i < 1000; ++i)"});
  expect_lines(c_of(kernel, {{"N", 5'000'000'000}}), {"for (int64_t i = 0; i < 5000000000LL; ++i)"});
}

TEST(CEmitter, EntriesAreAddedOnRequest) {
  Diagnostics diagnostics;
  const Source source("k.spk", "kernel k(x: f32[N], g: f32) -> y: f32[N] { y[i] = x[i] * g; }");
  ImportRequest request;
  request.values = {{"N", 3}};
  const auto program = import_source(source, request, diagnostics);
  ASSERT_TRUE(program);
  const auto with = c::emit_c(*program, {true}), without = c::emit_c(*program);
  ASSERT_TRUE(with && without);
  EXPECT_NE(with->find("void sparkle_entry_0(const SparkleArguments *arguments"), std::string::npos);
  EXPECT_NE(with->find("f32_of_bits((uint32_t)arguments->uniforms[0])"), std::string::npos) << *with;
  EXPECT_EQ(without->find("sparkle_entry"), std::string::npos);
  EXPECT_EQ(without->find("f32_of_bits"), std::string::npos);
}

TEST(CEmitter, LaterStagesAreRefused) {
  Diagnostics diagnostics;
  const auto parsed = parse_ir(Source("p", "program @p {\n  kernel @k stage tiled {\n  }\n}\n"), diagnostics);
  ASSERT_TRUE(parsed);
  const auto refused = c::emit_c(parsed->program);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
}

TEST(CText, LiteralsReadBackAsTheSameBits) {
  EXPECT_EQ(c::float_literal(1).text, "1.0f");
  EXPECT_EQ(c::float_literal(0.1f).text, "0.1f");
  EXPECT_EQ(c::float_literal(1e10).text, "1e+10f");
  EXPECT_EQ(c::float_literal(-HUGE_VAL).text, "-INFINITY");
  EXPECT_EQ(c::int_literal(INT32_MIN).text, "INT32_MIN");
  EXPECT_EQ(c::int_literal(4'000'000'000).text, "4000000000LL");
}

} // namespace
} // namespace sparkle
