#include "compiler/ir/numeric.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Nearest number of `precision` bits whose exponent is at least `least_exponent`; beyond `greatest`: infinity.
double round_bits(double value, int precision, int least_exponent, double greatest) {
  if (!std::isfinite(value) || value == 0) return value;
  const int exponent = std::max(std::ilogb(value), least_exponent);
  const double quantum = std::ldexp(1.0, exponent - (precision - 1));
  const double rounded = std::nearbyint(value / quantum) * quantum;
  if (std::fabs(rounded) > greatest) return std::copysign(std::numeric_limits<double>::infinity(), value);
  return rounded;
}

int64_t wrap_i32(int64_t value) { return static_cast<int32_t>(static_cast<uint32_t>(value)); }

/// Operands fit in 32 bits, so that 64-bit results are exact before wrapping.
std::optional<int64_t> fold_i32(BinaryOp op, int64_t a, int64_t b) {
  switch (op) {
  case BinaryOp::kAdd: return wrap_i32(a + b);
  case BinaryOp::kSub: return wrap_i32(a - b);
  case BinaryOp::kMul: return wrap_i32(a * b);
  default: return std::nullopt;
  }
}

std::optional<int64_t> fold_index(BinaryOp op, int64_t a, int64_t b) {
  switch (op) {
  case BinaryOp::kAdd: return checked_add(a, b);
  case BinaryOp::kSub: return checked_sub(a, b);
  case BinaryOp::kMul: return checked_mul(a, b);
  default: return std::nullopt;
  }
}

std::optional<double> unless_nan(double value) {
  return std::isnan(value) ? std::nullopt : std::optional<double>(value);
}

template <class T> bool compare(CompareOp op, T a, T b) {
  switch (op) {
  case CompareOp::kEq: return a == b;
  case CompareOp::kNe: return a != b;
  case CompareOp::kLt: return a < b;
  case CompareOp::kLe: return a <= b;
  }
  return false;
}

} // namespace

double round_to(Scalar type, double value) {
  switch (type) {
  case Scalar::kF32: return static_cast<float>(value);
  case Scalar::kF16: return round_bits(value, 11, -14, 65504.0);
  case Scalar::kBF16: return round_bits(value, 8, -126, std::ldexp(255.0, 120));
  default: return value;
  }
}

int64_t least_value(Scalar type) {
  switch (type) {
  case Scalar::kI8: return std::numeric_limits<int8_t>::min();
  case Scalar::kI32: return std::numeric_limits<int32_t>::min();
  case Scalar::kIndex: return std::numeric_limits<int64_t>::min();
  default: return 0;
  }
}

int64_t greatest_value(Scalar type) {
  switch (type) {
  case Scalar::kI8: return std::numeric_limits<int8_t>::max();
  case Scalar::kU8: return std::numeric_limits<uint8_t>::max();
  case Scalar::kI32: return std::numeric_limits<int32_t>::max();
  case Scalar::kIndex: return std::numeric_limits<int64_t>::max();
  default: return 1;
  }
}

std::optional<int64_t> fold_binary_int(Scalar type, BinaryOp op, int64_t a, int64_t b) {
  switch (op) {
  case BinaryOp::kMin: return std::min(a, b);
  case BinaryOp::kMax: return std::max(a, b);
  case BinaryOp::kAnd: return a & b;
  case BinaryOp::kOr: return a | b;
  case BinaryOp::kDiv: return b > 0 ? std::optional(floor_div(a, b)) : std::nullopt;
  case BinaryOp::kMod: return b > 0 ? std::optional(floor_mod(a, b)) : std::nullopt;
  default: break;
  }
  if (type == Scalar::kI32) return fold_i32(op, a, b);
  return type == Scalar::kIndex ? fold_index(op, a, b) : std::nullopt;
}

std::optional<double> fold_binary_f32(BinaryOp op, double wide_a, double wide_b) {
  const float a = static_cast<float>(wide_a);
  const float b = static_cast<float>(wide_b);
  switch (op) {
  case BinaryOp::kAdd: return unless_nan(a + b);
  case BinaryOp::kSub: return unless_nan(a - b);
  case BinaryOp::kMul: return unless_nan(a * b);
  case BinaryOp::kDiv: return unless_nan(a / b);
  case BinaryOp::kMin: return unless_nan(b < a ? b : a);
  case BinaryOp::kMax: return unless_nan(a < b ? b : a);
  default: return std::nullopt;
  }
}

std::optional<double> fold_unary_f32(UnaryOp op, double a) {
  switch (op) {
  case UnaryOp::kNeg: return unless_nan(-a);
  case UnaryOp::kAbs: return unless_nan(std::fabs(a));
  case UnaryOp::kFloor: return unless_nan(std::floor(a));
  case UnaryOp::kCeil: return unless_nan(std::ceil(a));
  case UnaryOp::kRound: return unless_nan(std::nearbyint(a));
  case UnaryOp::kTrunc: return unless_nan(std::trunc(a));
  case UnaryOp::kSqrt: return unless_nan(std::sqrt(static_cast<float>(a)));
  default: return std::nullopt; // Not the same to the last bit on every machine.
  }
}

bool fold_compare(CompareOp op, int64_t a, int64_t b) { return compare(op, a, b); }
bool fold_compare(CompareOp op, double a, double b) { return compare(op, a, b); }

std::optional<double> fold_int_to_float(Scalar to, int64_t value) {
  if (to == Scalar::kF32) return static_cast<float>(value); // In one rounding.
  constexpr int64_t kExact = int64_t{1} << 53;
  if (value > kExact || value < -kExact) return std::nullopt;
  const double rounded = round_to(to, static_cast<double>(value));
  return std::isfinite(rounded) ? std::optional(rounded) : std::nullopt;
}

std::optional<int64_t> fold_float_to_int(Scalar to, double value) {
  if (std::isnan(value)) return 0;
  const double whole = std::trunc(value);
  if (whole >= 9223372036854775808.0) return greatest_value(to);
  if (whole < -9223372036854775808.0) return least_value(to);
  return std::clamp(static_cast<int64_t>(whole), least_value(to), greatest_value(to));
}

} // namespace sparkle
