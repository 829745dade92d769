// The C++ interface: a strided image through a 3x3 maximum, verified against the reference; errors as values.
#include <cstdio>

#include <sparkle/sparkle.hpp>

namespace {

constexpr const char *kText = R"(
kernel highest(src: f32[H, W] outside skip) -> dst: f32[H, W] {
  dst[y, x] = max[dy in -1..=1, dx in -1..=1](src[y + dy, x + dx]);
}
)";

} // namespace

int main(int argc, char **argv) {
  sparkle::JitOptions options;
  options.sizes = {{"H", 6}, {"W", 5}};
  options.layouts = {{"src", {8, 1}}};
  options.device = argc > 1 ? argv[1] : "cpu!";
  sparkle::Result<sparkle::Kernel> kernel = sparkle::jit("highest.spk", kText, options);
  if (!kernel) return std::puts(kernel.error().message().c_str()), 1;
  std::vector<float> src(6 * 8, 100.0F), dst(6 * 5);
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 5; ++x) src[y * 8 + x] = static_cast<float>(y * 5 + x);
  const sparkle::Call call(
      {{"src", sparkle::tensor(src.data(), {6, 5}, {8, 1})}, {"dst", sparkle::tensor(dst, {6, 5})}});
  sparkle::RunOptions run;
  run.verify = true;
  const sparkle::Result<sparkle::Report> report = kernel->run(call, run);
  if (!report) return std::puts(report.error().message().c_str()), 1;
  if (!report->verified() || dst[0] != 6 || dst[29] != 29) return std::puts(report->text().c_str()), 1;

  const sparkle::Result<sparkle::Report> none = kernel->run(sparkle::Call({{"dst", sparkle::tensor(dst, {6, 5})}}));
  if (none || none.error().text() != "`src` is not given") return 1;
  std::printf("%s: right\n", report->device().c_str());
}
