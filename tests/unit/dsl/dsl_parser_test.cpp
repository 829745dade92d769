#include "dsl/parser.h"

#include <gtest/gtest.h>

#include <random>

#include "dsl/limits.h"
#include "dsl/printer.h"
#include "tests/unit/dsl/dsl_fixture.h"

namespace sparkle::dsl {
namespace {

std::string reprint(const std::string &expr) {
  Source source("t.spk", "fn f(x: f32) -> f32 = " + expr + ";");
  Diagnostics diagnostics;
  const auto file = parse(source, diagnostics);
  if (!file) return render_text(diagnostics, source);
  return print_expr(*file, std::get<FnDecl>(file->items[0]).body);
}

std::string codes_of(const std::string &text) {
  Source source("t.spk", text);
  Diagnostics diagnostics;
  (void)parse(source, diagnostics);
  std::string codes;
  for (const Diagnostic &d : diagnostics.list()) codes += d.code + ";";
  return codes;
}

std::string repeat(const std::string &piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

TEST(Parser, BindsAsTheGrammarSays) {
  EXPECT_EQ(reprint("a-b-c"), "a - b - c");
  EXPECT_EQ(reprint("a-(b-c)"), "a - (b - c)");
  EXPECT_EQ(reprint("(a+b)*c%d"), "(a + b) * c % d");
  EXPECT_EQ(reprint("-a*b"), "-a * b");
  EXPECT_EQ(reprint("-(a*b)"), "-(a * b)");
  EXPECT_EQ(reprint("!(a<b)&&c||d"), "!(a < b) && c || d");
  EXPECT_EQ(reprint("(a<b)==(c<d)"), "(a < b) == (c < d)");
}

TEST(Parser, TellsReductionsFromCalls) {
  EXPECT_EQ(reprint("max(a,b)-max[i](x[i])"), "max(a, b) - max[i](x[i])");
  EXPECT_EQ(reprint("sum.f16[i in -1..=1,j in 0..K where i<j](1)"), "sum.f16[i in -1..=1, j in 0..K where i < j](1)");
  EXPECT_EQ(reprint("f(a, p = 1)"), "f(a, p = 1)");
  EXPECT_EQ(reprint("u8(round(inf))"), "u8(round(inf))");
}

TEST(Parser, PrintsWholeKernels) {
  const std::string text =
      "const K: f32[2, 2] = [[1, 2], [3, 1 / 4]];\n"
      "\n"
      "fn f(a: f32, b: int) -> bool = a < f32(b);\n"
      "\n"
      "kernel k(const x: f32[N, 2 * M] outside clamp on (N), inout t: i8, s: int = 2) -> y: u8[N], z: f32\n"
      "where N = s * 2, N % 2 == 0\n"
      "{\n"
      "  let v outside -inf on (N) outside skip = x;\n"
      "  let a, b = g(x);\n"
      "  let w[i in .., j in 0..3, l] outside (0 + s) = x[i, j];\n"
      "  const T: i32[1] = [2];\n"
      "  y[n] += w[n, 0, 0];\n"
      "  z = 3;\n"
      "}\n";
  Source source("t.spk", text);
  Diagnostics diagnostics;
  const auto file = parse(source, diagnostics);
  ASSERT_TRUE(file) << render_text(diagnostics, source);
  EXPECT_EQ(print(*file), text);
}

TEST(Parser, SaysOneThingAboutAMillionBrackets) {
  const std::string head = "fn f(x: f32) -> f32 = ";
  EXPECT_EQ(codes_of(head + std::string(1000000, '(')), "too-deep;");
  EXPECT_EQ(codes_of(head + std::string(1000000, '-')), "too-deep;");
  EXPECT_EQ(codes_of("const K: f32[1] = " + std::string(1000000, '[')), "too-deep;");
  EXPECT_EQ(codes_of(head + repeat("x+", 400000) + "x;"), "too-deep;");
  EXPECT_EQ(codes_of(head + repeat("x[", 400000)), "too-deep;");
  EXPECT_EQ(codes_of(head + repeat("sum[i](", 100000)), "too-deep;");
}

TEST(Parser, TakesWhatIsJustInsideTheLimits) {
  const std::string head = "fn f(x: f32) -> f32 = ";
  EXPECT_EQ(codes_of(head + std::string(kMaxNesting - 1, '(') + "x" + std::string(kMaxNesting - 1, ')') + ";"), "");
  EXPECT_EQ(codes_of(head + repeat("x+", kMaxExpressionDepth - 1) + "x;"), "");
  EXPECT_EQ(codes_of(head + repeat("x+", kMaxExpressionDepth) + "x;"), "too-deep;");
}

TEST(Parser, StopsAfterTwentyErrors) {
  Source source("t.spk", "kernel k() {" + repeat("let = 1;\n", 100) + "}");
  Diagnostics diagnostics;
  EXPECT_FALSE(parse(source, diagnostics));
  EXPECT_EQ(diagnostics.list().size(), static_cast<size_t>(Diagnostics::kMaxErrors));
}

TEST(Parser, OffersToMendAMissingSemicolon) {
  Source source("t.spk", "fn f(x: f32) -> f32 = x\nfn g(x: f32) -> f32 = x;");
  Diagnostics diagnostics;
  EXPECT_FALSE(parse(source, diagnostics));
  ASSERT_EQ(diagnostics.list().size(), 1u);
  ASSERT_EQ(diagnostics.list()[0].fixes.size(), 1u);
  EXPECT_EQ(diagnostics.list()[0].fixes[0].range, (SourceRange{23, 23}));
  EXPECT_EQ(diagnostics.list()[0].fixes[0].replacement, ";");
}

// Any order of tokens ends in a file or in errors, never in a crash; a file prints and parses back.
TEST(Parser, SurvivesRandomTokens) {
  const std::vector<std::string> pieces = {
      "kernel", "fn", "const", "let", "where", "outside", "on", "in", "sum", "max", "f32", "(",  ")",
      "[",      "]",  "{",     "}",   ",",     ";",       ":",  "=",  "+=",  "..",  "..=", "->", "x",
      "n",      "3",  "+",     "-",   "*",     "<",       "&&", "!",  ".",   "inf", "skip"};
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text = round % 2 == 0 ? "kernel k(x: f32[N]) -> y: f32[N] { y[n] = " : "fn f(x: f32) -> f32 = ";
    for (size_t i = random() % 40; i > 0; --i) text += pieces[random() % pieces.size()] + " ";
    FrontEnd front(text + (round % 3 == 0 ? "; }" : ""));
    if (!front.file) {
      EXPECT_TRUE(front.diagnostics.has_errors()) << text;
      continue;
    }
    const std::string once = print(*front.file);
    FrontEnd again(once);
    ASSERT_TRUE(again.file) << text << "\n" << once << again.errors();
    EXPECT_EQ(print(*again.file), once);
  }
}

} // namespace
} // namespace sparkle::dsl
