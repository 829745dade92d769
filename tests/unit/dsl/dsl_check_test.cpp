#include "dsl/check.h"

#include <gtest/gtest.h>

#include "tests/unit/dsl/dsl_fixture.h"

namespace sparkle::dsl {
namespace {

/// The bound text of `y[n] = expr;` with x: f32, h: f16, b: bf16, i: i32, u: u8, c: i8, all of N = 2.
std::string typed(const std::string &expr, const std::string &elem = "f32") {
  FrontEnd front(
      "kernel k(x: f32[N], h: f16[N], b: bf16[N], i: i32[N], u: u8[N], c: i8[N], s: f32, D: int = 3) -> y: " + elem +
          "[N] { y[n] = " + expr + "; }",
      parse_request("N=2"));
  if (!front.bound) return front.codes();
  const std::string text = print(*front.bound);
  const size_t begin = text.rfind(" = ") == std::string::npos ? 0 : text.find("= ", text.rfind("\n  y")) + 2;
  return text.substr(begin, text.size() - begin - 1);
}

TEST(Check, WidensStorageTypes) {
  EXPECT_EQ(typed("h[n] * b[n]"), "f32(h[n]) * f32(b[n])");
  EXPECT_EQ(typed("u[n] * c[n]", "i32"), "i32(u[n]) * i32(c[n])");
  EXPECT_EQ(typed("h[n]"), "f32(h[n])");
  EXPECT_EQ(typed("-u[n]", "i32"), "-i32(u[n])");
}

TEST(Check, KeepsStorageTypesWherePossible) {
  EXPECT_EQ(typed("max(u[n], 3)", "u8"), "max(u[n], 3u8)");
  EXPECT_EQ(typed("u[n]", "u8"), "u[n]");
  EXPECT_EQ(typed("select(n > 0, u[n], 0)", "u8"), "select(n > 0, u[n], 0u8)");
  EXPECT_EQ(typed("clamp(h[n], 0, 1)", "f16"), "min(max(h[n], 0f16), 1f16)");
}

TEST(Check, KeepsLiteralsExactUntilATypeMeetsThem) {
  EXPECT_EQ(typed("1/16*x[n]"), "0.0625f32 * x[n]");
  EXPECT_EQ(typed("0.1"), "0.10000000149011612f32");
  EXPECT_EQ(typed("2*8/16", "i32"), "1i32");
  EXPECT_EQ(typed("7 % 4 - max(2, 3)", "i32"), "0i32");
  EXPECT_EQ(typed("-inf"), "-inff32");
  EXPECT_EQ(typed("x[n] + 1/3*3"), "x[n] + 1f32");
}

TEST(Check, CastsFloatsThatAreWhole) {
  EXPECT_EQ(typed("u8(round(x[n]) + 3)", "u8"), "u8(round(x[n]) + 3f32)");
  EXPECT_EQ(typed("i8(floor(x[n]) * f32(i[n]))", "i8"), "i8(floor(x[n]) * f32(i[n]))");
  EXPECT_EQ(typed("u8(clamp(round(x[n]), 0, 9))", "u8"), "u8(min(max(round(x[n]), 0f32), 9f32))");
  EXPECT_EQ(typed("u8(round(x[n]) + 0.5)", "u8"), "cast-needs-rounding");
  EXPECT_EQ(typed("u8(round(x[n]) / 2)", "u8"), "cast-needs-rounding");
  EXPECT_EQ(typed("u8(i[n])", "u8"), "u8(i[n])");
}

TEST(Check, TurnsIndicesAndSizesIntoData) {
  EXPECT_EQ(typed("f32(n + D)"), "f32(n + 3)");
  EXPECT_EQ(typed("i[n] / i32(D) % 2", "i32"), "i[n] / i32(3) % 2i32");
  EXPECT_EQ(typed("x[n] + D"), "type-mismatch");
  EXPECT_EQ(typed("i[n] / (i32(D) * 2)", "i32"), "divisor-not-constant");
}

TEST(Check, ReducesInTheTypeThatIsDue) {
  EXPECT_EQ(typed("sum[j](h[j])"), "sum.f32[j in 0..2](f32(h[j]))");
  EXPECT_EQ(typed("sum.f16[j](h[j])", "f16"), "sum.f16[j in 0..2](h[j])");
  EXPECT_EQ(typed("prod[j](u[j])", "i32"), "prod.i32[j in 0..2](i32(u[j]))");
  EXPECT_EQ(typed("max[j](c[j])", "i8"), "max.i8[j in 0..2](c[j])");
  EXPECT_EQ(typed("mean[j](h[j])"), "mean.f32[j in 0..2](f32(h[j]))");
  EXPECT_EQ(typed("mean[j](i[j])"), "type-mismatch");
  EXPECT_EQ(typed("sum[j in 0..3](1)", "i32"), "sum.i32[j in 0..3](1i32)");
}

TEST(Check, InlinesFunctions) {
  FrontEnd front("const T: f32[2] = [1, 2];\n"
                 "fn sq(x: f32) -> f32 = x*x*T[0];\n"
                 "fn hit(a: f32, i: int) -> bool = a > f32(i) && !(a == 0);\n"
                 "kernel k(x: f32[N]) -> y: f32[N] { y[n] = select(hit(x[n], n - 1), sq(x[n] + 1), sq(2)); }",
                 parse_request("N=2"));
  ASSERT_TRUE(front.bound) << front.errors();
  EXPECT_NE(
      print(*front.bound)
          .find(
              "select(x[n] > f32(n - 1) && !(x[n] == 0f32), (x[n] + 1f32) * (x[n] + 1f32) * T[0], 2f32 * 2f32 * T[0])"),
      std::string::npos)
      << print(*front.bound);
}

TEST(Check, MarksWhatIsConstant) {
  FrontEnd front("kernel k(x: f32[N], const w: f32[N], const e: f32, r: f32) -> y: f32[N] {\n"
                 "let a[n] = w[n] + e; let b[n] = a[n] * 2; let c[n] = b[n] * r; y[n] = b[n] + c[n] + x[n]; }",
                 parse_request("N=2"));
  ASSERT_TRUE(front.bound) << front.errors();
  const auto &definitions = front.bound->definitions;
  EXPECT_TRUE(definitions[0].constant);
  EXPECT_TRUE(definitions[1].constant);
  EXPECT_FALSE(definitions[2].constant);
}

TEST(Check, SuggestsTheNearestName) {
  FrontEnd front("kernel k(src: f32[N]) -> y: f32[N] { y[n] = scr[n]; }");
  ASSERT_EQ(front.diagnostics.list().size(), 1u);
  EXPECT_EQ(front.diagnostics.list()[0].hint, "did you mean `src`?");
  EXPECT_EQ(front.diagnostics.list()[0].fixes[0].replacement, "src");
}

TEST(Check, SaysOneThingAboutABrokenFunction) {
  FrontEnd front("fn f(x: f32) -> f32 = x + z;\nkernel k(x: f32[N]) -> y: f32[N] { y[n] = f(x[n]) + f(2); }");
  EXPECT_EQ(front.codes(), "unknown-name");
}

TEST(Check, SurvivesDeepFunctions) {
  std::string text = "fn g0(x: f32) -> f32 = x;\n";
  for (int i = 1; i < 1200; ++i) {
    const std::string call = "g" + std::to_string(i - 1) + "(x)";
    text += "fn g" + std::to_string(i) + "(x: f32) -> f32 = 1 + " + call + ";\n";
  }
  EXPECT_EQ(FrontEnd(text).codes(), "too-deep");
}

} // namespace
} // namespace sparkle::dsl
