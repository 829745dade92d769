#include "dsl/bind.h"

#include <gtest/gtest.h>

#include "tests/unit/dsl/dsl_fixture.h"

namespace sparkle::dsl {
namespace {

constexpr const char *kConv =
    "kernel conv(src: f32[N, IW] outside 0 on (IW), wei: f32[KW], s: int = 1, p: int = s - 1) -> dst: f32[N, OW]\n"
    "where OW = (IW + 2*p - KW)/s + 1 { dst[n, w] = sum[k](src[n, w*s + k - p] * wei[k]); }";

const Read &first_read(const BoundKernel &kernel) {
  for (const ExprNode &node : kernel.exprs)
    if (const auto *read = std::get_if<Read>(&node.expr)) return *read;
  throw std::runtime_error("no read");
}

TEST(Bind, GivesEveryDimensionItsNumber) {
  FrontEnd front(kConv, parse_request("src=2x9 wei=3x s=2"));
  ASSERT_TRUE(front.bound) << front.errors();
  std::map<std::string, int64_t> values;
  for (const BoundInt &bound : front.bound->ints) values[bound.name] = bound.value.constant();
  EXPECT_EQ(values, (std::map<std::string, int64_t>{{"N", 2}, {"IW", 9}, {"KW", 3}, {"s", 2}, {"p", 1}, {"OW", 5}}));
}

TEST(Bind, RoundsDown) {
  // (3 - 4)/2 + 1 is 0, so there is no output; rounding to zero would give one.
  FrontEnd front(kConv, parse_request("N=1 IW=3 KW=4 s=2 p=0"));
  ASSERT_TRUE(front.bound) << front.errors();
  EXPECT_EQ(front.bound->definitions.size(), 1u);
  EXPECT_EQ(front.bound->indices[front.bound->definitions[0].indices[1]].extent, (IndexRange{0, 0}));
}

TEST(Bind, DropsRulesThatAreNotNeeded) {
  FrontEnd padded(kConv, parse_request("N=1 IW=8 KW=3 p=1"));
  FrontEnd valid(kConv, parse_request("N=1 IW=8 KW=3 p=0"));
  ASSERT_TRUE(padded.bound && valid.bound);
  EXPECT_EQ(first_read(*padded.bound).access[1].mode, OutsideMode::kValue);
  EXPECT_EQ(first_read(*padded.bound).access[0].mode, OutsideMode::kNone);
  EXPECT_EQ(first_read(*valid.bound).access[1].mode, OutsideMode::kNone);
}

TEST(Bind, LeavesDimensionsOpen) {
  FrontEnd front(kConv, parse_request("open=N IW=8 KW=3 p=1"));
  ASSERT_TRUE(front.bound) << front.errors();
  const BoundTensor &src = front.bound->tensors[first_read(*front.bound).tensor];
  ASSERT_EQ(src.dims[0].extent.end.terms().size(), 1u);
  EXPECT_EQ(front.bound->ints[src.dims[0].extent.end.terms()[0].first].name, "N");
  EXPECT_TRUE(src.dims[1].extent.end.is_constant());
}

TEST(Bind, ProvesBoundsForAnyOpenImage) {
  const char *text = "kernel k(x: f32[H, W] outside 0 on (W)) -> y: f32[H, W], z: f32[H + 2, W]\n"
                     "{ y[h, w] = x[h, w-1] + x[h, w]; z[h, w] = select(h > 0, 1, 2); }";
  FrontEnd front(text, parse_request("open=H open=W"));
  EXPECT_EQ(front.codes(), "");
  FrontEnd beyond("kernel k(x: f32[H]) -> y: f32[H] { y[h] = x[h+1]; }", parse_request("open=H"));
  EXPECT_EQ(beyond.codes(), "dimension-needed");
}

TEST(Bind, EmptyBoxesProveNothing) {
  const char *text = "kernel t(x: f32[N], w: f32[K]) -> y: f32[M] { y[m] = sum[k](w[k] * x[k + 100]); }";
  EXPECT_EQ(FrontEnd(text, parse_request("N=1 K=0 M=3")).codes(), "");
  EXPECT_EQ(FrontEnd(text, parse_request("N=1 K=1 M=0")).codes(), "");
  EXPECT_EQ(FrontEnd(text, parse_request("N=1 K=1 M=3")).codes(), "out-of-bounds");
}

TEST(Bind, DemandedRangesAreTheHullOfTheReads) {
  FrontEnd front(
      "kernel k(x: f32[N] outside clamp) -> y: f32[N] { let a[i in ..] = x[i]; let b[i in ..] = a[i-2] + a[i];\n"
      "y[n] = b[n+1] + b[2*n - 3]; }",
      parse_request("N=4"));
  ASSERT_TRUE(front.bound) << front.errors();
  const BoundKernel &k = *front.bound;
  EXPECT_EQ(k.indices[k.definitions[1].indices[0]].extent, (IndexRange{-3, 5}));
  EXPECT_EQ(k.indices[k.definitions[0].indices[0]].extent, (IndexRange{-5, 5}));
}

TEST(Bind, TakesRangesThroughChainsOfLets) {
  FrontEnd front(
      "kernel k(x: f32[N] outside skip) -> y: f32[N] { let a[i] = sum[j in 0..3](x[i+j-1]); let b[i] = 2*a[i];\n"
      "let c[i] = b[i] + 1; y[n] = c[n]; }",
      parse_request("N=4"));
  ASSERT_TRUE(front.bound) << front.errors();
  for (const Definition &definition : front.bound->definitions)
    EXPECT_EQ(front.bound->indices[definition.indices[0]].extent, (IndexRange{0, 4}));
}

TEST(Bind, SaysEachMistakeOnce) {
  FrontEnd front("fn f(x: f32) -> f32 = x*x + x;\nkernel k(x: f32[N]) -> y: f32[N] { y[n] = f(f(x[n+1])); }",
                 parse_request("N=4"));
  EXPECT_EQ(front.codes(), "out-of-bounds");
}

TEST(Bind, StopsAtExpressionsThatGrowWithoutEnd) {
  std::string body = "x[n]";
  for (int i = 0; i < 30; ++i) body = "f(" + body + ")";
  FrontEnd front(
      "fn f(x: f32) -> f32 = sum[i in 0..2](x) + sum[i in 0..2](x);\nkernel k(x: f32[N]) -> y: f32[N] { y[n] = " +
          body + "; }",
      parse_request("N=4"));
  EXPECT_EQ(front.codes(), "too-large");
}

TEST(Bind, ExplainsWithNumbers) {
  FrontEnd front(kConv, parse_request("N=1 IW=8 KW=10"));
  EXPECT_NE(front.errors().find("`OW` = `(IW + 2*p - KW)/s + 1` is -1"), std::string::npos) << front.errors();
  FrontEnd read("kernel k(x: f32[N]) -> y: f32[N] { y[n] = x[2*n + 1]; }", parse_request("N=4"));
  EXPECT_NE(read.errors().find("`2*n + 1` reaches 1..=7, and dimension `N` of `x` has 0..4"), std::string::npos)
      << read.errors();
}

TEST(Bind, NamesTheKernelsThereAre) {
  FrontEnd front("kernel a() -> y: f32 { y = 1; }\nkernel b() -> y: f32 { y = 2; }");
  ASSERT_TRUE(front.checked) << front.errors();
  front.bind_with({});
  EXPECT_EQ(front.codes(), "unknown-kernel");
  FrontEnd again("kernel a() -> y: f32 { y = 1; }\nkernel b() -> y: f32 { y = 2; }", parse_request("kernel=b"));
  ASSERT_TRUE(again.bound) << again.errors();
  EXPECT_EQ(again.bound->name, "b");
}

} // namespace
} // namespace sparkle::dsl
