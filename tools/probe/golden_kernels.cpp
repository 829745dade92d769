#include "tools/probe/golden_kernels.h"

namespace sparkle::probe {
namespace {

// Extents are odd, so that every tile has a tail. A change that tries more raises kRevision in
// runtime/vulkan_trust.cpp.
constexpr GoldenKernel kKernels[] = {
    {"copy", "kernel golden(a: f32[M, N]) -> dst: f32[M, N] { dst[m, n] = a[m, n]; }", {{"M", 37}, {"N", 41}}},
    {"matmul",
     "kernel golden(a: f32[M, K], b: f32[K, N]) -> c: f32[M, N] { c[m, n] = sum[k](a[m, k] * b[k, n]); }",
     {{"M", 37}, {"N", 41}, {"K", 29}}},
    {"gemm_in_place",
     "kernel golden(a: f32[M, K], b: f32[K, N], alpha: f32, inout c: f32[M, N])\n"
     "{ c[m, n] += alpha * sum[k](a[m, k] * b[k, n]); }",
     {{"M", 19}, {"N", 33}, {"K", 23}}},
    {"conv",
     "kernel golden(s: int = 2, src: f32[N, H, W, C] outside 0 on (H, W), const wei: f32[3, 3, C, D], const bias: "
     "f32[D])\n"
     "  -> dst: f32[N, OH, OW, D] where OH = (H - 1)/s + 1, OW = (W - 1)/s + 1\n"
     "{ dst[n, y, x, d] = max(sum[i, j, c](src[n, y*s + i - 1, x*s + j - 1, c] * wei[i, j, c, d]) + bias[d], 0); }",
     {{"N", 2}, {"H", 13}, {"W", 11}, {"C", 5}, {"D", 20}}},
    {"depthwise_dilated",
     "kernel golden(M: int = 2, d: int = 2, src: f32[H, W, C] outside skip on (H, W), const wei: f32[3, 3, C, M])\n"
     "  -> dst: f32[H, W, D] where D = C*M\n"
     "{ dst[h, w, o] = sum[i, j](src[h + (i - 1)*d, w + (j - 1)*d, o/M] * wei[i, j, o/M, o%M]); }",
     {{"H", 11}, {"W", 13}, {"C", 7}}},
    {"grouped",
     "kernel golden(src: f32[H, W, G, C] outside skip on (H, W), const wei: f32[3, 3, G, C, D]) -> dst: f32[H, W, G, "
     "D]\n"
     "{ dst[h, w, g, d] = sum[i, j, c](src[h + i - 1, w + j - 1, g, c] * wei[i, j, g, c, d]); }",
     {{"H", 9}, {"W", 10}, {"G", 3}, {"C", 5}, {"D", 7}}},
    {"transposed",
     "kernel golden(s: int = 2, src: f32[H, W, C] outside skip on (H, W), const wei: f32[4, 4, C, D])\n"
     "  -> dst: f32[OH, OW, D] where OH = (H - 1)*s + 2, OW = (W - 1)*s + 2\n"
     "{ dst[h, w, d] = sum[i, j, c where (h + 1 - i) % s == 0 && (w + 1 - j) % s == 0](\n"
     "      src[(h + 1 - i)/s, (w + 1 - j)/s, c] * wei[i, j, c, d]); }",
     {{"H", 5}, {"W", 6}, {"C", 3}, {"D", 12}}},
    {"conv3d",
     "kernel golden(src: f32[T, H, W, C] outside 0 on (T, H, W), const wei: f32[3, 3, 3, C, D]) -> dst: f32[T, H, W, "
     "D]\n"
     "{ dst[t, h, w, d] = sum[a, i, j, c](src[t + a - 1, h + i - 1, w + j - 1, c] * wei[a, i, j, c, d]); }",
     {{"T", 5}, {"H", 7}, {"W", 6}, {"C", 3}, {"D", 9}}},
    {"pools",
     "kernel golden(src: f32[H, W, C] outside skip on (H, W)) -> top: f32[OH, OW, C], middle: f32[OH, OW, C]\n"
     "where OH = (H + 1)/2, OW = (W + 1)/2\n"
     "{ top[y, x, c] = max[i in 0..3, j in 0..3](src[2*y + i - 1, 2*x + j - 1, c]);\n"
     "  middle[y, x, c] = sum[i in 0..2, j in 0..2](src[2*y + i, 2*x + j, c]) * 0.25; }",
     {{"H", 13}, {"W", 11}, {"C", 5}}},
    {"reductions",
     "kernel golden(x: f32[N, C]) -> a: f32[N], b: f32[N], c: f32[N], d: f32[N]\n"
     "{ a[n] = sum[i in 0..C](x[n, i]); b[n] = max[i in 0..C](x[n, i]); c[n] = min[i in 0..C](x[n, i]);\n"
     "  d[n] = prod[i in 0..5](x[n, i]); }",
     {{"N", 5}, {"C", 67}}},
    {"long_sum",
     "kernel golden(x: f32[N, C], y: f32[N, C]) -> dst: f32[N] { dst[n] = sum[c](x[n, c] * y[n, c]); }",
     {{"N", 3}, {"C", 20011}}},
    {"argmax",
     "kernel golden(x: f32[N, C]) -> dst: i32[N]\n"
     "{ let m[n] = max[c](x[n, c]); dst[n] = min[c where x[n, c] == m[n]](i32(c)); }",
     {{"N", 5}, {"C", 37}}},
    {"softmax",
     "kernel golden(x: f32[N, C]) -> dst: f32[N, C]\n"
     "{ let m[n] = max[c](x[n, c]); let e[n, c] = exp(x[n, c] - m[n]); let z[n] = sum[c](e[n, c]);\n"
     "  dst[n, c] = e[n, c]/z[n]; }",
     {{"N", 5}, {"C", 37}},
     true},
    {"functions",
     "kernel golden(x: f32[N]) -> a: f32[N], b: f32[N], c: f32[N], d: f32[N]\n"
     "{ a[n] = tanh(x[n]); b[n] = sigmoid(4*x[n]); c[n] = erf(x[n]); d[n] = log(x[n] + 2); }",
     {{"N", 133}},
     true},
    {"attention",
     "kernel golden(q: f32[H, S, D], k: f32[H, T, D], v: f32[H, T, D]) -> dst: f32[H, S, D] where T >= S\n"
     "{ let s[h, i, j] = sum[d](q[h, i, d] * k[h, j, d]);\n"
     "  let w[h, i, j] = exp(s[h, i, j] * 0.125);\n"
     "  let z[h, i] = sum[j where j <= i + T - S](w[h, i, j]);\n"
     "  dst[h, i, d] = sum[j where j <= i + T - S](w[h, i, j] * v[h, j, d]) / z[h, i]; }",
     {{"H", 3}, {"S", 7}, {"T", 11}, {"D", 8}},
     true},
    {"int8_conv",
     "kernel golden(src: u8[H, W, C] outside 3 on (H, W), const wei: i8[3, 3, C, D], const bias: i32[D])\n"
     "  -> dst: u8[H, W, D]\n"
     "{ let acc[h, w, d] = sum[i, j, c]((src[h + i - 1, w + j - 1, c] - 3) * wei[i, j, c, d]) + bias[d];\n"
     "  dst[h, w, d] = u8(round(f32(acc[h, w, d]) * 0.5) + 128); }",
     {{"H", 9}, {"W", 8}, {"C", 7}, {"D", 20}}},
    {"short_reals",
     "kernel golden(a: f16[M, K], b: bf16[K, N]) -> c: f16[M, N], d: bf16[M, N]\n"
     "{ let s[m, n] = sum[k](f32(a[m, k]) * f32(b[k, n])); c[m, n] = f16(s[m, n]); d[m, n] = bf16(s[m, n] + 1); }",
     {{"M", 7}, {"N", 19}, {"K", 13}}},
    {"borders",
     "kernel golden(a: i32[W] outside clamp, b: i32[W] outside mirror, c: i32[W] outside wrap, d: i32[W] outside "
     "reflect)\n"
     "  -> dst: i32[W]\n"
     "{ dst[w] = sum[i in 0..7](i32(i + 1) * (a[w + i - 3] + b[w + i - 3] + c[w + i - 3] + d[w + i - 3])); }",
     {{"W", 23}}},
    {"filter_of_bytes",
     "const K: f32[5] = [1/16, 4/16, 6/16, 4/16, 1/16];\n"
     "kernel golden(src: u8[H, W, C] outside clamp on (H, W), amount: f32) -> dst: u8[H, W, C]\n"
     "{ let bx[y in .., x, c] = sum[i](K[i] * f32(src[y, x + i - 2, c]));\n"
     "  let by[y, x, c] = sum[i](K[i] * bx[y + i - 2, x, c]);\n"
     "  dst[y, x, c] = u8(round(f32(src[y, x, c]) + amount*(f32(src[y, x, c]) - by[y, x, c]))); }",
     {{"H", 21}, {"W", 34}, {"C", 3}}},
    {"open_batch",
     "kernel golden(x: f32[N, C], const w: f32[C, D], gain: f32) -> dst: f32[N, D]\n"
     "{ dst[n, d] = gain * max(sum[c](x[n, c] * w[c, d]), 0); }",
     {{"N", 6}, {"C", 13}, {"D", 18}},
     false,
     "N"},
};

} // namespace

std::span<const GoldenKernel> golden_kernels() { return kKernels; }

} // namespace sparkle::probe
