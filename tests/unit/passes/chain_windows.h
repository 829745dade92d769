// Programs that read windows: convolutions, stencils and pooling.
#pragma once

#include "tests/unit/passes/chain_case.h"

namespace sparkle::test {

inline constexpr std::string_view kConvCpu = R"(kernel dst {
  split oc: group, lane 8
  split n: group
  split oh: group
  split ow: group, unrolled 3
  split ic: serial, unrolled 2
  order n oh oc.0 ow.0 kh kw ic.0 ic.1 ow.1 oc.1
  stage wei far layout oc.0 kh kw ic.0 ic.1 oc.1
  partition ow kw
})";
inline constexpr std::string_view kConvSerialTiles = R"(kernel dst {
  split oc: group, unrolled 2, lane 4
  split n: group
  split oh: serial
  split ow: serial, unrolled 2
  order n oc.0 oh ow.0 kh kw ic ow.1 oc.1 oc.2
  partition ow oh
  clip off
})";
inline constexpr std::string_view kConvGpu = R"(kernel dst {
  fuse p = n oh ow
  fuse k = kh kw ic
  split p: group, unrolled 2, worker 4, unrolled 2
  split oc: group, unrolled 2, worker 2, lane 4
  split k: serial, unrolled 8
  order p.0 oc.0 p.2 oc.2 k.0 k.1 p.1 p.3 oc.1 oc.3
  stage wei far layout oc.0 k.0 k.1 oc.1 oc.2 oc.3
  stage src near at k.0 layout k.1 p.1 p.2 p.3 skew 4 walk p.1 p.2 p.3 k.1 buffers 2 ahead 1
  stage wei near at k.0 layout k.1 oc.1 oc.2 oc.3 lanes 4 buffers 2 ahead 1
  stage src register at k.1 layout p.1 p.3 lanes 2
  stage wei register at k.1 layout oc.1 oc.3 lanes 4
})";

inline constexpr std::string_view kPixelTile = R"(kernel dst {
  split w: group, unrolled 2, lane 4
  split h: group, unrolled 2
  order h.0 w.0 h.1 w.1 w.2
  partition w
})";

