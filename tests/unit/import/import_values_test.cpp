// Imported kernels against the loops that one would write by hand, on whole numbers small enough to be exact.
#include <algorithm>
#include <functional>

#include "tests/unit/import/import_fixture.h"

namespace sparkle {
namespace {

using Floats = std::vector<float>;

const char *const kConv = R"(
kernel conv(src: f32[N, IH, IW, IC] outside 0 on (IH, IW), const wei: f32[KH, KW, IC, OC], const bias: f32[OC],
            s: int = 1, p: int = 0, d: int = 1) -> dst: f32[N, OH, OW, OC]
where OH = (IH + 2*p - d*(KH-1) - 1)/s + 1, OW = (IW + 2*p - d*(KW-1) - 1)/s + 1
{
  let acc[n, oh, ow, oc] = sum[kh, kw, ic](src[n, oh*s + kh*d - p, ow*s + kw*d - p, ic] * wei[kh, kw, ic, oc]);
  dst[n, oh, ow, oc] = max(acc[n, oh, ow, oc] + bias[oc], 0);
})";

struct Conv {
  int n, ih, iw, ic, kh, kw, oc, s, p, d;
  int oh() const { return (ih + 2 * p - d * (kh - 1) - 1) / s + 1; }
  int ow() const { return (iw + 2 * p - d * (kw - 1) - 1) / s + 1; }
};

/// All (kh, kw) of one window that lie inside, with their place.
void window(const Conv &c, int oh, int ow, const std::function<void(int kh, int kw, int y, int x)> &visit) {
  for (int kh = 0; kh < c.kh; ++kh)
    for (int kw = 0; kw < c.kw; ++kw) {
      const int y = oh * c.s + kh * c.d - c.p, x = ow * c.s + kw * c.d - c.p;
      if (y >= 0 && y < c.ih && x >= 0 && x < c.iw) visit(kh, kw, y, x);
    }
}

/// Also the number of terms that lie inside.
Floats conv_by_hand(const Conv &c, const Floats &src, const Floats &wei, const Floats &bias, int64_t &terms) {
  Floats dst;
  terms = 0;
  for (int n = 0; n < c.n; ++n)
    for (int oh = 0; oh < c.oh(); ++oh)
      for (int ow = 0; ow < c.ow(); ++ow)
        for (int oc = 0; oc < c.oc; ++oc) {
          float sum = 0;
          window(c, oh, ow, [&](int kh, int kw, int y, int x) {
            for (int ic = 0; ic < c.ic; ++ic)
              sum += src[((n * c.ih + y) * c.iw + x) * c.ic + ic] * wei[((kh * c.kw + kw) * c.ic + ic) * c.oc + oc];
            terms += c.ic;
          });
          dst.push_back(std::max(sum + bias[oc], 0.0f));
        }
  return dst;
}

TEST(ImportValues, ConvolutionWithStridePaddingAndDilation) {
  for (const Conv &c :
       {Conv{2, 7, 6, 3, 3, 3, 4, 1, 1, 1}, Conv{1, 9, 8, 2, 3, 3, 3, 2, 1, 1}, Conv{1, 9, 9, 2, 3, 3, 2, 1, 2, 2},
        Conv{1, 5, 5, 1, 3, 3, 1, 3, 0, 1}, Conv{1, 2, 2, 1, 5, 5, 2, 1, 3, 1}}) {
    const Program program = imported(kConv, sizes({{"N", c.n},
                                                   {"IH", c.ih},
                                                   {"IW", c.iw},
                                                   {"IC", c.ic},
                                                   {"KH", c.kh},
                                                   {"KW", c.kw},
                                                   {"OC", c.oc},
                                                   {"s", c.s},
                                                   {"p", c.p},
                                                   {"d", c.d}}));
    const Floats src = pattern(c.n * c.ih * c.iw * c.ic, 1), wei = pattern(c.kh * c.kw * c.ic * c.oc, 2),
                 bias = pattern(c.oc, 3);
    Arguments arguments(program);
    arguments.set("src", src);
    arguments.set("wei", wei);
    arguments.set("bias", bias);
    const Status status = arguments.run();
    ASSERT_TRUE(status) << status.error().text;
    int64_t terms = 0;
    EXPECT_EQ(arguments.get<float>("dst"), conv_by_hand(c, src, wei, bias, terms));
    const int64_t points = int64_t{c.n} * c.oh() * c.ow() * c.oc;
    EXPECT_EQ(program.flops, 2 * points * c.kh * c.kw * c.ic + 2 * points);
    EXPECT_EQ(program.flops_executed, 2 * terms + 2 * points);
  }
}

TEST(ImportValues, StrictKeepsTheTermsOfPadding) {
  ImportRequest request = sizes({{"N", 1}, {"IH", 4}, {"IW", 4}, {"IC", 1}, {"KH", 3}, {"KW", 3}, {"OC", 1}, {"p", 1}});
  request.strict = true;
  const Program program = imported(kConv, request);
  EXPECT_EQ(program.flops_executed, program.flops);
  for (const Kernel &kernel : program.kernels) EXPECT_TRUE(kernel.strict);
}

TEST(ImportValues, NamesFollowTheText) {
  const Program program =
      imported(kConv, sizes({{"N", 1}, {"IH", 4}, {"IW", 4}, {"IC", 1}, {"KH", 3}, {"KW", 3}, {"OC", 1}, {"p", 1}}));
  ASSERT_EQ(program.kernels.size(), 2u);
  EXPECT_EQ(program.name, "conv");
  EXPECT_EQ(program.kernels[0].name, "acc");
  EXPECT_EQ(program.kernels[1].name, "dst");
  const std::string text = print(program);
  for (const char *name : {"%oh.0", "%kh.0", "%ic.0", "@acc", "@wei"})
    EXPECT_NE(text.find(name), std::string::npos) << name << " in\n" << text;
}

TEST(ImportValues, Grouped) {
  const Program program = imported(R"(
kernel grouped(src: f32[IC, W] outside 0 on (W), const wei: f32[OC, ICG, KW], g: int) -> dst: f32[OC, W]
where IC == g*ICG
{ dst[oc, w] = sum[ic, kw](src[oc/(OC/g)*ICG + ic, w + kw - 1] * wei[oc, ic, kw]); })",
                                   sizes({{"IC", 6}, {"W", 5}, {"OC", 9}, {"ICG", 2}, {"KW", 3}, {"g", 3}}));
  const Floats src = pattern(30, 1), wei = pattern(54, 2);
  Arguments arguments(program);
  arguments.set("src", src);
  arguments.set("wei", wei);
  ASSERT_TRUE(arguments.run());
  Floats dst;
  for (int oc = 0; oc < 9; ++oc)
    for (int w = 0; w < 5; ++w) {
      float sum = 0;
      for (int ic = 0; ic < 2; ++ic)
        for (int kw = std::max(0, 1 - w); kw < std::min(3, 6 - w); ++kw)
          sum += src[(oc / 3 * 2 + ic) * 5 + w + kw - 1] * wei[(oc * 2 + ic) * 3 + kw];
      dst.push_back(sum);
    }
  EXPECT_EQ(arguments.get<float>("dst"), dst);
}

