#include "tests/fuzz/random_values.h"

#include <algorithm>
#include <cmath>

namespace sparkle::test {
namespace {

using Names = std::vector<std::string>;

constexpr double kMostInput = 4; ///< TensorSet::make: -2 to 2, or 0 to 4.
constexpr int kExactBits = 22;   ///< Of 24; sums of a few such values stay exact.

const Names &storage_types() {
  static const Names kTypes = {"f32", "f16", "bf16", "i8", "u8", "i32"};
  return kTypes;
}

std::string joined(const Names &names) {
  std::string text;
  for (const std::string &name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

int64_t random_extent(Random &random) {
  static const std::vector<int64_t> kAroundLanes = {1, 4, 7, 8, 9, 15, 16, 17, 33};
  return random.chance(1, 3) ? random.pick(kAroundLanes) : random.in(2, 12);
}

/// An expression of type f32.
struct Value {
  std::string text;
  double most = kMostInput; ///< No value is greater, without its sign.
  int bits = 0;             ///< Behind the point.
  bool exact = true;        ///< No function, no division.
};

bool fits(const Value &value) { return std::log2(value.most + 1) + value.bits <= kExactBits; }

Value bounded(const Value &value) { return {"clamp(" + value.text + ", -3, 5)", 5, value.bits, value.exact}; }

/// Rounded to whole numbers first where it could not be kept.
Value kept(const Value &value) {
  if (fits(value)) return value;
  return {"clamp(round(" + value.text + "), -3, 5)", 5, 0, value.exact};
}

Value combined(const std::string &text, const Value &a, const Value &b, double most) {
  return {text, most, std::max(a.bits, b.bits), a.exact && b.exact};
}

/// Functions are given what they have a moderate slope on: errors grow, but stay small beside the bound.
Value function_of(Random &random, const Value &value) {
  const Value a = bounded(value);
  const std::string abs = "abs(" + a.text + ")";
  switch (random.in(0, 7)) {
  case 0: return {"exp(" + a.text + ")", 150, 0, false};
  case 1: return {"log(" + abs + " + 1)", 3, 0, false};
  case 2: return {"sqrt(" + abs + " + 1)", 3, 0, false};
  case 3: return {"rsqrt(" + abs + " + 1)", 1, 0, false};
  case 4: return {"tanh(" + a.text + ")", 1, 0, false};
  case 5: return {"sigmoid(" + a.text + ")", 1, 0, false};
  case 6: return {"erf(" + a.text + ")", 1, 0, false};
  default: return {"(" + a.text + ") / (" + abs + " + 2)", 1, 0, false};
  }
}

/// What jumps is asked of exact values alone: an error before a jump could be of any size behind it.
Value jump_of(Random &random, const Value &a, const Value &b) {
  if (!a.exact || !b.exact) return {"(" + a.text + ") * 0.5", a.most, a.bits + 1, a.exact};
  if (random.chance(1, 2))
    return combined("select(" + a.text + " < " + b.text + ", " + a.text + ", 2 * (" + b.text + "))", a, b,
                    std::max(a.most, 2 * b.most));
  return {random.pick(Names{"floor", "ceil", "round", "trunc"}) + "((" + a.text + ") * 0.25)", a.most, 0, true};
}

Value narrowed(Random &random, const Value &a) {
  return {"f32(" + random.pick(Names{"f16", "bf16"}) + "(" + a.text + "))", a.most * 1.01, a.bits, a.exact};
}

Value random_operation(Random &random, const Value &a, const Value &b) {
  switch (random.in(0, 8)) {
  case 0: return combined("(" + a.text + " + " + b.text + ")", a, b, a.most + b.most);
  case 1: return combined("(" + a.text + " - (" + b.text + "))", a, b, a.most + b.most);
  case 2: return {"(" + a.text + ") * (" + b.text + ")", a.most * b.most, a.bits + b.bits, a.exact && b.exact};
  case 3: return combined("max(" + a.text + ", " + b.text + ")", a, b, std::max(a.most, b.most));
  case 4: return combined("min(" + a.text + ", " + b.text + ")", a, b, std::max(a.most, b.most));
  case 5: return bounded(a);
  case 6: return a.exact ? narrowed(random, a) : bounded(a);
  case 7: return function_of(random, a);
  default: return jump_of(random, a, b);
  }
}

/// `value` as an element of `elem`, with the cast that the language asks for.
std::string stored(const std::string &elem, const Value &value) {
  if (elem == "f32") return value.text;
  if (elem == "f16" || elem == "bf16") return elem + "(" + value.text + ")";
  return elem + "(round(8 * (" + value.text + ")))"; // Some saturate.
}

/// Collects the parts of a kernel.
class Writer {
public:
  explicit Writer(Random &random) : random_(random) {}

  int64_t dimension(const std::string &name, int64_t extent) { return kernel_.values[name] = extent; }
  /// `elem` empty: any.
  std::string input(const std::string &name, const std::string &shape, std::string elem = "", bool may_be_const = true,
                    const std::string &rule = "") {
    if (elem.empty()) elem = random_.pick(storage_types());
    const std::string mark = may_be_const && random_.chance(1, 3) ? "const " : "";
    parameters_ += (parameters_.empty() ? "" : ", ") + mark + name + ": " + elem + "[" + shape + "]" + rule;
    return elem;
  }
  void scalar(const std::string &name, const std::string &elem) { parameters_ += ", " + name + ": " + elem; }
  void line(const std::string &text) { body_ += "  " + text + ";\n"; }
  void result(const std::string &name, const std::string &shape, const std::string &indices, const Value &value,
              std::string elem = "") {
    if (elem.empty()) elem = random_.pick(storage_types());
    line_of_result(name, elem + "[" + shape + "]", name + "[" + indices + "] = " + stored(elem, value));
  }
  void line_of_result(const std::string &name, const std::string &type, const std::string &definition) {
    outputs_ += (outputs_.empty() ? "" : ", ") + name + ": " + type;
    line(definition);
  }
  KernelText done(const std::string &name) {
    kernel_.text = "kernel " + name + "(" + parameters_ + ") -> " + outputs_ + "\n{\n" + body_ + "}\n";
    return std::move(kernel_);
  }

private:
  Random &random_;
  KernelText kernel_;
  std::string parameters_, outputs_, body_;
};

/// Definitions over inputs and over each other, two results.
KernelText random_definitions(Random &random) {
  Writer writer(random);
  const int64_t rank = random.in(1, 3);
  Names index = {"h", "w", "c"}, shape = {"H", "W", "C"};
  index.erase(index.begin(), index.end() - rank);
  shape.erase(shape.begin(), shape.end() - rank);
  for (const std::string &name : shape) writer.dimension(name, random_extent(random));
  Names ranges; // A value of one row alone does not say how many rows there are.
  for (size_t i = 0; i < index.size(); ++i) ranges.push_back(index[i] + " in 0.." + shape[i]);
  std::vector<Value> values;
  for (int64_t i = 0, count = random.in(1, 3); i < count; ++i) {
    const std::string name = "x" + std::to_string(i);
    const bool is_row = i > 0 && random.chance(1, 3);
    writer.input(name, is_row ? "C" : joined(shape), "", is_row);
    values.push_back({"f32(" + name + "[" + (is_row ? "c" : joined(index)) + "])"});
  }
  for (int64_t i = 0, count = random.in(2, 5); i < count; ++i) {
    const std::string name = "v" + std::to_string(i), at = name + "[" + joined(index) + "]";
    Value value = kept(random_operation(random, random.pick(values), random.pick(values)));
    writer.line("let " + name + "[" + joined(ranges) + "] = " + value.text);
    value.text = at;
    values.push_back(value);
  }
  writer.result("p", joined(shape), joined(index), values.back());
  writer.result("q", joined(shape), joined(index), random.pick(values));
  return writer.done("definitions");
}

/// Softmax, layer norm and their like.
KernelText random_rows(Random &random) {
  Writer writer(random);
  writer.dimension("N", random_extent(random));
  writer.dimension("C", random_extent(random));
  writer.input("x", "N, C", "", false);
  const std::string x = "f32(x[n, c])", element = "[n, c] = ", row = "[n] = ";
  Value value{"e[n, c] / z[n]", 1, 0, false};
  switch (random.in(0, 3)) {
  case 0:
    writer.line("let m" + row + "max[c](" + x + ")");
    writer.line("let e" + element + "exp(" + x + " - m[n])");
    writer.line("let z" + row + "sum[c](e[n, c])");
    break;
  case 1:
    writer.line("let m" + row + "mean[c](" + x + ")");
    writer.line("let e" + element + x + " - m[n]");
    writer.line("let v" + row + "mean[c](e[n, c]*e[n, c])");
    value = {"e[n, c] * rsqrt(v[n] + 0.5)", 8, 0, false};
    break;
  case 2:
    writer.line("let e" + element + "exp(" + x + ")");
    writer.line("let z" + row + "log(sum[c](e[n, c]))");
    value = {x + " - z[n]", 16, 0, false};
    break;
  default: writer.line("let z" + row + "sqrt(sum[c](" + x + " * " + x + ") + 1)"); value = {x + " / z[n]", 4, 0, false};
  }
  if (random.chance(1, 2)) {
    writer.input("gamma", "C");
    value = {"(" + value.text + ") * f32(gamma[c])", 4 * value.most, 0, false};
  }
  writer.result("y", "N, C", "n, c", value);
  return writer.done("rows");
}

/// Windows over elements of any type; the greatest and the least keep it.
KernelText random_pools(Random &random) {
  Writer writer(random);
  const int64_t pad = random.in(0, 2), stride = random.in(1, 2), size = random.in(1, 3) + pad;
  writer.dimension("C", random_extent(random));
  const int64_t in = writer.dimension("X", size + random.in(0, 9));
  writer.dimension("OX", (in + 2 * pad - size) / stride + 1);
  const bool last = random.chance(1, 2);
  const std::string elem =
      writer.input("src", last ? "X, C" : "C, X", "", false, pad > 0 ? " outside skip on (X)" : "");
  const std::string at = "x*" + std::to_string(stride) + " + k - " + std::to_string(pad);
  const std::string read = "src[" + (last ? at + ", c" : "c, " + at) + "]";
  const std::string over = "[k in 0.." + std::to_string(size) + "]", shape = last ? "OX, C" : "C, OX";
  const std::string index = last ? "x, c" : "c, x";
  const std::string reduction = random.pick(Names{"max", "min"});
  // Every window has an element inside, so that no greatest of nothing comes up.
  writer.line("let g[" + index + "] = f32(" + reduction + over + "(" + read + "))");
  const bool is_mean = random.chance(1, 2);
  const std::string sum = (is_mean ? "mean" : "sum") + over + "(f32(" + read + "))";
  writer.result("a", shape, index, {sum, kMostInput * static_cast<double>(size), 0, !is_mean});
  writer.result("b", shape, index, kept(random_operation(random, {"g[" + index + "]"}, {"g[" + index + "]"})));
  if (random.chance(1, 2)) writer.result("t", shape, index, {"g[" + index + "]"}, elem);
  return writer.done("pools");
}

/// Products of bytes: whole sums, scaled, rounded, moved and saturated.
KernelText random_quantised(Random &random) {
  Writer writer(random);
  const Names bytes = {"i8", "u8"};
  const int64_t taps = random.in(1, 3);
  writer.dimension("X", random_extent(random));
  writer.dimension("I", random_extent(random));
  writer.dimension("O", random_extent(random));
  writer.dimension("K", taps);
  const std::string rule = random.pick(Names{"zp", "0", "clamp", "skip"});
  writer.input("src", "X, I", "u8", false, " outside " + rule + " on (X)");
  const bool out_last = random.chance(1, 2);
  writer.input("wei", out_last ? "K, I, O" : "O, K, I", random.pick(bytes));
  writer.input("bias", "O", "i32");
  writer.input("scale", "O", random.pick(Names{"f32", "f16", "bf16"}));
  writer.scalar("zp", "u8");
  writer.line("let acc[x, o] = sum[k, i]((src[x + k - 1, i] - zp) * wei[" +
              std::string(out_last ? "k, i, o" : "o, k, i") + "]) + bias[o]");
  const std::string elem = random.pick(Names{"u8", "i8", "i32"});
  writer.result("raw", "X, O", "x, o", {"f32(acc[x, o])", 1e6, 0, true}, "f32");
  writer.line_of_result("dst", elem + "[X, O]",
                        "dst[x, o] = " + elem + "(round(f32(acc[x, o]) * scale[o] * 0.125) + f32(zp))");
  return writer.done("quantised");
}

/// Two layers with an intermediate of 16 bits.
KernelText random_halves(Random &random) {
  Writer writer(random);
  const Names halves = {"f16", "bf16"};
  const int64_t taps = random.in(1, 3);
  writer.dimension("X", random_extent(random));
  writer.dimension("I", random_extent(random));
  writer.dimension("D", random.in(1, 9));
  writer.dimension("O", random_extent(random));
  writer.dimension("K", taps);
  writer.input("src", "X, I", random.pick(halves), false, " outside skip on (X)");
  writer.input("w1", "K, I, D", random.pick(halves));
  writer.input("w2", "D, O", random.pick(halves));
  const std::string elem = random.pick(halves);
  writer.line("let mid[x, d] = " + elem + "(max(sum[k, i](src[x + k - 1, i] * w1[k, i, d]), 0))");
  writer.result("dst", "X, O", "x, o", {"sum[d](mid[x, d] * w2[d, o])", 1e4, 0, true},
                random.pick(Names{"f32", "f16", "bf16"}));
  return writer.done("halves");
}

} // namespace

KernelText random_values(Random &random) {
  using Maker = KernelText (*)(Random &);
  static const std::vector<Maker> kMakers = {random_definitions, random_definitions, random_rows,
                                             random_pools,       random_quantised,   random_halves};
  return random.pick(kMakers)(random);
}

} // namespace sparkle::test
