// Reads that leave their tensor and filters, against loops written by hand.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/unit/import/import_fixture.h"

namespace sparkle {
namespace {

using Floats = std::vector<float>;

TEST(ImportOutside, PoolingSkipsWhatIsOutside) {
  const Program program = imported(R"(
kernel pools(src: f32[H, W] outside skip) -> most: f32[H, W], average: f32[H, W], counted: f32[H, W]
{
  let padded outside 0 = src;
  most[h, w] = max[y in -2..=2, x in -1..=1](src[h + y, w + x]);
  average[h, w] = mean[y in -2..=2, x in -1..=1](src[h + y, w + x]);
  counted[h, w] = mean[y in -2..=2, x in -1..=1](padded[h + y, w + x]);
})",
                                   sizes({{"H", 5}, {"W", 4}}));
  const Floats src = pattern(20, 1, -9, -1);
  Arguments arguments(program);
  arguments.set("src", src);
  ASSERT_TRUE(arguments.run());
  Floats most, average, counted;
  for (int h = 0; h < 5; ++h)
    for (int w = 0; w < 4; ++w) {
      float greatest = -std::numeric_limits<float>::infinity(), sum = 0, count = 0;
      for (int y = std::max(0, h - 2); y <= std::min(4, h + 2); ++y)
        for (int x = std::max(0, w - 1); x <= std::min(3, w + 1); ++x) {
          greatest = std::max(greatest, src[y * 4 + x]);
          sum += src[y * 4 + x];
          ++count;
        }
      most.push_back(greatest);
      average.push_back(sum / count);
      counted.push_back(sum / 15);
    }
  EXPECT_EQ(arguments.get<float>("most"), most);
  EXPECT_EQ(arguments.get<float>("average"), average);
  EXPECT_EQ(arguments.get<float>("counted"), counted);
}

TEST(ImportOutside, PoolingOfBytesStartsFromTheLeastByte) {
  const Program program = imported(
      "kernel f(src: u8[W] outside skip) -> dst: u8[W], low: i8[W]\n"
      "{ dst[w] = max[x in 3..=4](src[w + x]); low[w] = min[x in 0..2 where i32(src[w + x]) > 99](i8(src[w])); }",
      sizes({{"W", 6}}));
  Arguments arguments(program);
  arguments.set("src", std::vector<uint8_t>{9, 200, 3, 120, 5, 255});
  const Status status = arguments.run();
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(arguments.get<uint8_t>("dst"), (std::vector<uint8_t>{120, 255, 255, 0, 0, 0}));
  EXPECT_EQ(arguments.get<int8_t>("low"), (std::vector<int8_t>{9, 127, 3, 120, 5, 127}));
}

/// By definition, at any distance.
int folded(int i, int extent, const std::string &mode) {
  const auto mod = [](int a, int b) { return ((a % b) + b) % b; };
  if (mode == "clamp") return std::clamp(i, 0, extent - 1);
  if (mode == "wrap") return mod(i, extent);
  if (mode == "reflect" && extent == 1) return 0;
  const int y = mod(i, mode == "mirror" ? 2 * extent : 2 * extent - 2);
  return y < extent ? y : (mode == "mirror" ? 2 * extent - 1 : 2 * extent - 2) - y;
}

TEST(ImportOutside, OutsideCopiesAtAnyDistance) {
  for (const std::string mode : {"clamp", "wrap", "mirror", "reflect"})
    for (const int extent : {1, 2, 3, 5})
      for (const int reach : {0, 1, 2, 4, 11}) {
        SCOPED_TRACE(mode + " " + std::to_string(extent) + " " + std::to_string(reach));
        const Program program = imported("kernel f(src: f32[W] outside " + mode +
                                             ", r: int) -> dst: f32[W, E]\n where E = 2*r + 1\n"
                                             "{ dst[w, e] = src[w + e - r]; }",
                                         sizes({{"W", extent}, {"r", reach}}));
        Arguments arguments(program);
        const Floats src = pattern(extent, 3, 0, 1000);
        arguments.set("src", src);
        const Status status = arguments.run();
        ASSERT_TRUE(status) << status.error().text;
        Floats dst;
        for (int w = 0; w < extent; ++w)
          for (int e = -reach; e <= reach; ++e) dst.push_back(src[folded(w + e, extent, mode)]);
        EXPECT_EQ(arguments.get<float>("dst"), dst);
      }
}

TEST(ImportOutside, UnsharpWithARangeBelowZero) {
  for (const std::string mode : {"clamp", "wrap", "mirror", "reflect"}) {
    const Program program = imported("kernel unsharp(src: u8[H, W] outside " + mode + R"(, amount: f32) -> dst: u8[H, W]
{
  const k: f32[5] = [1/16, 4/16, 6/16, 4/16, 1/16];
  let bx[y in .., x] = sum[i](k[i] * f32(src[y, x+i-2]));
  let by[y, x] = sum[i](k[i] * bx[y+i-2, x]);
  let s[y, x] = f32(src[y, x]);
  dst[y, x] = u8(round(s[y, x] + amount*(s[y, x] - by[y, x])));
})",
                                     sizes({{"H", 6}, {"W", 7}}));
    const auto src = pattern<uint8_t>(42, 5, 0, 255);
    Arguments arguments(program);
    arguments.set("src", src);
    arguments.uniform("amount", 1.5f);
    ASSERT_TRUE(arguments.run());
    const float k[] = {1, 4, 6, 4, 1};
    std::vector<uint8_t> dst;
    for (int y = 0; y < 6; ++y)
      for (int x = 0; x < 7; ++x) {
        float blur = 0;
        for (int i = 0; i < 25; ++i)
          blur += k[i / 5] * k[i % 5] / 256 * src[folded(y + i / 5 - 2, 6, mode) * 7 + folded(x + i % 5 - 2, 7, mode)];
        const float s = src[y * 7 + x];
        dst.push_back(static_cast<uint8_t>(std::clamp(std::nearbyint(s + 1.5f * (s - blur)), 0.0f, 255.0f)));
      }
    EXPECT_EQ(arguments.get<uint8_t>("dst"), dst) << mode;
  }
}

