#include "tools/bench/conv_text.h"

#include <vector>

namespace sparkle::bench {
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

/// Spatial axes, as names in lower case: those that the shape has.
std::vector<std::string> axes_of(const ConvolutionShape &shape) {
  const std::vector<std::string> all = {"d", "h", "w"};
  return {all.end() - shape.rank, all.end()};
}

std::string upper(const std::string &axis) { return std::string(1, static_cast<char>(axis[0] - 'a' + 'A')); }

/// For each axis `write(axis)`, with commas between.
template <class Write> std::string joined(const std::vector<std::string> &axes, Write write) {
  std::string text;
  for (const std::string &axis : axes) text += (text.empty() ? "" : ", ") + write(axis);
  return text;
}

/// All pixels of a window: `kh, kw`, and so on for another first letter.
std::string lower_list(const std::vector<std::string> &axes, const std::string &letter) {
  return joined(axes, [&](const std::string &axis) { return letter + axis; });
}
std::string upper_list(const std::vector<std::string> &axes, const std::string &letter) {
  return joined(axes, [&](const std::string &axis) { return letter + upper(axis); });
}

std::string image(ImageLayout layout, const std::string &channels, const std::string &pixels) {
  return layout == ImageLayout::kChannelsLast ? pixels + ", " + channels : channels + ", " + pixels;
}

/// `sh: int = 1, ...`: stride, padding and dilation of each axis.
std::string parameters_of(const std::vector<std::string> &axes) {
  const auto with = [&](const std::string &letter, const std::string &value) {
    return joined(axes, [&](const std::string &axis) { return letter + axis + ": int = " + value; });
  };
  return with("s", "1") + ", " + with("p", "0") + ", " + with("d", "1");
}

void bind_axis(CaseText &kernel, const SpatialShape &shape, const std::string &axis) {
  kernel.values["I" + upper(axis)] = shape.in;
  kernel.values["O" + upper(axis)] = shape.out;
  kernel.values["K" + upper(axis)] = shape.kernel;
  kernel.values["s" + axis] = shape.stride;
  kernel.values["p" + axis] = shape.pad;
  kernel.values["d" + axis] = shape.dilation;
}

std::string text_of(const ConvolutionShape &shape, ImageLayout layout, const Channels &c) {
  const std::vector<std::string> axes = axes_of(shape);
  const std::string in = upper_list(axes, "I"), taps = upper_list(axes, "K");
  const std::string result = "[n, " + image(layout, c.out_index, lower_list(axes, "o")) + "]";
  const std::string read =
      joined(axes, [](const std::string &x) { return "o" + x + "*s" + x + " + k" + x + "*d" + x + " - p" + x; });
  return "kernel conv" + std::to_string(shape.rank) + "d(src: f32[N, " + image(layout, c.in, in) +
         "] outside skip on (" + in + "), const wei: f32[" + taps + ", " + c.weights + "], const bias: f32[" + c.out +
         "],\n    " + parameters_of(axes) + (c.axes.empty() ? ", M: int = 1" : "") + ")\n    -> dst: f32[N, " +
         image(layout, c.out, upper_list(axes, "O")) + "]\n{\n  let acc" + result + " = sum[" + lower_list(axes, "k") +
         c.axes + "](src[n, " + image(layout, c.in_index, read) + "] * wei[" + lower_list(axes, "k") + ", " +
         c.wei_index + "]);\n  dst" + result + " = max(acc" + result + " + bias[" + c.out_index + "], 0);\n}\n";
}

} // namespace

CaseText conv_text(const ConvolutionShape &shape, ImageLayout layout) {
  const Channels c = channels_of(shape);
  const bool is_depthwise = c.axes.empty(), has_groups = !is_depthwise && shape.groups > 1;
  CaseText kernel;
  kernel.text = text_of(shape, layout, c);
  kernel.values["N"] = shape.batch;
  kernel.values["IC"] = has_groups ? shape.ic / shape.groups : shape.ic;
  kernel.values["OC"] = has_groups ? shape.oc / shape.groups : shape.oc;
  if (has_groups) kernel.values["G"] = shape.groups;
  if (is_depthwise) kernel.values["M"] = shape.oc / shape.groups;
  const std::vector<std::string> axes = axes_of(shape);
  for (size_t i = 0; i < axes.size(); ++i) bind_axis(kernel, shape.spatial[3 - axes.size() + i], axes[i]);
  return kernel;
}

} // namespace sparkle::bench
