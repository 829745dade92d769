#include <cmath>
#include <limits>

#include "tests/conformance/conformance_case.h"

namespace sparkle::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

ConformanceCase reduction(std::string name, std::string elem, std::string text, int64_t terms) {
  ConformanceCase one;
  one.name = std::move(name);
  one.kernel.text = "kernel reduce(x: " + elem + "[N, C]) -> dst: " + elem + "[N]\n{\n  dst[n] = " + text + ";\n}\n";
  one.kernel.values = {{"N", 19}, {"C", terms}};
  one.schedules = {""};
  if (terms > 0) one.schedules.push_back("kernel dst { split n: group, lane 4 split c: serial, unrolled 3 }");
  return one;
}

void add_reductions(std::vector<ConformanceCase> &cases) {
  for (const std::string elem : {"f32", "i32"}) {
    const std::string kind = elem == "f32" ? "Reals" : "Integers";
    for (const std::string op : {"sum", "prod", "max", "min"}) {
      std::string title = op;
      title[0] = static_cast<char>(title[0] - 'a' + 'A');
      cases.push_back(reduction(title + "Of" + kind, elem, op + "[c](x[n, c])", 13));
      cases.push_back(reduction(title + "Filtered" + kind, elem, op + "[c where x[n, c] > 0 && c != 2](x[n, c])", 13));
      cases.push_back(reduction(title + "OfNo" + kind, elem, op + "[c](x[n, c])", 0));
    }
  }
  cases.push_back(reduction("MeanOfAPowerOfTwo", "f32", "mean[c](x[n, c])", 16));
  cases.push_back(reduction("SeveralReductions", "f32",
                            "sum[c](x[n, c]) * 2 - max[c](x[n, c]) + sum[k in 0..C](x[n, k] * x[n, k])", 9));
  cases.push_back(reduction("FilterByIndex", "i32", "sum[c where c <= n && (n + c) % 3 != 1](x[n, c])", 17));
  for (const std::string op : {"max", "min"}) {
    ConformanceCase nan = reduction(op == "max" ? "MaxIgnoresNan" : "MinIgnoresNan", "f32", op + "[c](x[n, c])", 7);
    nan.fill = [](TensorSet &set) {
      HostTensor &x = set.tensor("x");
      for (int64_t i = 0; i < x.element_count(); i += 3) x.set(i, kNan);
      for (int64_t i = 0; i < 7; ++i) x.set(i, kNan); // A row of nothing else.
    };
    cases.push_back(std::move(nan));
  }
}

void add_outside(std::vector<ConformanceCase> &cases) {
  const std::vector<std::pair<std::string, std::string>> rules = {
      {"Zero", "0"},          {"Five", "5"},    {"Clamp", "clamp"}, {"Mirror", "mirror"},
      {"Reflect", "reflect"}, {"Wrap", "wrap"}, {"Skip", "skip"}};
  for (const auto &[name, rule] : rules)
    for (int64_t extent : {1, 2, 11}) {
      ConformanceCase one;
      one.name = "Outside" + name + "Of" + std::to_string(extent);
      // Eight taps reach several extents beyond both ends.
      one.kernel.text = "kernel window(x: i32[W] outside " + rule +
                        ") -> dst: i32[O]\n{\n  dst[w] = sum[k in 0..8](x[w + 2*k - 9] * i32(k + 1));\n}\n";
      one.kernel.values = {{"W", extent}, {"O", extent + 6}};
      one.schedules = {"", "kernel dst { split w: group, lane 4 partition w k }"};
      cases.push_back(std::move(one));
    }
}

void add_tails(std::vector<ConformanceCase> &cases) {
  for (int64_t extent : {1, 3, 4, 5, 8, 15, 16, 17, 31, 33}) {
    ConformanceCase one;
    one.name = "TailOf" + std::to_string(extent);
    one.kernel.text =
        "kernel add(a: f32[M, N], b: f32[M, N]) -> dst: f32[M, N]\n{\n  dst[m, n] = a[m, n] + 2*b[m, n];\n}\n";
    one.kernel.values = {{"M", 3}, {"N", extent}};
    for (const char *lanes : {"2", "4", "8", "16"})
      one.schedules.push_back("kernel dst { split n: group, lane " + std::string(lanes) + " }");
    one.schedules.push_back("kernel dst { split n: group, lane 4 partition n }");
    one.schedules.push_back("kernel dst { fuse p = m n split p: group, lane 4 }");
    cases.push_back(std::move(one));
  }
}

void add_streaming(std::vector<ConformanceCase> &cases) {
  ConformanceCase one;
  one.name = "StreamingStore";
  one.kernel.text = "kernel copy(a: f32[M, N]) -> dst: f32[M, N]\n{\n  dst[m, n] = a[m, n];\n}\n";
  one.kernel.values = {{"M", 5}, {"N", 64}};
  for (const char *lanes : {"4", "8", "16"})
    one.schedules.push_back("kernel dst { split n: group, lane " + std::string(lanes) + " store streaming }");
  cases.push_back(one);
  one.name = "StreamingStoreWithTail";
  one.kernel.values = {{"M", 5}, {"N", 37}};
  cases.push_back(std::move(one));
}

