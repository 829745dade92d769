// Small programs for the chain of passes: products, reductions, several definitions, elementwise ones.
#pragma once

#include "tests/unit/passes/chain_sharing.h"
#include "tests/unit/passes/chain_windows.h"

namespace sparkle::test {

/// One worker a group.
inline constexpr std::string_view kMatmulCpu = R"(kernel dst {
  split oc: group, unrolled 2, lane 8
  split n: group, unrolled 3
  split k: serial, unrolled 4
  order oc.0 n.0 k.0 k.1 n.1 oc.1 oc.2
  stage b far layout oc.0 k.0 k.1 oc.1 oc.2
  prefetch b at k.0 distance 2 cache 1
  partition n oc k
  store streaming
})";

/// Many workers, near memory, two buffers, one step ahead.
inline constexpr std::string_view kMatmulGpu = R"(kernel dst {
  split n: group, unrolled 2, worker 4, unrolled 4
  split oc: group, worker 4, lane 4
  split k: serial, unrolled 8
  order n.0 oc.0 n.2 oc.1 k.0 k.1 n.1 n.3 oc.2
  stage b far layout oc.0 k.0 k.1 oc.1 oc.2
  stage a near at k.0 layout k.1 n.1 n.2 n.3 skew 4 walk n.1 n.2 n.3 k.1 buffers 2 ahead 1
  stage b near at k.0 layout k.1 oc.1 oc.2 lanes 4 buffers 2 ahead 1
  stage a register at k.1 layout n.1 n.3 lanes 4
})";

/// One buffer ahead; two buffers without; a near buffer of one worker.
inline constexpr std::string_view kMatmulAhead = R"(kernel dst {
  split n: group, worker 4
  split oc: group, worker 8
  split k: serial, serial 8
  order n.0 oc.0 n.1 oc.1 k.0 k.1
  stage a near at k.0 layout n.1 k.1 ahead 1
  stage b near at k.0 layout k.1 oc.1 ahead 1
})";
inline constexpr std::string_view kMatmulAlternate = R"(kernel dst {
  split n: group, worker 4
  split oc: group, worker 8
  split k: serial, serial 8
  order n.0 oc.0 n.1 oc.1 k.0 k.1
  stage a near at k.0 layout n.1 k.1 buffers 2
  stage b near at k.0 layout k.1 oc.1
})";
/// One buffer rotates, the other one does not.
inline constexpr std::string_view kMatmulMixed = R"(kernel dst {
  split n: group, worker 4
  split oc: group, worker 8
  split k: serial, serial 8
  order n.0 oc.0 n.1 oc.1 k.0 k.1
  stage a near at k.0 layout n.1 k.1
  stage b near at k.0 layout k.1 oc.1 buffers 2 ahead 1
})";
inline constexpr std::string_view kMatmulAlone = R"(kernel dst {
  split n: group, unrolled 3
  split oc: group, lane 8
  split k: serial, serial 5
  order n.0 oc.0 k.0 k.1 n.1 oc.1
  stage b near at k.0 layout k.1 oc.1
  stage a near at k.0 layout n.1 k.1 skew 3
  clip off
})";

