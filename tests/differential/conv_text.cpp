#include "tests/differential/conv_text.h"

namespace sparkle::test {
namespace {

/// How channels are written: in the shapes and subscripts of images and weights.
struct Channels {
  std::string in, out, weights;               ///< Shapes.
  std::string in_index, out_index, wei_index; ///< Subscripts.
  std::string axes;                           ///< Axes of the reduction beside the taps.
};

Channels channels_of(const ConvolutionShape &shape) {
  if (shape.groups == 1) return {"IC", "OC", "IC, OC", "ic", "oc", "ic, oc", ", ic"};
  if (shape.ic == shape.groups) return {"IC", "OC", "OC", "oc/M", "oc", "oc", ""};
  return {"G, IC", "G, OC", "G, IC, OC", "g, ic", "g, oc", "g, ic, oc", ", ic"};
}

std::string image(ImageLayout layout, const std::string &channels, const std::string &pixels) {
  return layout == ImageLayout::kChannelsLast ? pixels + ", " + channels : channels + ", " + pixels;
}

void bind_axis(KernelText &kernel, const SpatialShape &axis, const char *upper, const char *lower) {
  kernel.values[std::string("I") + upper] = axis.in;
  kernel.values[std::string("O") + upper] = axis.out;
  kernel.values[std::string("K") + upper] = axis.kernel;
  kernel.values[std::string("s") + lower] = axis.stride;
  kernel.values[std::string("p") + lower] = axis.pad;
  kernel.values[std::string("d") + lower] = axis.dilation;
}

} // namespace

KernelText conv_text(const ConvolutionShape &shape, ImageLayout layout) {
  const Channels c = channels_of(shape);
  const bool is_depthwise = c.axes.empty(), has_groups = !is_depthwise && shape.groups > 1;
  KernelText kernel;
  kernel.text = "kernel conv2d(src: f32[N, " + image(layout, c.in, "IH, IW") +
                "] outside skip on (IH, IW), const wei: f32[KH, KW, " + c.weights + "], const bias: f32[" + c.out +
                "],\n    sh: int = 1, sw: int = 1, ph: int = 0, pw: int = 0, dh: int = 1, dw: int = 1" +
                (is_depthwise ? ", M: int = 1" : "") + ")\n    -> dst: f32[N, " + image(layout, c.out, "OH, OW") +
                "]\n{\n  let acc[n, " + image(layout, c.out_index, "oh, ow") + "] = sum[kh, kw" + c.axes + "](src[n, " +
                image(layout, c.in_index, "oh*sh + kh*dh - ph, ow*sw + kw*dw - pw") + "] * wei[kh, kw, " + c.wei_index +
                "]);\n  dst[n, " + image(layout, c.out_index, "oh, ow") + "] = max(acc[n, " +
                image(layout, c.out_index, "oh, ow") + "] + bias[" + c.out_index + "], 0);\n}\n";
  kernel.values["N"] = shape.batch;
  kernel.values["IC"] = has_groups ? shape.ic / shape.groups : shape.ic;
  kernel.values["OC"] = has_groups ? shape.oc / shape.groups : shape.oc;
  if (has_groups) kernel.values["G"] = shape.groups;
  if (is_depthwise) kernel.values["M"] = shape.oc / shape.groups;
  bind_axis(kernel, shape.h(), "H", "h");
  bind_axis(kernel, shape.w(), "W", "w");
  return kernel;
}

} // namespace sparkle::test