/// Extents that are known at the call alone, and empty ones.
void add_extents(std::vector<ConformanceCase> &cases) {
  for (int64_t batch : {0, 1, 3, 8}) {
    ConformanceCase one;
    one.name = "OpenBatchOf" + std::to_string(batch);
    one.kernel.text = "kernel dense(x: f32[N, C], const w: f32[C, D], gain: f32) -> dst: f32[N, D]\n{\n"
                      "  dst[n, d] = gain * max(sum[c](x[n, c] * w[c, d]), 0);\n}\n";
    one.kernel.values = {{"N", batch}, {"C", 6}, {"D", 10}};
    one.kernel.open = {"N"};
    one.schedules = {"", "kernel dst { split n: group split d: serial, lane 4 }",
                     "kernel dst { split n: group, unrolled 2 split d: serial, lane 4 }"};
    cases.push_back(std::move(one));
  }
  ConformanceCase empty;
  empty.name = "EmptyResult";
  empty.kernel.text = "kernel add(a: f32[N, C]) -> dst: f32[N, C]\n{\n  dst[n, c] = a[n, c] + 1;\n}\n";
  empty.kernel.values = {{"N", 4}, {"C", 0}};
  cases.push_back(std::move(empty));
}

void add_definitions(std::vector<ConformanceCase> &cases) {
  ConformanceCase in_place;
  in_place.name = "InPlace";
  in_place.kernel.text =
      "kernel gemm(a: f32[M, K], b: f32[K, N], inout c: f32[M, N])\n{\n  c[m, n] += sum[k](a[m, k] * b[k, n]);\n}\n";
  in_place.kernel.values = {{"M", 7}, {"N", 18}, {"K", 5}};
  cases.push_back(std::move(in_place));

  ConformanceCase constants;
  constants.name = "FoldedConstants";
  constants.kernel.text = "kernel fold(x: f32[N, C], const gamma: f32[C], const beta: f32[C]) -> dst: f32[N, C]\n{\n"
                          "  let scale[c] = gamma[c] * gamma[c] + 1;\n  let shift[c] = beta[c] - 2*scale[c];\n"
                          "  dst[n, c] = x[n, c] * scale[c] + shift[c];\n}\n";
  constants.kernel.values = {{"N", 5}, {"C", 19}};
  constants.schedules = {"", "kernel scale { place stored }\nkernel shift { place stored }",
                         "kernel scale { place inline }\nkernel shift { place inline }"};
  cases.push_back(std::move(constants));

  ConformanceCase names;
  names.name = "InlinedReductionOverADimensionOfTheSameName";
  names.kernel.text = "kernel norm(x: i32[N, C]) -> dst: i32[N, C]\n{\n  let z[n] = sum[c](x[n, c]);\n  dst[n, c] = "
                      "x[n, c] * z[n];\n}\n";
  names.kernel.values = {{"N", 6}, {"C", 13}};
  names.schedules = {"",
                     "kernel z { place inline }\nkernel dst { split c: group, lane 4 split c_2: serial, unrolled 3 }"};
  cases.push_back(std::move(names));

  ConformanceCase packed;
  packed.name = "PanelsOfSkippedReads";
  packed.kernel.text = "kernel conv(src: f32[W, C] outside skip on (W), wei: f32[K, C, D]) -> dst: f32[W, D]\n{\n"
                       "  dst[w, d] = sum[k, c](src[w + k - 3, c] * wei[k, c, d]);\n}\n";
  packed.kernel.values = {{"W", 7}, {"C", 5}, {"K", 6}, {"D", 9}};
  packed.schedules = {"kernel dst { split w: serial, unrolled 2 stage src far layout w.0 k c w.1 }"};
  cases.push_back(std::move(packed));

  ConformanceCase chained;
  chained.name = "NearAndRegisterCopiesAtOneLoop";
  chained.kernel.text =
      "kernel product(a: f32[M, K], b: f32[K, N]) -> c: f32[M, N]\n{\n  c[m, n] = sum[k](a[m, k] * b[k, n]);\n}\n";
  chained.kernel.values = {{"M", 6}, {"N", 16}, {"K", 9}};
  chained.schedules = {"kernel c { split n: group, unrolled 2, lane 4 stage b near at k layout n.1 n.2 stage b "
                       "register at k layout n.1 n.2 }"};
  cases.push_back(std::move(chained));

  ConformanceCase several;
  several.name = "SeveralResults";
  several.kernel.text =
      "kernel both(x: i32[N, C]) -> most: i32[N], first: i32[N]\n{\n  let m[n] = max[c](x[n, c]);\n  most[n] = m[n];\n"
      "  first[n] = min[c where x[n, c] == m[n]](i32(c));\n}\n";
  several.kernel.values = {{"N", 9}, {"C", 12}};
  several.schedules = {"", "kernel m { place stored }", "kernel m { place inline }"};
  cases.push_back(std::move(several));
}

} // namespace

std::vector<ConformanceCase> kernel_cases() {
  std::vector<ConformanceCase> cases;
  add_reductions(cases);
  add_outside(cases);
  add_tails(cases);
  add_streaming(cases);
  add_extents(cases);
  add_definitions(cases);
  return cases;
}

} // namespace sparkle::test
