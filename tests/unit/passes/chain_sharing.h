// Reductions whose lanes, unrolled steps and workers have partial results.
#pragma once

#include "tests/unit/passes/chain_case.h"

namespace sparkle::test {

/// Four reductions over one axis: sums, and a maximum, whose empty lanes must not count.
inline constexpr std::string_view kMomentsOf33 = R"(program @p {
  tensor src: f32[5, 33] input
  tensor dst: f32[5] output
  kernel @dst stage imported {
    buffer @src: f32[5, 33] far input = tensor src
    buffer @dst: f32[5] far output = tensor dst
    for %n in 0..5 {
      store @dst[%n] = sum[%k in 0..33](@src[%n, %k] * @src[%n, %k]) + max[%k in 0..33](@src[%n, %k] - 100.0) - min[%k in 0..33](@src[%n, %k] + 100.0)
    }
  }
})";

/// Both operands lie along what is summed; a term is left out.
inline constexpr std::string_view kProductOfRows = R"(program @p {
  tensor a: f32[5, 21] input
  tensor b: f32[7, 21] input
  tensor dst: f32[5, 7] output
  kernel @dst stage imported {
    buffer @a: f32[5, 21] far input = tensor a
    buffer @b: f32[7, 21] far input = tensor b
    buffer @dst: f32[5, 7] far output = tensor dst
    for %m in 0..5 { for %n in 0..7 {
      store @dst[%m, %n] = sum[%k in 0..21 where 2 <= %k](@a[%m, %k] * @b[%n, %k]) * 2.0 + 1.0
    } }
  }
})";

/// Two axes, whole numbers that wrap around.
inline constexpr std::string_view kProductOfImage = R"(program @p {
  tensor src: u8[3, 6, 11] input
  tensor dst: i32[3] output
  kernel @dst stage imported {
    buffer @src: u8[3, 6, 11] far input = tensor src
    buffer @dst: i32[3] far output = tensor dst
    for %c in 0..3 {
      store @dst[%c] = prod[%h in 0..6, %w in 0..11](i32(@src[%c, %h, %w]) * 3:i32 + 1:i32)
    }
  }
})";

inline std::vector<ChainCase> sharing_cases() {
  return {
      {"shared_moments",
       kMomentsOf33,
       {R"(kernel dst {
  split n: group
  split k: serial, unrolled 2, lane 8
  partition k
})",
        R"(kernel dst {
  split n: group, unrolled 2
  split k: serial, unrolled 3, lane 4
  order n.0 k.0 k.1 n.1 k.2
  prefetch src at k.0 distance 1 cache 1
})",
        R"(kernel dst {
  split n: serial, worker 2, unrolled 2
  split k: serial, unrolled 2, worker 3, lane 2
  order n.0 n.1 k.2 k.0 k.1 n.2 k.3
  partition k
})",
        R"(kernel dst {
  split n: group
  split k: worker
})",
        R"(kernel dst {
  split n: group, worker 4
  split k: serial, worker 2, serial 3
  order n.0 n.1 k.1 k.0 k.2
  stage src near at k.0 layout n.1 k.1 k.2 buffers 2 ahead 1
})"}},
      {"product_of_rows",
       kProductOfRows,
       {R"(kernel dst {
  split m: group, unrolled 2
  split n: group, unrolled 3
  split k: serial, lane 8
  order m.0 n.0 k.0 m.1 n.1 k.1
  partition k m n
})",
        R"(kernel dst {
  split m: group
  split n: group, worker 4
  split k: serial, unrolled 2, worker 2, lane 4
  stage b far layout n.0 n.1 k.0 k.1 k.2 k.3
})",
        R"(kernel dst {
  split n: group, lane 4
  split k: serial, unrolled 2, worker 3
  order n.0 k.2 m k.0 k.1 n.1
})",
        R"(kernel dst {
  split k: serial, unrolled 2, lane 4
  stage a register at k.0 layout k.1 k.2
})"}},
      {"product_of_image",
       kProductOfImage,
       {R"(kernel dst {
  split c: group
  split w: serial, lane 4
  split h: serial, unrolled 2
  partition w
})",
        R"(kernel dst {
  fuse k = h w
  split k: serial, unrolled 2, lane 8
})",
        R"(kernel dst {
  split h: serial, worker 4
  split w: serial, worker 2, lane 4
})"}},
  };
}

} // namespace sparkle::test