TEST(ImportOutside, TransposedKeepsItsResidues) {
  const Program program = imported(R"(
kernel transposed(src: f32[IW, IC] outside skip on (IW), const wei: f32[KW, IC], s: int, p: int) -> dst: f32[OW]
where OW = (IW-1)*s - 2*p + KW
{ dst[ow] = sum[kw, ic where (ow+p-kw) % s == 0](src[(ow+p-kw)/s, ic] * wei[kw, ic]); })",
                                   sizes({{"IW", 5}, {"IC", 2}, {"KW", 4}, {"s", 3}, {"p", 1}}));
  const Floats src = pattern(10, 1), wei = pattern(8, 2);
  Arguments arguments(program);
  arguments.set("src", src);
  arguments.set("wei", wei);
  ASSERT_TRUE(arguments.run());
  Floats dst(14, 0);
  int64_t terms = 0;
  for (int iw = 0; iw < 5; ++iw)
    for (int kw = 0; kw < 4; ++kw)
      for (int ic = 0; ic < 2; ++ic) {
        const int ow = iw * 3 + kw - 1;
        if (ow < 0 || ow >= 14) continue;
        dst[ow] += src[iw * 2 + ic] * wei[kw * 2 + ic];
        ++terms;
      }
  EXPECT_EQ(arguments.get<float>("dst"), dst);
  EXPECT_EQ(program.flops, 2 * 14 * 4 * 2);
  EXPECT_EQ(program.flops_executed, 2 * terms);
}

TEST(ImportOutside, FiltersMayReadDataOutside) {
  const Program program = imported("kernel f(x: i32[W] outside skip) -> dst: i32[W] { dst[w] = sum[k in -2..=2 where "
                                   "x[w + k] > 0](x[w + k] * x[w]); }",
                                   sizes({{"W", 7}}));
  const auto x = pattern<int32_t>(7, 4);
  Arguments arguments(program);
  arguments.set("x", x);
  const Status status = arguments.run();
  ASSERT_TRUE(status) << status.error().text;
  std::vector<int32_t> dst;
  for (int w = 0; w < 7; ++w) {
    int32_t sum = 0;
    for (int at = std::max(0, w - 2); at <= std::min(6, w + 2); ++at) sum += x[at] > 0 ? x[at] * x[w] : 0;
    dst.push_back(sum);
  }
  EXPECT_EQ(arguments.get<int32_t>("dst"), dst);
}

} // namespace
} // namespace sparkle
