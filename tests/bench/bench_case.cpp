#include "tests/bench/bench_case.h"

namespace sparkle::bench {
namespace {

void bind_axis(test::KernelText &kernel, const SpatialShape &axis, const std::string &upper, const std::string &lower) {
  kernel.values["I" + upper] = axis.in;
  kernel.values["O" + upper] = axis.out;
  kernel.values["K" + upper] = axis.kernel;
  kernel.values["s" + lower] = axis.stride;
  kernel.values["p" + lower] = axis.pad;
  kernel.values["d" + lower] = axis.dilation;
}

std::string image(test::ImageLayout layout, const std::string &channels, const std::string &pixels) {
  return layout == test::ImageLayout::kChannelsLast ? pixels + ", " + channels : channels + ", " + pixels;
}

test::KernelText pool_text(const BenchCase &bench) {
  const auto at = [&](const char *channels, const char *pixels) { return image(bench.layout, channels, pixels); };
  const std::string reduction = bench.op == Op::kMaxPool ? "max" : "mean";
  const std::string read = "src[n, " + at("c", "oh*sh + kh*dh - ph, ow*sw + kw*dw - pw") + "]";
  std::string value = reduction + "[kh in 0..KH, kw in 0..KW](" + read + ")";
  if (bench.op == Op::kAvgPool && bench.element != "f32")
    value = bench.element + "(round(mean[kh in 0..KH, kw in 0..KW](f32(" + read + "))))";
  test::KernelText kernel;
  kernel.text =
      "kernel pool(src: " + bench.element + "[N, " + at("C", "IH, IW") +
      "] outside skip on (IH, IW), sh: int = 1, sw: int = 1, ph: int = 0, pw: int = 0,\n"
      "            dh: int = 1, dw: int = 1, KH: int = 1, KW: int = 1, OH: int = 1, OW: int = 1)\n    -> dst: " +
      bench.element + "[N, " + at("C", "OH, OW") + "]\n{\n  dst[n, " + at("c", "oh, ow") + "] = " + value + ";\n}\n";
  kernel.values["N"] = bench.shape.batch;
  kernel.values["C"] = bench.shape.ic;
  bind_axis(kernel, bench.shape.h(), "H", "h");
  bind_axis(kernel, bench.shape.w(), "W", "w");
  return kernel;
}

} // namespace

test::KernelText kernel_text(const BenchCase &bench) {
  return bench.op == Op::kConv ? test::conv_text(bench.shape, bench.layout) : pool_text(bench);
}

std::string summary(const BenchCase &bench) {
  const ConvolutionShape &s = bench.shape;
  std::string text = std::to_string(s.h().in) + "x" + std::to_string(s.w().in) + "x" + std::to_string(s.ic);
  if (bench.op == Op::kConv && s.groups == 1) text += ">" + std::to_string(s.oc);
  text += " k" + std::to_string(s.h().kernel) + "x" + std::to_string(s.w().kernel);
  if (s.h().stride > 1 || s.w().stride > 1) text += " s" + std::to_string(s.h().stride);
  if (s.h().dilation > 1) text += " d" + std::to_string(s.h().dilation);
  if (s.batch > 1) text += " n" + std::to_string(s.batch);
  return text;
}

int64_t operations(const BenchCase &bench) {
  if (bench.op == Op::kConv) return nominal_flops(bench.shape);
  const ConvolutionShape &s = bench.shape;
  return s.batch * s.ic * s.h().out * s.w().out * s.h().kernel * s.w().kernel;
}

} // namespace sparkle::bench