inline std::vector<ChainCase> chain_cases() {
  std::vector<ChainCase> cases = {
      {"matmul",
       R"(program @p {
  tensor a: f32[13, 29] input
  tensor b: f32[29, 37] const
  tensor dst: f32[13, 37] output
  kernel @dst stage imported {
    buffer @a: f32[13, 29] far input = tensor a
    buffer @b: f32[29, 37] far const = tensor b
    buffer @dst: f32[13, 37] far output = tensor dst
    for %n in 0..13 { for %oc in 0..37 {
      store @dst[%n, %oc] = sum[%k in 0..29](@a[%n, %k] * @b[%k, %oc])
    } }
  }
})",
       {kMatmulCpu, kMatmulGpu, kMatmulAhead, kMatmulAlternate, kMatmulMixed, kMatmulAlone}},
      {"matmul_without_terms",
       R"(program @p {
  tensor a: f32[5, 0] input
  tensor b: f32[0, 9] const
  tensor dst: f32[5, 9] output
  kernel @dst stage imported {
    buffer @a: f32[5, 0] far input = tensor a
    buffer @b: f32[0, 9] far const = tensor b
    buffer @dst: f32[5, 9] far output = tensor dst
    for %n in 0..5 { for %oc in 0..9 {
      store @dst[%n, %oc] = sum[%k in 0..0](@a[%n, %k] * @b[%k, %oc])
    } }
  }
})",
       {R"(kernel dst {
  split oc: group, unrolled 2, lane 4
  split n: group, unrolled 3
  order oc.0 n.0 n.1 oc.1 oc.2
  partition n oc
})"}},
      {"matmul_without_rows",
       R"(program @p {
  tensor a: f32[0, 6] input
  tensor b: f32[6, 9] const
  tensor dst: f32[0, 9] output
  kernel @dst stage imported {
    buffer @a: f32[0, 6] far input = tensor a
    buffer @b: f32[6, 9] far const = tensor b
    buffer @dst: f32[0, 9] far output = tensor dst
    for %n in 0..0 { for %oc in 0..9 {
      store @dst[%n, %oc] = sum[%k in 0..6](@a[%n, %k] * @b[%k, %oc])
    } }
  }
})",
       {kMatmulCpu, kMatmulGpu, kMatmulAhead}},
      {"matmul_of_ones",
       R"(program @p {
  tensor a: f32[1, 1] input
  tensor b: f32[1, 1] const
  tensor dst: f32[1, 1] output
  kernel @dst stage imported {
    buffer @a: f32[1, 1] far input = tensor a
    buffer @b: f32[1, 1] far const = tensor b
    buffer @dst: f32[1, 1] far output = tensor dst
    for %n in 0..1 { for %oc in 0..1 {
      store @dst[%n, %oc] = sum[%k in 0..1](@a[%n, %k] * @b[%k, %oc])
    } }
  }
})",
       {kMatmulCpu, kMatmulGpu, kMatmulAhead, kMatmulAlternate, kMatmulMixed, kMatmulAlone}},
      {"matmul_of_bytes",
       R"(program @p {
  tensor a: u8[6, 21] input
  tensor b: i8[21, 19] const
  tensor dst: i32[6, 19] output
  kernel @dst stage imported {
    buffer @a: u8[6, 21] far input = tensor a
    buffer @b: i8[21, 19] far const = tensor b
    buffer @dst: i32[6, 19] far output = tensor dst
    for %n in 0..6 { for %oc in 0..19 {
      store @dst[%n, %oc] = sum[%k in 0..21](i32(@a[%n, %k]) * i32(@b[%k, %oc]))
    } }
  }
})",
       {kMatmulCpu, kMatmulGpu}},
      {"moments",
       R"(program @p {
  tensor src: f32[5, 33] input
  tensor dst: f32[5] output
  kernel @dst stage imported {
    buffer @src: f32[5, 33] far input = tensor src
    buffer @dst: f32[5] far output = tensor dst
    for %n in 0..5 {
      store @dst[%n] = sum[%k in 0..33](@src[%n, %k] * @src[%n, %k]) * 33.0 - sum[%k in 0..33](@src[%n, %k]) * sum[%k in 0..33](@src[%n, %k]) + max[%k in 0..33](@src[%n, %k])
    }
  }
})",
       {R"(kernel dst {
  split n: group, unrolled 2
  split k: serial, unrolled 5
  order n.0 k.0 k.1 n.1
  partition n k
})",
        R"(kernel dst {
  split n: group, worker 4
  split k: serial, serial 8
  order n.0 n.1 k.0 k.1
  stage src near at k.0 layout n.1 k.1 buffers 2 ahead 1
})",
        R"(kernel dst {
  split n: group, lane 4
  order n.0 k n.1
})"}},
      {"nested_reduction",
       R"(program @p {
  tensor a: f32[6, 4] input
  tensor b: f32[4, 7] input
  tensor c: f32[7, 9] const
  tensor dst: f32[6, 9] output
  kernel @dst stage imported {
    buffer @a: f32[6, 4] far input = tensor a
    buffer @b: f32[4, 7] far input = tensor b
    buffer @c: f32[7, 9] far const = tensor c
    buffer @dst: f32[6, 9] far output = tensor dst
    for %n in 0..6 { for %oc in 0..9 {
      store @dst[%n, %oc] = sum[%k in 0..7](max(sum[%j in 0..4](@a[%n, %j] * @b[%j, %k]), 0.0) * @c[%k, %oc])
    } }
  }
})",
       {R"(kernel dst {
  split n: group, unrolled 4
  split oc: group, lane 4
  order n.0 oc.0 k n.1 oc.1
  stage c far layout oc.0 k oc.1
  partition n
})",
        R"(kernel dst {
  split n: group, worker 4
  split oc: group, worker 4
  split k: serial, serial 4
  order n.0 oc.0 n.1 oc.1 k.0 k.1
  stage c near at k.0 layout k.1 oc.1 buffers 2 ahead 1
})"}},
      {"residual",
       R"(program @p {
  tensor src: f32[4, 6, 9] input
  tensor wei: f32[9, 10] const
  tensor scale: f32[10] const
  tensor res: f32[4, 6, 10] input
  tensor acc: f32[4, 6, 10] workspace
  tensor sum: f32[4, 6, 10] workspace
  tensor half: f32[10] workspace
  tensor dst: f32[4, 6, 10] output
  kernel @acc stage imported {
    buffer @src: f32[4, 6, 9] far input = tensor src
    buffer @wei: f32[9, 10] far const = tensor wei
    buffer @acc: f32[4, 6, 10] far workspace = tensor acc
    for %h in 0..4 { for %w in 0..6 { for %oc in 0..10 {
      store @acc[%h, %w, %oc] = sum[%ic in 0..9](@src[%h, %w, %ic] * @wei[%ic, %oc])
    } } }
  }
  kernel @half stage imported {
    buffer @scale: f32[10] far const = tensor scale
    buffer @half: f32[10] far workspace = tensor half
    for %oc in 0..10 { store @half[%oc] = @scale[%oc] * 0.5 }
  }
  kernel @sum stage imported {
    buffer @acc: f32[4, 6, 10] far workspace = tensor acc
    buffer @half: f32[10] far workspace = tensor half
    buffer @res: f32[4, 6, 10] far input = tensor res
    buffer @sum: f32[4, 6, 10] far workspace = tensor sum
    for %h in 0..4 { for %w in 0..6 { for %oc in 0..10 {
      store @sum[%h, %w, %oc] = @acc[%h, %w, %oc] * @half[%oc] + @res[%h, %w, %oc]
    } } }
  }
  kernel @dst stage imported {
    buffer @sum: f32[4, 6, 10] far workspace = tensor sum
    buffer @dst: f32[4, 6, 10] far output = tensor dst
    for %h in 0..4 { for %w in 0..6 { for %oc in 0..10 {
      store @dst[%h, %w, %oc] = max(min(@sum[%h, %w, %oc], 6.0), 0.0)
    } } }
  }
})",
       {R"(kernel acc { place inline }
kernel sum { place inline }
kernel half { place stored }
kernel dst {
  split oc: group, lane 4
  split w: group, unrolled 4
  split h: group
  order h w.0 oc.0 ic w.1 oc.1
  stage wei far layout oc.0 ic oc.1
  partition w oc
})",
        R"(kernel acc { place stored
  split oc: group, lane 8
}
kernel sum { place inline }
kernel half { place inline }
kernel dst {
  fuse p = h w oc
  split p: group, worker 16, lane 4
})"}},
      {"scale_and_clamp",
       R"(program @p {
  tensor src: f32[7, 21] input
  tensor dst: f32[7, 21] output
  kernel @dst stage imported {
    buffer @src: f32[7, 21] far input = tensor src
    buffer @dst: f32[7, 21] far output = tensor dst
    for %h in 0..7 { for %w in 0..21 {
      store @dst[%h, %w] = select(@src[%h, %w] < 0.0, -(@src[%h, %w]), min(@src[%h, %w] * 2.0 + 1.0, 9.0))
    } }
  }
})",
       {kPixelTile, R"(kernel dst {
  fuse p = h w
  split p: group, worker 8, lane 4
  store streaming
})",
        R"(kernel dst {
  split w: group, team 2, worker 4, unrolled 2
  split h: serial, unrolled 2
  partition h w
})"}},
      {"transpose",
       R"(program @p {
  tensor src: f32[9, 14] input
  tensor dst: f32[14, 9] output
  kernel @dst stage imported {
    buffer @src: f32[9, 14] far input = tensor src
    buffer @dst: f32[14, 9] far output = tensor dst
    for %h in 0..14 { for %w in 0..9 { store @dst[%h, %w] = @src[%w, %h] } }
  }
})",
       {kPixelTile, R"(kernel dst {
  split h: group, worker 4
  split w: group, worker 4
  order h.0 w.0 h.1 w.1
  stage src near at w.1 layout h.1 w.1 skew 1 walk w.1 h.1
})"}},
      {"upsample",
       R"(program @p {
  tensor src: f32[5, 6] input
  tensor dst: f32[10, 12] output
  kernel @dst stage imported {
    buffer @src: f32[5, 6] far input = tensor src
    buffer @dst: f32[10, 12] far output = tensor dst
    for %h in 0..10 { for %w in 0..12 { store @dst[%h, %w] = @src[%h / 2, %w / 2] + f32(i32(%w % 2)) } }
  }
})",
       {kPixelTile}},
      {"total",
       R"(program @p {
  tensor src: f32[6, 11] input
  tensor dst: f32[] output
  kernel @dst stage imported {
    buffer @src: f32[6, 11] far input = tensor src
    buffer @dst: f32[] far output = tensor dst
    store @dst[] = sum[%h in 0..6, %w in 0..11](@src[%h, %w])
  }
})",
       {R"(kernel dst {
  split w: serial, unrolled 4
  partition w
})",
        R"(kernel dst {
  fuse k = h w
  split k: serial, unrolled 8
})"}},
      {"one_element",
       R"(program @p {
  tensor src: f32[1, 1] input
  tensor dst: f32[1, 1] output
  kernel @dst stage imported {
    buffer @src: f32[1, 1] far input = tensor src
    buffer @dst: f32[1, 1] far output = tensor dst
    for %h in 0..1 { for %w in 0..1 { store @dst[%h, %w] = @src[%h, %w] * 3.0 } }
  }
})",
       {kPixelTile}},
      {"open_batch",
       R"(program @p {
  symbol N >= 1
  tensor src: f32[N, 6, 5] input
  tensor wei: f32[5, 9] const
  tensor dst: f32[N, 6, 9] output
  kernel @dst stage imported {
    symbol %N = N
    buffer @src: f32[%N, 6, 5] far input = tensor src
    buffer @wei: f32[5, 9] far const = tensor wei
    buffer @dst: f32[%N, 6, 9] far output = tensor dst
    for %n in 0..%N { for %w in 0..6 { for %oc in 0..9 {
      store @dst[%n, %w, %oc] = sum[%ic in 0..5](@src[%n, %w, %ic] * @wei[%ic, %oc])
    } } }
  }
})",
       {R"(kernel dst {
  split n: group, unrolled 2
  split oc: group, lane 4
  split w: group
  order n.0 w oc.0 ic n.1 oc.1
  stage wei far layout oc.0 ic oc.1
  partition n
})",
        R"(kernel dst {
  fuse p = n w
  split p: group, worker 4
  split oc: group, worker 8
  order p.0 oc.0 p.1 oc.1 ic
  stage wei near at oc.1 layout ic oc.1
})"}},
  };
  for (ChainCase &window : window_cases()) cases.push_back(std::move(window));
  for (ChainCase &sharing : sharing_cases()) cases.push_back(std::move(sharing));
  return cases;
}

} // namespace sparkle::test
