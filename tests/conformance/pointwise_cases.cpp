#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/conformance/conformance_case.h"

namespace sparkle::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

using Formula = std::function<double(double, double)>;

/// Every pair of these. All are exact in f32 and most in f16 and bf16; no denormal numbers.
const std::vector<double> kReals = {0,    1,    -1,    0.5, -0.5, 1.5,   -1.5,   2.5,  -2.5, 3,     -3.25, 100,
                                    1000, -300, 65535, 3e9, -3e9, 127.5, -128.5, 0.1f, kInf, -kInf, kNan};
/// Where element functions are finite and smooth.
const std::vector<double> kModerate = {0.0009765625, 0.1f, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4.75, 7.5, 10};
const std::vector<double> kIntegers = {0, 1,   -1,   2,   -2,   3,   -3,  5,    -5,    6,          -7,
                                       8, 100, -100, 127, -128, 255, 256, -300, 65536, 2147483647, -2147483648.0};
const std::vector<double> kBytes = {0, 1, 2, 3, 5, 7, 100, 127, 128, 200, 254, 255};
const std::vector<double> kSignedBytes = {0, 1, -1, 2, -2, 7, 100, -100, 126, 127, -127, -128};

const std::vector<double> &values_of(const std::string &elem) {
  if (elem == "i32") return kIntegers;
  if (elem == "u8") return kBytes;
  if (elem == "i8") return kSignedBytes;
  return kReals;
}

void fill_pairs(TensorSet &set, const std::vector<double> &values) {
  HostTensor &a = set.tensor("a"), &b = set.tensor("b");
  const auto count = static_cast<int64_t>(values.size());
  for (int64_t i = 0; i < a.element_count(); ++i) {
    a.set(i, values[static_cast<size_t>(i % count)]);
    b.set(i, values[static_cast<size_t>(i / count % count)]);
  }
}

struct Operation {
  const char *name;
  const char *from; ///< Element of a and b.
  const char *to;   ///< Element of dst.
  const char *text;
  Formula formula;
  double tolerance = 0;
};

double f32(double value) { return static_cast<float>(value); }
double floor_div(double a, double b) { return std::floor(a / b); }
double least(double a, double b) { return b < a ? b : a; }
double most(double a, double b) { return a < b ? b : a; }

/// `low` to `high`, NaN is 0.
double saturated(double value, double low, double high) {
  return std::isnan(value) ? 0 : std::min(std::max(value, low), high);
}
double wrapped(double value) { return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(value))); }

