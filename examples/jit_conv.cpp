// Text -> machine code -> result, inside a C++ program: a 1-D convolution, compiled for the fastest device and called.
#include <cstdio>

#include "compiler/import/import.h"
#include "runtime/fill.h"
#include "runtime/jit.h"

namespace {

using namespace sparkle;

constexpr const char *kText = R"(
kernel smooth(src: f32[W] outside clamp, const wei: f32[K]) -> dst: f32[W] {
  dst[x] = sum[k](src[x + k - K/2] * wei[k]);
}
)";

Result<HostTensor> smoothed_step(const Program &program) {
  SPARKLE_TRY(JitKernel kernel, jit(program));
  SPARKLE_TRY(HostTensor src, HostTensor::allocate(Scalar::kF32, {8}));
  SPARKLE_TRY(HostTensor wei, HostTensor::allocate(Scalar::kF32, {3}));
  SPARKLE_TRY(HostTensor dst, HostTensor::allocate(Scalar::kF32, {8}));
  for (int64_t x = 4; x < 8; ++x) src.set(x, 1); // 0 0 0 0 1 1 1 1
  fill_constant(wei, 0.25);
  wei.set(1, 0.5);
  SPARKLE_TRY(const RunReport report, kernel.run({{"src", &src}, {"wei", &wei}, {"dst", &dst}}));
  std::printf("ran on %s, compiled in %.2f ms\n", report.device_used.c_str(), report.compile_ms);
  return dst;
}

} // namespace

int main() {
  const Source source("smooth.spk", kText);
  Diagnostics diagnostics;
  const Result<Program> program = import_source(source, {"smooth", {{"W", 8}, {"K", 3}}, {}, {}, false}, diagnostics);
  if (!program) return std::fputs(render_text(diagnostics, source).c_str(), stderr), 1;
  const Result<HostTensor> dst = smoothed_step(*program);
  if (!dst) return std::fprintf(stderr, "%s\n", dst.error().text.c_str()), 1;
  const double expected[] = {0, 0, 0, 0.25, 0.75, 1, 1, 1};
  for (int64_t x = 0; x < 8; ++x) {
    std::printf("%g ", dst->get(x));
    if (dst->get(x) != expected[x]) return std::puts("which is wrong"), 1;
  }
  std::puts("");
}