TEST(ImportValues, Depthwise) {
  const Program program = imported(R"(
kernel depthwise(src: f32[H, W, C] outside skip on (H, W), const wei: f32[3, 3, C, M]) -> dst: f32[H, W, OC]
where OC = C*M
{ dst[h, w, oc] = sum[kh, kw](src[h+kh-1, w+kw-1, oc/M] * wei[kh, kw, oc/M, oc%M]); })",
                                   sizes({{"H", 4}, {"W", 5}, {"C", 2}, {"M", 3}}));
  const Floats src = pattern(40, 1), wei = pattern(54, 2);
  Arguments arguments(program);
  arguments.set("src", src);
  arguments.set("wei", wei);
  ASSERT_TRUE(arguments.run());
  const Conv c{1, 4, 5, 2, 3, 3, 6, 1, 1, 1};
  Floats dst;
  int64_t terms = 0;
  for (int h = 0; h < 4; ++h)
    for (int w = 0; w < 5; ++w)
      for (int oc = 0; oc < 6; ++oc) {
        float sum = 0;
        window(c, h, w, [&](int kh, int kw, int y, int x) {
          sum += src[(y * 5 + x) * 2 + oc / 3] * wei[((kh * 3 + kw) * 2 + oc / 3) * 3 + oc % 3];
          ++terms;
        });
        dst.push_back(sum);
      }
  EXPECT_EQ(arguments.get<float>("dst"), dst);
  EXPECT_EQ(program.flops, 2 * 4 * 5 * 6 * 9);
  EXPECT_EQ(program.flops_executed, 2 * terms);
}

TEST(ImportValues, ResidualWithTwoReadsOutside) {
  const Program program = imported(R"(
kernel residual(src: f32[W] outside 0, const wei: f32[K], res: f32[W] outside 7) -> dst: f32[W]
{
  let acc[w] = sum[k](src[w + k - 1] * wei[k]);
  dst[w] = max(acc[w] + res[w - 1] - res[w + 2], 0);
})",
                                   sizes({{"W", 6}, {"K", 3}}));
  const Floats src = pattern(6, 1), wei = pattern(3, 2), res = pattern(6, 3);
  Arguments arguments(program);
  arguments.set("src", src);
  arguments.set("wei", wei);
  arguments.set("res", res);
  ASSERT_TRUE(arguments.run());
  const auto at = [](const Floats &values, int i, float other) { return i < 0 || i > 5 ? other : values[i]; };
  Floats dst;
  for (int w = 0; w < 6; ++w) {
    float sum = 0;
    for (int k = 0; k < 3; ++k) sum += at(src, w + k - 1, 0) * wei[k];
    dst.push_back(std::max(sum + at(res, w - 1, 7) - at(res, w + 2, 7), 0.0f));
  }
  EXPECT_EQ(arguments.get<float>("dst"), dst);
  // Proven sides make no comparison: w - 1 is never too large.
  EXPECT_EQ(print(program).find("%w.0 - 1 < 6"), std::string::npos);
}