std::vector<Operation> real_operations() {
  return {
      {"Negate", "f32", "f32", "-a[i]", [](double a, double) { return -a; }},
      {"Absolute", "f32", "f32", "abs(a[i])", [](double a, double) { return std::fabs(a); }},
      {"Floor", "f32", "f32", "floor(a[i])", [](double a, double) { return std::floor(a); }},
      {"Ceil", "f32", "f32", "ceil(a[i])", [](double a, double) { return std::ceil(a); }},
      {"RoundToEven", "f32", "f32", "round(a[i])", [](double a, double) { return std::nearbyint(a); }},
      {"Truncate", "f32", "f32", "trunc(a[i])", [](double a, double) { return std::trunc(a); }},
      {"Add", "f32", "f32", "a[i] + b[i]", [](double a, double b) { return f32(a + b); }},
      {"Subtract", "f32", "f32", "a[i] - b[i]", [](double a, double b) { return f32(a - b); }},
      {"Multiply", "f32", "f32", "a[i] * b[i]", [](double a, double b) { return f32(a * b); }},
      {"MinimumOfNan", "f32", "f32", "min(a[i], b[i])", least},
      {"MaximumOfNan", "f32", "f32", "max(a[i], b[i])", most},
      {"ReluKeepsNan", "f32", "f32", "max(a[i], 0)", [](double a, double) { return most(a, 0); }},
      {"Clamp", "f32", "f32", "clamp(a[i], -2, b[i])", [](double a, double b) { return least(most(a, -2), b); }},
      {"Less", "f32", "f32", "select(a[i] < b[i], 1, 2)", [](double a, double b) { return a < b ? 1 : 2; }},
      {"LessEqual", "f32", "f32", "select(a[i] <= b[i], 1, 2)", [](double a, double b) { return a <= b ? 1 : 2; }},
      {"Greater", "f32", "f32", "select(a[i] > b[i], 1, 2)", [](double a, double b) { return a > b ? 1 : 2; }},
      {"GreaterEqual", "f32", "f32", "select(a[i] >= b[i], 1, 2)", [](double a, double b) { return a >= b ? 1 : 2; }},
      {"Equal", "f32", "f32", "select(a[i] == b[i], 1, 2)", [](double a, double b) { return a == b ? 1 : 2; }},
      {"NotEqual", "f32", "f32", "select(a[i] != b[i], 1, 2)", [](double a, double b) { return a != b ? 1 : 2; }},
      {"And", "f32", "f32", "select(a[i] < 1 && b[i] < 1, a[i], b[i])",
       [](double a, double b) { return a < 1 && b < 1 ? a : b; }},
      {"Or", "f32", "f32", "select(a[i] < 1 || b[i] < 1, a[i], b[i])",
       [](double a, double b) { return a < 1 || b < 1 ? a : b; }},
      {"Not", "f32", "f32", "select(!(a[i] < b[i]), a[i], b[i])", [](double a, double b) { return !(a < b) ? a : b; }},
      {"RealToI32", "f32", "i32", "i32(trunc(a[i]))",
       [](double a, double) { return saturated(std::trunc(a), -2147483648.0, 2147483647); }},
      {"RealToU8", "f32", "u8", "u8(round(a[i]))",
       [](double a, double) { return saturated(std::nearbyint(a), 0, 255); }},
      {"RealToI8", "f32", "i8", "i8(floor(a[i]))",
       [](double a, double) { return saturated(std::floor(a), -128, 127); }},
      {"RealToHalf", "f32", "f16", "f16(a[i])", nullptr},
      {"RealToBrain", "f32", "bf16", "bf16(a[i])", nullptr},
      {"HalfToReal", "f16", "f32", "a[i] + b[i]", nullptr},
      {"BrainToReal", "bf16", "f32", "a[i] + b[i]", nullptr},
      {"HalfKept", "f16", "f16", "max(a[i], b[i])", nullptr},
  };
}

std::vector<Operation> integer_operations() {
  return {
      {"WrappingAdd", "i32", "i32", "a[i] + b[i]", [](double a, double b) { return wrapped(a + b); }},
      {"WrappingSubtract", "i32", "i32", "a[i] - b[i]", [](double a, double b) { return wrapped(a - b); }},
      {"WrappingNegate", "i32", "i32", "-a[i]", [](double a, double) { return wrapped(-a); }},
      {"WrappingMultiply", "i32", "i32", "a[i] * b[i]",
       [](double a, double b) {
         return static_cast<double>(static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(a)) *
                                                         static_cast<uint32_t>(static_cast<int64_t>(b))));
       }},
      {"FloorDivide", "i32", "i32", "a[i] / 3", [](double a, double) { return floor_div(a, 3); }},
      {"FloorModulo", "i32", "i32", "a[i] % 3", [](double a, double) { return a - 3 * floor_div(a, 3); }},
      {"FloorDivideByPowerOfTwo", "i32", "i32", "a[i] / 8", [](double a, double) { return floor_div(a, 8); }},
      {"FloorModuloOfPowerOfTwo", "i32", "i32", "a[i] % 8", [](double a, double) { return a - 8 * floor_div(a, 8); }},
      {"DivideByOne", "i32", "i32", "a[i] / 1 + a[i] % 1", [](double a, double) { return a; }},
      {"IntegerMinimum", "i32", "i32", "min(a[i], b[i])", least},
      {"IntegerMaximum", "i32", "i32", "max(a[i], b[i])", most},
      {"IntegerAbsolute", "i32", "i32", "abs(max(a[i], -100))",
       [](double a, double) { return std::fabs(most(a, -100)); }},
      {"IntegerSelect", "i32", "i32", "select(a[i] <= b[i], a[i], 7)",
       [](double a, double b) { return a <= b ? a : 7; }},
      {"IntegerToReal", "i32", "f32", "f32(a[i])", [](double a, double) { return f32(a); }},
      {"IntegerToU8", "i32", "u8", "u8(a[i])", [](double a, double) { return saturated(a, 0, 255); }},
      {"IntegerToI8", "i32", "i8", "i8(a[i])", [](double a, double) { return saturated(a, -128, 127); }},
      {"ByteWidens", "u8", "i32", "a[i] - b[i]", [](double a, double b) { return a - b; }},
      {"SignedByteWidens", "i8", "i32", "a[i] * b[i]", [](double a, double b) { return a * b; }},
      {"ByteKept", "u8", "u8", "max(a[i], b[i])", most},
      {"SignedByteKept", "i8", "i8", "min(a[i], b[i])", least},
      {"IndexAsData", "i32", "i32", "a[i] + i32(i % 7) - i32(i / 5)", nullptr},
      {"IndexInCondition", "i32", "i32", "select(i % 3 == 1, a[i], b[i])", nullptr},
  };
}

