#include "tools/bench/bench_case.h"

#include <array>

namespace sparkle::bench {
namespace {

constexpr std::array<std::string_view, 3> kOps = {"conv", "maxpool", "avgpool"};
constexpr std::array<std::string_view, 2> kLayouts = {"nhwc", "nchw"};

/// Its place in `names`.
template <size_t kCount>
Result<size_t> place_of(std::string_view name, const std::array<std::string_view, kCount> &names) {
  for (size_t i = 0; i < kCount; ++i)
    if (names[i] == name) return i;
  return Error{ErrorCode::kInvalidInput,
               "`" + std::string(name) + "` is none of the operators and layouts of benchmarks"};
}

/// `value` of each spatial axis that the shape has, with `x` between.
std::string joined(const ConvolutionShape &shape, int64_t SpatialShape::*value) {
  std::string text;
  for (size_t at = 3 - static_cast<size_t>(shape.rank); at < 3; ++at)
    text += (text.empty() ? "" : "x") + std::to_string(shape.spatial[at].*value);
  return text;
}

int64_t product(const ConvolutionShape &shape, int64_t SpatialShape::*value) {
  int64_t result = 1;
  for (const SpatialShape &axis : shape.spatial) result *= axis.*value;
  return result;
}

void bind_axis(CaseText &kernel, const SpatialShape &axis, const std::string &upper, const std::string &lower) {
  kernel.values["I" + upper] = axis.in;
  kernel.values["O" + upper] = axis.out;
  kernel.values["K" + upper] = axis.kernel;
  kernel.values["s" + lower] = axis.stride;
  kernel.values["p" + lower] = axis.pad;
  kernel.values["d" + lower] = axis.dilation;
}

std::string image(ImageLayout layout, const std::string &channels, const std::string &pixels) {
  return layout == ImageLayout::kChannelsLast ? pixels + ", " + channels : channels + ", " + pixels;
}

CaseText pool_text(const BenchCase &bench) {
  const auto at = [&](const char *channels, const char *pixels) { return image(bench.layout, channels, pixels); };
  const std::string reduction = bench.op == Op::kMaxPool ? "max" : "mean";
  const std::string read = "src[n, " + at("c", "oh*sh + kh*dh - ph, ow*sw + kw*dw - pw") + "]";
  std::string value = reduction + "[kh in 0..KH, kw in 0..KW](" + read + ")";
  if (bench.op == Op::kAvgPool && bench.element != "f32")
    value = bench.element + "(round(mean[kh in 0..KH, kw in 0..KW](f32(" + read + "))))";
  CaseText kernel;
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

std::string_view name_of(Op op) { return kOps[static_cast<size_t>(op)]; }
std::string_view name_of(ImageLayout layout) { return kLayouts[static_cast<size_t>(layout)]; }

Result<Op> op_named(std::string_view name) {
  SPARKLE_TRY(const size_t place, place_of(name, kOps));
  return static_cast<Op>(place);
}

Result<ImageLayout> layout_named(std::string_view name) {
  SPARKLE_TRY(const size_t place, place_of(name, kLayouts));
  return static_cast<ImageLayout>(place);
}

CaseText kernel_text(const BenchCase &bench) {
  return bench.op == Op::kConv ? conv_text(bench.shape, bench.layout) : pool_text(bench);
}

std::string summary(const BenchCase &bench) {
  const ConvolutionShape &s = bench.shape;
  std::string text = joined(s, &SpatialShape::in) + "x" + std::to_string(s.ic);
  if (bench.op == Op::kConv && s.groups == 1) text += ">" + std::to_string(s.oc);
  if (bench.op == Op::kConv && s.groups > 1 && s.groups < s.ic) text += " g" + std::to_string(s.groups);
  text += " k" + joined(s, &SpatialShape::kernel);
  if (product(s, &SpatialShape::stride) > 1) text += " s" + std::to_string(s.w().stride);
  if (product(s, &SpatialShape::dilation) > 1) text += " d" + std::to_string(s.w().dilation);
  if (s.batch > 1) text += " n" + std::to_string(s.batch);
  return text;
}

int64_t operations(const BenchCase &bench) {
  if (bench.op == Op::kConv) return nominal_flops(bench.shape);
  return element_count(bench, "dst") * product(bench.shape, &SpatialShape::kernel);
}

int64_t element_count(const BenchCase &bench, std::string_view tensor) {
  const ConvolutionShape &s = bench.shape;
  if (tensor == "src") return s.batch * s.ic * product(s, &SpatialShape::in);
  if (tensor == "dst") return s.batch * (bench.op == Op::kConv ? s.oc : s.ic) * product(s, &SpatialShape::out);
  if (bench.op != Op::kConv) return 0;
  if (tensor == "wei") return s.ic / s.groups * s.oc * product(s, &SpatialShape::kernel);
  return tensor == "bias" ? s.oc : 0;
}

} // namespace sparkle::bench