inline std::vector<ChainCase> window_cases() {
  return {
      {"conv_pad",
       R"(program @p {
  tensor src: f32[2, 7, 8, 6] input
  tensor wei: f32[3, 3, 6, 11] const
  tensor bias: f32[11] const
  tensor dst: f32[2, 7, 8, 11] output
  kernel @dst stage imported {
    buffer @src: f32[2, 7, 8, 6] far input = tensor src
    buffer @wei: f32[3, 3, 6, 11] far const = tensor wei
    buffer @bias: f32[11] far const = tensor bias
    buffer @dst: f32[2, 7, 8, 11] far output = tensor dst
    for %n in 0..2 { for %oh in 0..7 { for %ow in 0..8 { for %oc in 0..11 {
      store @dst[%n, %oh, %ow, %oc] = max(@bias[%oc] + sum[%kh in 0..3, %kw in 0..3, %ic in 0..6](
        (@src[%n, %oh + %kh - 1, %ow + %kw - 1, %ic] if 0 <= %oh + %kh - 1 and %oh + %kh - 1 < 7 and 0 <= %ow + %kw - 1 and %ow + %kw - 1 < 8 else 0.0) * @wei[%kh, %kw, %ic, %oc]), 0.0)
    } } } }
  }
})",
       {kConvCpu, kConvSerialTiles, kConvGpu}},
      {"conv_stride",
       R"(program @p {
  tensor src: f32[1, 9, 11, 3] input
  tensor wei: f32[3, 3, 3, 8] const
  tensor dst: f32[1, 5, 6, 8] output
  kernel @dst stage imported {
    buffer @src: f32[1, 9, 11, 3] far input = tensor src
    buffer @wei: f32[3, 3, 3, 8] far const = tensor wei
    buffer @dst: f32[1, 5, 6, 8] far output = tensor dst
    for %n in 0..1 { for %oh in 0..5 { for %ow in 0..6 { for %oc in 0..8 {
      store @dst[%n, %oh, %ow, %oc] = sum[%kh in 0..3, %kw in 0..3, %ic in 0..3](
        (@src[%n, %oh * 2 + %kh - 1, %ow * 2 + %kw - 1, %ic] if 0 <= %oh * 2 + %kh - 1 and %oh * 2 + %kh - 1 < 9 and 0 <= %ow * 2 + %kw - 1 and %ow * 2 + %kw - 1 < 11 else 0.0) * @wei[%kh, %kw, %ic, %oc])
    } } } }
  }
})",
       {kConvCpu, kConvSerialTiles, kConvGpu}},
      {"conv_strict",
       R"(program @p {
  tensor src: f32[1, 6, 6, 4] input
  tensor wei: f32[3, 3, 4, 8] const
  tensor dst: f32[1, 6, 6, 8] output
  kernel @dst stage imported strict {
    buffer @src: f32[1, 6, 6, 4] far input = tensor src
    buffer @wei: f32[3, 3, 4, 8] far const = tensor wei
    buffer @dst: f32[1, 6, 6, 8] far output = tensor dst
    for %n in 0..1 { for %oh in 0..6 { for %ow in 0..6 { for %oc in 0..8 {
      store @dst[%n, %oh, %ow, %oc] = sum[%kh in 0..3, %kw in 0..3, %ic in 0..4](
        (@src[%n, %oh + %kh - 1, %ow + %kw - 1, %ic] if 0 <= %oh + %kh - 1 and %oh + %kh - 1 < 6 and 0 <= %ow + %kw - 1 and %ow + %kw - 1 < 6 else 0.0) * @wei[%kh, %kw, %ic, %oc])
    } } } }
  }
})",
       {kConvCpu, kConvSerialTiles, kConvGpu}},
      {"stencil",
       R"(program @p {
  tensor src: f32[10, 23] input
  tensor dst: f32[8, 21] output
  kernel @dst stage imported {
    buffer @src: f32[10, 23] far input = tensor src
    buffer @dst: f32[8, 21] far output = tensor dst
    for %h in 0..8 { for %w in 0..21 {
      store @dst[%h, %w] = @src[%h, %w] + @src[%h, %w + 2] * 2.0 - @src[%h + 2, %w + 1] + @src[%h + 1, %w + 1]
    } }
  }
})",
       {kPixelTile}},
      {"depthwise",
       R"(program @p {
  tensor src: f32[2, 6, 9, 13] input
  tensor wei: f32[3, 3, 13] const
  tensor dst: f32[2, 6, 9, 13] output
  kernel @dst stage imported {
    buffer @src: f32[2, 6, 9, 13] far input = tensor src
    buffer @wei: f32[3, 3, 13] far const = tensor wei
    buffer @dst: f32[2, 6, 9, 13] far output = tensor dst
    for %n in 0..2 { for %oh in 0..6 { for %ow in 0..9 { for %c in 0..13 {
      store @dst[%n, %oh, %ow, %c] = sum[%kh in 0..3, %kw in 0..3](
        (@src[%n, %oh + %kh - 1, %ow + %kw - 1, %c] if 0 <= %oh + %kh - 1 and %oh + %kh - 1 < 6 and 0 <= %ow + %kw - 1 and %ow + %kw - 1 < 9 else 0.0) * @wei[%kh, %kw, %c])
    } } } }
  }
})",
       {R"(kernel dst {
  split c: group, unrolled 2, lane 4
  split ow: group, unrolled 4
  split kh: unrolled
  split kw: unrolled
  split n: group
  split oh: group
  order n oh c.0 ow.0 kh kw ow.1 c.1 c.2
  partition ow
})",
        R"(kernel dst {
  split c: group, worker 8
  split ow: group, worker 4
  split oh: group, unrolled 2
  split n: group
  order n c.0 oh.0 ow.0 ow.1 c.1 kh kw oh.1
  stage src near at c.1 layout oh.1 ow.1 kh kw c.1
})"}},
      {"max_pool",
       R"(program @p {
  tensor src: f32[2, 7, 7, 5] input
  tensor dst: f32[2, 4, 4, 5] output
  kernel @dst stage imported {
    buffer @src: f32[2, 7, 7, 5] far input = tensor src
    buffer @dst: f32[2, 4, 4, 5] far output = tensor dst
    for %n in 0..2 { for %oh in 0..4 { for %ow in 0..4 { for %c in 0..5 {
      store @dst[%n, %oh, %ow, %c] = max[%kh in 0..3, %kw in 0..3 where 0 <= %oh * 2 + %kh - 1 and %oh * 2 + %kh - 1 < 7 and 0 <= %ow * 2 + %kw - 1 and %ow * 2 + %kw - 1 < 7](
        @src[%n, %oh * 2 + %kh - 1, %ow * 2 + %kw - 1, %c])
    } } } }
  }
})",
       {R"(kernel dst {
  split c: group, lane 4
  split ow: group, unrolled 3
  split kw: unrolled
  split n: group
  split oh: group
  order n oh c.0 ow.0 kh kw ow.1 c.1
  partition ow oh kh
})",
        R"(kernel dst {
  fuse p = oh ow
  split p: group, worker 4
  split c: group, worker 4
  split n: group
  order n p.0 c.0 p.1 c.1 kh kw
  stage src near at c.1 layout p.1 kh kw c.1
})"}},
  };
}

} // namespace sparkle::test
