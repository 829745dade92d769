#include "tests/fuzz/random_kernel.h"

#include <algorithm>

namespace sparkle::test {
namespace {

using Names = std::vector<std::string>;

std::string joined(const Names &names, const std::string &between = ", ") {
  std::string text;
  for (const std::string &name : names) text += (text.empty() ? "" : between) + name;
  return text;
}

std::string upper(std::string name) {
  for (char &c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}
Names upper(Names names) {
  for (std::string &name : names) name = upper(name);
  return names;
}

/// Often small, sometimes one, sometimes around multiples of lanes.
int64_t random_extent(Random &random, int64_t most) {
  static const std::vector<int64_t> kAroundLanes = {4, 7, 8, 9, 15, 16, 17, 31, 32, 33};
  const int64_t extent = random.chance(1, 8) ? 1 : random.chance(1, 3) ? random.pick(kAroundLanes) : random.in(2, 12);
  return std::min(extent, most);
}

std::string random_rule(Random &random, bool in_reduction) {
  static const Names kEverywhere = {"0", "clamp", "mirror", "reflect", "wrap", "2"};
  if (in_reduction && random.chance(1, 3)) return "skip";
  return random.pick(kEverywhere);
}

/// What follows the reduction: bias, scale, residual, bounds. Adds the parameters that it reads.
class Epilogue {
public:
  Epilogue(Random &random, std::string elem, Names out, std::string channel)
      : random_(random), elem_(std::move(elem)), out_(std::move(out)), channel_(std::move(channel)) {}

  /// `value` with random operations around it.
  std::string around(std::string value) {
    if (random_.chance(1, 2)) value += " + bias[" + parameter("bias", {channel_}, true) + "]";
    if (random_.chance(1, 4)) value = "(" + value + ") * scale[" + parameter("scale", {channel_}, true) + "]";
    if (random_.chance(1, 4)) value += " + res[" + parameter("res", out_, false) + "]";
    if (elem_ == "f32" && random_.chance(1, 6)) value = "(" + value + ") * 0.5";
    if (elem_ == "i32" && random_.chance(1, 6)) value = "(" + value + ") / 3 + (" + value + ") % 5";
    if (random_.chance(1, 6)) {
      parameters_ += ", gain: " + elem_;
      value = "(" + value + ") * gain";
    }
    if (random_.chance(1, 2))
      value = "max(" + value + ", 0)";
    else if (random_.chance(1, 4))
      value = "clamp(" + value + ", -7, 9)";
    return value;
  }
  const std::string &parameters() const { return parameters_; }

private:
  std::string parameter(const std::string &name, const Names &indices, bool may_be_const) {
    const std::string mark = may_be_const && random_.chance(2, 3) ? "const " : "";
    parameters_ += ", " + mark + name + ": " + elem_ + "[" + joined(upper(indices)) + "]";
    return joined(indices);
  }

  Random &random_;
  std::string elem_;
  Names out_;
  std::string channel_;
  std::string parameters_;
};

std::string random_elem(Random &random) { return random.chance(2, 3) ? "f32" : "i32"; }

/// `dst[...] = value;`, through a `let` in half of the cases.
std::string definitions(Random &random, const Names &out, const std::string &sum, Epilogue &epilogue) {
  const std::string at = "[" + joined(out) + "]";
  if (random.chance(1, 2)) return "  dst" + at + " = " + epilogue.around(sum) + ";\n";
  return "  let acc" + at + " = " + sum + ";\n  dst" + at + " = " + epilogue.around("acc" + at) + ";\n";
}

/// One spatial axis of a window: its numbers, bound to names made of `upper` and `lower`.
struct Window {
  std::string subscript;
  bool leaves = false; ///< Reads can lie outside.
};

Window random_window(Random &random, KernelText &kernel, const std::string &axis) {
  const std::string up = upper(axis);
  int64_t taps = random.in(1, 4), stride = random.chance(1, 3) ? random.in(2, 3) : 1;
  int64_t dilation = random.chance(1, 4) ? 2 : 1, pad = random.chance(1, 3) ? 0 : random.in(1, taps + 1);
  const int64_t reach = (taps - 1) * dilation;
  const int64_t in = random.in(1, 10);
  int64_t out = (in + 2 * pad - reach - 1 + stride * 64) / stride - 64 + 1;
  if (out < 1) { // Too small for the window: pad behind and before.
    pad = reach;
    out = (in + 2 * pad - reach - 1) / stride + 1;
  }
  if (pad > 0 && random.chance(1, 4)) ++out; // More padding behind than before.
  kernel.values["I" + up] = in;
  kernel.values["O" + up] = out;
  kernel.values["K" + up] = taps;
  std::string text = "o" + axis + (stride > 1 ? "*" + std::to_string(stride) : "") + " + k" + axis +
                     (dilation > 1 ? "*" + std::to_string(dilation) : "");
  if (pad > 0) text += " - " + std::to_string(pad);
  const int64_t last = (out - 1) * stride + reach - pad;
  return {text, pad > 0 || last >= in};
}

/// ` outside skip on (IH, IW)`, or a rule for each; empty where nothing leaves.
std::string outside(Random &random, const std::vector<std::pair<std::string, bool>> &dims, bool in_reduction) {
  Names leaving;
  for (const auto &[name, leaves] : dims)
    if (leaves) leaving.push_back(name);
  if (leaving.empty()) return "";
  const std::string rule = random_rule(random, in_reduction);
  const bool is_value = rule == "0" || rule == "2";
  if (leaving.size() == 1 || is_value || random.chance(1, 2))
    return " outside " + rule + " on (" + joined(leaving) + ")";
  const std::string other = random.pick(Names{"clamp", "mirror", "reflect", "wrap"});
  return " outside " + rule + " on (" + leaving[0] + ") outside " + other + " on (" + leaving[1] + ")";
}

Names in_random_order(Random &random, Names names) {
  if (random.chance(1, 2)) random.shuffle(names);
  return names;
}

KernelText random_convolution(Random &random) {
  KernelText kernel;
  const std::string elem = random_elem(random);
  const int64_t kind = random.in(0, 3); // 0, 1: dense, 2: grouped, 3: depthwise
  kernel.values["N"] = random.in(1, 2);
  kernel.values["OC"] = random_extent(random, kind == 2 ? 9 : 33);
  if (kind != 3) kernel.values["IC"] = random_extent(random, kind == 2 ? 5 : 12);
  if (kind == 2) kernel.values["G"] = random.in(1, 3);
  const Window h = random_window(random, kernel, "h"), w = random_window(random, kernel, "w");
  const bool last = random.chance(2, 3);
  const Names group = kind == 2 ? Names{"g"} : Names{};
  const auto image = [&](const Names &channels, const Names &pixels) {
    Names all = {"n"};
    const Names &first = last ? pixels : channels, &second = last ? channels : pixels;
    all.insert(all.end(), first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    return all;
  };
  Names in = group, out = group, wei = group;
  in.push_back(kind == 3 ? "oc" : "ic");
  out.push_back("oc");
  wei.insert(wei.end(), {"kh", "kw", "oc"});
  if (kind != 3) wei.push_back("ic");
  wei = in_random_order(random, wei);
  Names axes = kind == 3 ? Names{"kh", "kw"} : Names{"kh", "kw", "ic"};
  axes = in_random_order(random, axes);
  const Names results = image(out, {"oh", "ow"});
  Epilogue epilogue(random, elem, results, "oc");
  const std::string sum = "sum[" + joined(axes) + "](src[" + joined(image(in, {h.subscript, w.subscript})) +
                          "] * wei[" + joined(wei) + "])";
  const std::string body = definitions(random, results, sum, epilogue);
  kernel.text = "kernel conv(src: " + elem + "[" + joined(upper(image(in, {"ih", "iw"}))) + "]" +
                outside(random, {{"IH", h.leaves}, {"IW", w.leaves}}, true) + ", " +
                (random.chance(2, 3) ? "const " : "") + "wei: " + elem + "[" + joined(upper(wei)) + "]" +
                epilogue.parameters() + ") -> dst: " + elem + "[" + joined(upper(results)) + "]\n{\n" + body + "}\n";
  return kernel;
}

KernelText random_matrix_product(Random &random) {
  KernelText kernel;
  const std::string elem = random_elem(random);
  const bool batched = random.chance(1, 3), in_place = random.chance(1, 4);
  kernel.values["M"] = random_extent(random, 33);
  kernel.values["N"] = random_extent(random, 40);
  kernel.values["K"] = random_extent(random, 33);
  if (batched) kernel.values["Z"] = random.in(1, 3);
  const auto with_batch = [&](Names names) {
    if (batched) names.insert(names.begin(), "z");
    return names;
  };
  Names a = {"m", "k"}, b = {"k", "n"};
  if (random.chance(1, 3)) a = {"k", "m"};
  if (random.chance(1, 3)) b = {"n", "k"};
  a = with_batch(a);
  if (random.chance(1, 2)) b = with_batch(b);
  const Names out = with_batch({"m", "n"});
  Epilogue epilogue(random, elem, out, random.chance(2, 3) ? "n" : "m");
  const std::string sum = "sum[k](a[" + joined(a) + "] * b[" + joined(b) + "])";
  std::string body, results = ") -> dst: " + elem + "[" + joined(upper(out)) + "]";
  if (in_place) {
    body = "  dst[" + joined(out) + "] += " + epilogue.around(sum) + ";\n";
    results = ", inout dst: " + elem + "[" + joined(upper(out)) + "])";
  } else {
    body = definitions(random, out, sum, epilogue);
  }
  kernel.text = "kernel product(a: " + elem + "[" + joined(upper(a)) + "], " + (random.chance(1, 2) ? "const " : "") +
                "b: " + elem + "[" + joined(upper(b)) + "]" + epilogue.parameters() + results + "\n{\n" + body + "}\n";
  return kernel;
}

KernelText random_pooling(Random &random) {
  KernelText kernel;
  const std::string elem = random_elem(random);
  kernel.values["N"] = random.in(1, 2);
  kernel.values["C"] = random_extent(random, 20);
  const Window h = random_window(random, kernel, "h"), w = random_window(random, kernel, "w");
  const bool last = random.chance(1, 2);
  const Names out = last ? Names{"n", "oh", "ow", "c"} : Names{"n", "c", "oh", "ow"};
  const Names in = last ? Names{"n", h.subscript, w.subscript, "c"} : Names{"n", "c", h.subscript, w.subscript};
  const std::string op = random.pick(Names{"max", "min", "sum"});
  // What the greatest of no terms is, is an infinity: further arithmetic on it would not be exact.
  std::string window = op + "[kh in 0..KH, kw in 0..KW](src[" + joined(in) + "])";
  if (op != "sum" && elem == "f32") window = "clamp(" + window + ", -100, 100)";
  Epilogue epilogue(random, elem, out, "c");
  const std::string body = definitions(random, out, window, epilogue);
  std::string shape = joined(last ? Names{"N", "IH", "IW", "C"} : Names{"N", "C", "IH", "IW"});
  kernel.text = "kernel pool(src: " + elem + "[" + shape + "]" +
                outside(random, {{"IH", h.leaves}, {"IW", w.leaves}}, true) + epilogue.parameters() +
                ", KH: int, KW: int) -> dst: " + elem + "[" + joined(upper(out)) + "]\n{\n" + body + "}\n";
  return kernel;
}

/// A first stencil, computed further or bounded, and a second one over it.
KernelText random_stencil(Random &random) {
  KernelText kernel;
  const std::string elem = random_elem(random);
  kernel.values["H"] = random_extent(random, 17);
  kernel.values["W"] = random_extent(random, 33);
  const auto offset = [&] { return std::to_string(random.in(0, 3)); };
  const std::string rule = random_rule(random, false), other = random.pick(Names{"clamp", "mirror", "reflect", "wrap"});
  const bool is_value = rule == "0" || rule == "2";
  const std::string rules = is_value || random.chance(1, 2)
                                ? " outside " + rule
                                : " outside " + rule + " on (H) outside " + other + " on (W)";
  const std::string taps = random.chance(1, 2)
                               ? "sum[i, j](k[i, j] * src[y + i - " + offset() + ", x + j*2 - " + offset() + "])"
                               : "src[y - " + offset() + ", x] + 2 * src[y, x + " + offset() + "]";
  std::string body;
  if (random.chance(1, 3)) {
    body = "  dst[y, x] = " + taps + ";\n";
  } else {
    const bool further = random.chance(1, 2);
    const std::string middle =
        further ? "  let a[y in .., x in ..] = " : "  let a[y in 0..H, x in 0..W] outside " + rule + " = ";
    body = middle + taps + ";\n  dst[y, x] = a[y, x - " + offset() + "] - a[y + " + offset() + ", x];\n";
  }
  kernel.text = "const k: " + elem + "[3, 2] = [[1, -2], [0, 3], [2, 1]];\nkernel stencil(src: " + elem + "[H, W]" +
                rules + ") -> dst: " + elem + "[H, W]\n{\n" + body + "}\n";
  return kernel;
}

/// Definitions over definitions: row statistics, then values that use them.
KernelText random_chain(Random &random) {
  KernelText kernel;
  const std::string elem = random_elem(random);
  kernel.values["N"] = random_extent(random, 9);
  kernel.values["C"] = random_extent(random, 33);
  Epilogue epilogue(random, elem, {"n", "c"}, "c");
  std::string body = "  let m[n] = " + random.pick(Names{"max", "min", "sum"}) + "[c](x[n, c]);\n";
  body += "  let e[n, c] = x[n, c] - m[n];\n";
  body +=
      "  let z[n] = sum[c" + std::string(random.chance(1, 3) ? " where x[n, c] > 0" : "") + "](e[n, c] * e[n, c]);\n";
  body += "  dst[n, c] = " + epilogue.around("select(e[n, c] < 0, z[n] - e[n, c], e[n, c])") + ";\n";
  kernel.text =
      "kernel chain(x: " + elem + "[N, C]" + epilogue.parameters() + ") -> dst: " + elem + "[N, C]\n{\n" + body + "}\n";
  return kernel;
}

/// A convolution of one row over a convolution, zero beyond the first one's edge.
KernelText random_two_layers(Random &random) {
  KernelText kernel;
  const std::string elem = random_elem(random);
  kernel.values["W"] = random_extent(random, 17);
  kernel.values["C"] = random_extent(random, 5);
  kernel.values["D"] = random_extent(random, 9);
  kernel.values["E"] = random_extent(random, 17);
  kernel.values["K"] = random.in(1, 3);
  const std::string type = elem + "[";
  kernel.text = "kernel layers(src: " + type + "W, C] outside " + random_rule(random, true) +
                " on (W), const w1: " + type + "K, C, D], const w2: " + type + "3, D, E]) -> dst: " + type +
                "W, E]\n{\n" + "  let mid[x in 0..W, d in 0..D] outside " + random_rule(random, true) +
                " on (x) = max(sum[k, c](src[x + k - 1, c] * w1[k, c, d]), 0);\n" +
                "  dst[x, e] = sum[k in 0..3, d](mid[x + k - 1, d] * w2[k, d, e]);\n}\n";
  return kernel;
}

} // namespace

KernelText random_kernel(Random &random) {
  using Maker = KernelText (*)(Random &);
  static const std::vector<Maker> kMakers = {random_convolution,    random_convolution,    random_convolution,
                                             random_matrix_product, random_matrix_product, random_pooling,
                                             random_stencil,        random_chain,          random_two_layers};
  return random.pick(kMakers)(random);
}

} // namespace sparkle::test