/// Element functions. Targets use their own until all share one polynomial: 2e-6 is 17 units in the last place.
std::vector<Operation> function_operations() {
  constexpr double kLoose = 2e-6;
  return {
      {"Divide", "f32", "f32", "a[i] / b[i]", [](double a, double b) { return a / b; }, kLoose},
      {"SquareRoot", "f32", "f32", "sqrt(a[i])", [](double a, double) { return std::sqrt(a); }, kLoose},
      {"ReciprocalRoot", "f32", "f32", "rsqrt(a[i])", [](double a, double) { return 1 / std::sqrt(a); }, kLoose},
      {"Exponential", "f32", "f32", "exp(a[i] - b[i])", [](double a, double b) { return std::exp(f32(a - b)); },
       kLoose},
      {"Logarithm", "f32", "f32", "log(a[i] + 2)", [](double a, double) { return std::log(f32(a + 2)); }, kLoose},
      {"Tanh", "f32", "f32", "tanh(a[i] + 0.5)", [](double a, double) { return std::tanh(f32(a + 0.5)); }, kLoose},
      {"Sigmoid", "f32", "f32", "sigmoid(a[i] - b[i])",
       [](double a, double b) { return 1 / (1 + std::exp(-f32(a - b))); }, kLoose},
      {"Erf", "f32", "f32", "erf(a[i])", [](double a, double) { return std::erf(a); }, kLoose},
  };
}

ConformanceCase made(const Operation &operation, const std::vector<double> &values) {
  ConformanceCase one;
  one.name = operation.name;
  one.kernel.text = "kernel op(a: " + std::string(operation.from) + "[N], b: " + operation.from +
                    "[N]) -> dst: " + operation.to + "[N]\n{\n  dst[i] = " + operation.text + ";\n}\n";
  one.kernel.values["N"] = static_cast<int64_t>(values.size() * values.size());
  one.schedules = {"", "kernel dst { split i: group, serial 5, lane 4 }", "kernel dst { split i: group, serial 7 }"};
  one.fill = [&values](TensorSet &set) { fill_pairs(set, values); };
  one.formula = operation.formula;
  one.tolerance = operation.tolerance;
  return one;
}

} // namespace

std::vector<ConformanceCase> pointwise_cases() {
  std::vector<ConformanceCase> cases;
  for (const Operation &operation : real_operations()) cases.push_back(made(operation, values_of(operation.from)));
  for (const Operation &operation : integer_operations()) cases.push_back(made(operation, values_of(operation.from)));
  for (const Operation &operation : function_operations()) cases.push_back(made(operation, kModerate));
  return cases;
}

} // namespace sparkle::test
