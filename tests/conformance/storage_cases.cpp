// Elements of 8 and 16 bits: every pair of types converted at every edge, and kernels that keep them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "tests/conformance/conformance_case.h"

namespace sparkle::test {
namespace {

const std::vector<std::string> kTypes = {"f32", "f16", "bf16", "i32", "i8", "u8"};

bool is_real(const std::string &elem) { return elem == "f32" || elem == "f16" || elem == "bf16"; }

/// Multiples of half the last place of f16 and bf16, and both neighbours of each; all signs, subnormals, NaN.
std::vector<uint32_t> real_bits() {
  std::vector<uint32_t> bits;
  for (uint32_t upper = 0; upper < 0x10000; upper += 5) // bf16
    for (uint32_t lower : {0u, 0x7FFFu, 0x8000u, 0x8001u}) bits.push_back(upper << 16 | lower);
  for (int32_t half = 0; half < 0x1000; ++half) { // Up to 2^-14: subnormals of f16, then normal numbers.
    const auto tie = std::bit_cast<uint32_t>(std::ldexp(static_cast<float>(half), -25));
    for (uint32_t sign : {0u, 0x80000000u})
      for (uint32_t by : {0u, 1u}) bits.insert(bits.end(), {sign | (tie + by), sign | (tie > 0 ? tie - by : 0)});
  }
  for (uint32_t normal = 113 << 10; normal < 145u << 10; normal += 3) // Beyond the greatest f16.
    for (uint32_t lower : {0u, 0xFFFu, 0x1000u, 0x1001u}) bits.push_back(normal << 13 | lower);
  return bits;
}

/// Powers of two, ties of all types between them, and their neighbours.
std::vector<uint32_t> whole_bits() {
  std::vector<uint32_t> bits;
  for (int high = 0; high < 32; ++high)
    for (int low = 0; low <= high; ++low)
      for (uint32_t by : {0xFFFFFFFFu, 0u, 1u})
        for (uint32_t odd : {0u, 1u}) {
          const uint32_t value = (1u << high) + (1u << low) + (odd << (low < 31 ? low + 1 : 0)) + by;
          bits.insert(bits.end(), {value, 0u - value});
        }
  return bits;
}

std::vector<uint32_t> all_bits(int64_t bytes) {
  std::vector<uint32_t> bits;
  for (uint32_t value = 0; value < 1u << (8 * bytes); ++value) bits.push_back(value);
  return bits;
}

std::vector<uint32_t> bits_of(const std::string &elem) {
  if (elem == "f32") return real_bits();
  if (elem == "i32") return whole_bits();
  return all_bits(elem == "f16" || elem == "bf16" ? 2 : 1);
}

void fill_bits(HostTensor &tensor, const std::vector<uint32_t> &bits) {
  const int64_t size = bytes_of(tensor.element());
  auto *data = static_cast<std::byte *>(tensor.data());
  for (int64_t i = 0; i < tensor.element_count(); ++i)
    std::memcpy(data + i * size, &bits[static_cast<size_t>(i) % bits.size()], static_cast<size_t>(size));
}

std::string title(std::string text) {
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string conversion(const std::string &from, const std::string &to) {
  if (from == to) return "a[i]";
  return is_real(from) && !is_real(to) ? to + "(round(a[i]))" : to + "(a[i])";
}

void add_conversions(std::vector<ConformanceCase> &cases) {
  for (const std::string &from : kTypes)
    for (const std::string &to : kTypes) {
      ConformanceCase one;
      one.name = title(from) + "To" + title(to);
      one.kernel.text =
          "kernel convert(a: " + from + "[N]) -> dst: " + to + "[N]\n{\n  dst[i] = " + conversion(from, to) + ";\n}\n";
      const std::vector<uint32_t> bits = bits_of(from);
      one.kernel.values["N"] = static_cast<int64_t>(bits.size()) + 3; // No multiple of anything.
      one.schedules = {
          "", "kernel dst { split i: group, serial 512 }", "kernel dst { split i: group, serial 64, lane 2 }",
          "kernel dst { split i: group, serial 64, lane 4 }", "kernel dst { split i: group, serial 64, lane 16 }"};
      one.fill = [bits](TensorSet &set) { fill_bits(set.tensor("a"), bits); };
      cases.push_back(std::move(one));
    }
}

/// Tensors whose bytes are no whole words, with a neighbour that must stay as it is.
void add_copies(std::vector<ConformanceCase> &cases) {
  for (const std::string &elem : kTypes)
    for (int64_t extent : {1, 2, 3, 5, 7, 13}) {
      ConformanceCase one;
      one.name = "CopyOf" + std::to_string(extent) + title(elem);
      one.kernel.text = "kernel copy(a: " + elem + "[M, N], b: " + elem + "[N]) -> dst: " + elem +
                        "[M, N], last: " + elem +
                        "[N]\n{\n  dst[m, n] = a[m, n];\n  last[n] = max(a[M - 1, n], b[n]);\n}\n";
      one.kernel.values = {{"M", 3}, {"N", extent}};
      one.schedules = {"", "kernel dst { split n: group, lane 2 }", "kernel dst { split n: group, lane 4 }",
                       "kernel dst { fuse p = m n split p: group, lane 4 }"};
      cases.push_back(std::move(one));
    }
}

void add_kept(std::vector<ConformanceCase> &cases) {
  for (const std::string &elem : kTypes) {
    ConformanceCase one;
    one.name = "Kept" + title(elem);
    one.kernel.text = "kernel keep(a: " + elem + "[N], b: " + elem + "[N]) -> dst: " + elem +
                      "[N]\n{\n  dst[i] = select(a[i] < b[i], clamp(a[i], 1, 3), min(a[i], max(b[i], 2)));\n}\n";
    one.kernel.values["N"] = 301;
    one.schedules = {"", "kernel dst { split i: group, serial 7 }", "kernel dst { split i: group, lane 4 }"};
    const std::vector<uint32_t> bits = bits_of(elem);
    one.fill = [bits](TensorSet &set) {
      std::vector<uint32_t> mixed;
      for (size_t i = 0; i < 602; ++i) mixed.push_back(bits[i * 7919 % bits.size()]);
      fill_bits(set.tensor("a"), mixed);
      std::reverse(mixed.begin(), mixed.end());
      fill_bits(set.tensor("b"), mixed);
    };
    cases.push_back(std::move(one));
  }
}

void add_sums(std::vector<ConformanceCase> &cases) {
  for (const std::string elem : {"f16", "bf16", "i8", "u8"}) {
    const bool real = is_real(elem);
    ConformanceCase one;
    one.name = "SumsOf" + title(elem);
    one.kernel.text = "kernel sums(a: " + elem + "[N, K], const w: " + elem +
                      "[K, D]) -> wide: " + (real ? "f32" : "i32") + "[N, D], narrow: " + elem + "[N]\n{\n" +
                      "  wide[n, d] = sum[k](a[n, k] * w[k, d]);\n  narrow[n] = " +
                      (real ? "sum." + elem + "[k](a[n, k])" : elem + "(sum[k](a[n, k]))") + ";\n}\n";
    one.kernel.values = {{"N", 9}, {"K", 11}, {"D", 13}};
    one.schedules = {"", "kernel wide { split d: group, lane 4 split k: serial, unrolled 3 }"};
    cases.push_back(std::move(one));
  }
}

} // namespace

std::vector<ConformanceCase> storage_cases() {
  std::vector<ConformanceCase> cases;
  add_conversions(cases);
  add_copies(cases);
  add_kept(cases);
  add_sums(cases);
  return cases;
}

} // namespace sparkle::test