TEST(ImportValues, MatrixProductIntoItsOldValue) {
  const Program program = imported("kernel gemm(a: f32[M, K], b: f32[K, N], inout c: f32[M, N], alpha: f32) { c[m, n] "
                                   "+= alpha * sum[k](a[m, k] * b[k, n]); }",
                                   sizes({{"M", 3}, {"N", 4}, {"K", 5}}));
  const Floats a = pattern(15, 1), b = pattern(20, 2), c = pattern(12, 3);
  Arguments arguments(program);
  arguments.set("a", a);
  arguments.set("b", b);
  arguments.set("c", c);
  arguments.uniform("alpha", 2.0f);
  const Status status = arguments.run();
  ASSERT_TRUE(status) << status.error().text;
  Floats dst = c;
  for (int m = 0; m < 3; ++m)
    for (int n = 0; n < 4; ++n)
      for (int k = 0; k < 5; ++k) dst[m * 4 + n] += 2 * a[m * 5 + k] * b[k * 4 + n];
  EXPECT_EQ(arguments.get<float>("c"), dst);
  EXPECT_EQ(program.flops, 3 * 4 * (2 * 5 + 2));
  EXPECT_EQ(program.flops_executed, program.flops);
}

TEST(ImportValues, OpenBatch) {
  ImportRequest request = sizes({{"M", 2}, {"K", 3}, {"N", 2}});
  request.open = {"B"};
  const Program program = imported(
      "kernel f(a: f32[B, M, K], b: f32[B, K, N]) -> c: f32[B, M, N] { c[i, m, n] = sum[k](a[i, m, k] * b[i, k, n]); }",
      request);
  const Floats a = pattern(30, 1), b = pattern(30, 2);
  Arguments arguments(program);
  arguments.symbol("B", 5);
  arguments.set("a", a);
  arguments.set("b", b);
  ASSERT_TRUE(arguments.run());
  Floats c(20, 0);
  for (int i = 0; i < 5; ++i)
    for (int at = 0; at < 4; ++at)
      for (int k = 0; k < 3; ++k) c[i * 4 + at] += a[i * 6 + at / 2 * 3 + k] * b[i * 6 + k * 2 + at % 2];
  EXPECT_EQ(arguments.get<float>("c"), c);
}

TEST(ImportValues, TablesBySubscript) {
  const Program program = imported(R"(
const T: i32[3, 4] = [[5, 5, -1, -1], [-1, 0, 0, 2], [2, 2, 2, 9]];
kernel f(x: i32[N]) -> all: i32[3, 4], one: i32[N]
{ all[a, b] = T[a, b]; one[n] = x[n] * T[n % 3, 2]; })",
                                   sizes({{"N", 5}}));
  Arguments arguments(program);
  arguments.set("x", std::vector<int32_t>{1, 2, 3, 4, 5});
  ASSERT_TRUE(arguments.run());
  EXPECT_EQ(arguments.get<int32_t>("all"), (std::vector<int32_t>{5, 5, -1, -1, -1, 0, 0, 2, 2, 2, 2, 9}));
  EXPECT_EQ(arguments.get<int32_t>("one"), (std::vector<int32_t>{-1, 0, 6, -4, 0}));
}

TEST(ImportValues, RefusesLargeTables) {
  std::string values = "1";
  for (int i = 1; i <= kMaxTableValues; ++i) values += ", " + std::to_string(i);
  const Source source("t.spk", "const T: i32[65] = [" + values + "]; kernel f() -> y: i32[65] { y[i] = T[i]; }");
  Diagnostics diagnostics;
  const auto program = import_source(source, sizes({}), diagnostics);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(program.error().text.find("`T`"), std::string::npos);
}

TEST(ImportValues, RefusesNarrowSumsWhenStrict) {
  for (const bool strict : {false, true}) {
    ImportRequest request = sizes({{"N", 4}});
    request.strict = strict;
    Diagnostics diagnostics;
    const Source text("t.spk", "kernel f(x: f16[N]) -> y: f16[1] { y[i] = sum.f16[n](x[n]); }");
    const auto program = import_source(text, request, diagnostics);
    EXPECT_EQ(program.has_value(), !strict) << render_text(diagnostics, text);
    if (program) continue;
    EXPECT_EQ(program.error().code, ErrorCode::kUnsupported);
  }
}

TEST(ImportValues, MistakesOfTheTextAreReported) {
  const Source source("t.spk", "kernel f(x: f32[N]) -> y: f32[N] { y[n] = x[n + 1]; }");
  Diagnostics diagnostics;
  EXPECT_FALSE(import_source(source, sizes({{"N", 4}}), diagnostics));
  ASSERT_EQ(diagnostics.error_count(), 1);
  EXPECT_EQ(diagnostics.list().front().code, "out-of-bounds");
}

} // namespace
} // namespace sparkle
