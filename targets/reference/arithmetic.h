// The element types the interpreter computes with, and each operation of nodes.h on them.
//
// f32 and i32 values are what they are. Storage types are kept as their bits; an operation on them widens, computes and
// rounds back. `Estimate` stands for every floating type when a program is evaluated in double precision.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "compiler/ir/numeric.h"
#include "compiler/support/checked_math.h"

namespace sparkle::reference {

float half_to_float(uint16_t bits);
/// Nearest even; overflow gives infinity.
uint16_t float_to_half(float value);
uint16_t float_to_bfloat(float value);

struct Half {
  uint16_t bits;
  float wide() const { return half_to_float(bits); }
  static Half from(float value) { return {float_to_half(value)}; }
};
struct BFloat {
  uint16_t bits;
  float wide() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
  static BFloat from(float value) { return {float_to_bfloat(value)}; }
};

/// A value in double precision, and a magnitude that rounding errors scale with: for a sum the sum of the absolute
/// terms. n operations of precision eps leave `value` within about n * eps * magnitude of what they compute.
struct Estimate {
  double value;
  double magnitude;
  static Estimate exact(double v) { return {v, std::fabs(v)}; }
};

template <class T> inline constexpr bool kIsSmallFloat = std::same_as<T, Half> || std::same_as<T, BFloat>;
template <class T>
inline constexpr bool kIsReal = std::same_as<T, float> || std::same_as<T, Estimate> || kIsSmallFloat<T>;

// ---- Unary
// -----------------------------------------------------------------------------------------------------------

inline double apply_real(UnaryOp op, double a) {
  switch (op) {
  case UnaryOp::kNeg: return -a;
  case UnaryOp::kAbs: return std::fabs(a);
  case UnaryOp::kFloor: return std::floor(a);
  case UnaryOp::kCeil: return std::ceil(a);
  case UnaryOp::kRound: return std::nearbyint(a);
  case UnaryOp::kTrunc: return std::trunc(a);
  case UnaryOp::kSqrt: return std::sqrt(a);
  case UnaryOp::kRsqrt: return 1.0 / std::sqrt(a);
  case UnaryOp::kExp: return std::exp(a);
  case UnaryOp::kLog: return std::log(a);
  case UnaryOp::kTanh: return std::tanh(a);
  case UnaryOp::kSigmoid: return 1.0 / (1.0 + std::exp(-a));
  case UnaryOp::kErf: return std::erf(a);
  case UnaryOp::kNot: break;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

/// The factor by which a small change of the operand changes the result, at most.
inline double slope(UnaryOp op, double a, double result) {
  switch (op) {
  case UnaryOp::kSqrt: return result > 0 ? 0.5 / result : 1.0;
  case UnaryOp::kRsqrt: return a > 0 ? 0.5 * result / a : 1.0;
  case UnaryOp::kExp: return result;
  case UnaryOp::kLog: return a > 0 ? 1.0 / a : 1.0;
  case UnaryOp::kSigmoid: return 0.25;
  case UnaryOp::kErf: return 1.13; // 2 / sqrt(pi)
  default: return 1.0;
  }
}

template <class T> T apply(UnaryOp op, T a) {
  if constexpr (std::same_as<T, float>) {
    // In double and rounded once: at most half an ulp off, for sqrt and the roundings exact.
    return static_cast<float>(apply_real(op, a));
  } else if constexpr (std::same_as<T, Estimate>) {
    const double value = apply_real(op, a.value);
    return {value, std::fmax(std::fabs(value), a.magnitude * slope(op, a.value, value))};
  } else if constexpr (kIsSmallFloat<T>) {
    return T::from(apply(op, a.wide()));
  } else {
    using U = std::make_unsigned_t<T>;
    if (op == UnaryOp::kNot) return static_cast<T>(a == 0);
    const bool negate = op == UnaryOp::kNeg || (op == UnaryOp::kAbs && a < 0);
    return negate ? static_cast<T>(U{0} - static_cast<U>(a)) : a;
  }
}

// ---- Binary
// ----------------------------------------------------------------------------------------------------------

inline float apply_real(BinaryOp op, float a, float b) {
  switch (op) {
  case BinaryOp::kAdd: return a + b;
  case BinaryOp::kSub: return a - b;
  case BinaryOp::kMul: return a * b;
  case BinaryOp::kDiv: return a / b;
  case BinaryOp::kMod: return a - std::floor(a / b) * b;
  case BinaryOp::kMin: return b < a ? b : a;
  case BinaryOp::kMax: return a < b ? b : a;
  default: return std::numeric_limits<float>::quiet_NaN();
  }
}

inline Estimate apply_real(BinaryOp op, Estimate a, Estimate b) {
  const double widest = std::fmax(a.magnitude, b.magnitude);
  switch (op) {
  case BinaryOp::kAdd: return {a.value + b.value, a.magnitude + b.magnitude};
  case BinaryOp::kSub: return {a.value - b.value, a.magnitude + b.magnitude};
  case BinaryOp::kMul: return {a.value * b.value, a.magnitude * b.magnitude};
  case BinaryOp::kDiv: {
    const double divisor = std::fabs(b.value);
    return {a.value / b.value, a.magnitude / divisor * std::fmax(1.0, b.magnitude / divisor)};
  }
  case BinaryOp::kMin: return {b.value < a.value ? b.value : a.value, widest};
  case BinaryOp::kMax: return {a.value < b.value ? b.value : a.value, widest};
  default: return {std::numeric_limits<double>::quiet_NaN(), 0};
  }
}

/// Divisors were found positive before. Sums and products of `index` that leave 64 bits wrap here; the bounds checks
/// see them.
template <class T> T apply(BinaryOp op, T a, T b) {
  if constexpr (std::same_as<T, float> || std::same_as<T, Estimate>) {
    return apply_real(op, a, b);
  } else if constexpr (kIsSmallFloat<T>) {
    return T::from(apply_real(op, a.wide(), b.wide()));
  } else {
    using U = std::make_unsigned_t<T>;
    const U x = static_cast<U>(a), y = static_cast<U>(b);
    switch (op) {
    case BinaryOp::kAdd: return static_cast<T>(x + y);
    case BinaryOp::kSub: return static_cast<T>(x - y);
    case BinaryOp::kMul: return static_cast<T>(static_cast<uint64_t>(x) * y); // Wide: u16 promotes to a signed int.
    case BinaryOp::kDiv: return static_cast<T>(floor_div(a, b));
    case BinaryOp::kMod: return static_cast<T>(floor_mod(a, b));
    case BinaryOp::kMin: return b < a ? b : a;
    case BinaryOp::kMax: return a < b ? b : a;
    case BinaryOp::kAnd: return static_cast<T>(a & b);
    case BinaryOp::kOr: return static_cast<T>(a | b);
    }
    return a;
  }
}

template <class T> T fused_multiply_add(T a, T b, T c) {
  if constexpr (std::same_as<T, float>) {
    return std::fma(a, b, c);
  } else if constexpr (kIsSmallFloat<T>) {
    return T::from(std::fma(a.wide(), b.wide(), c.wide()));
  } else {
    return apply(BinaryOp::kAdd, apply(BinaryOp::kMul, a, b), c);
  }
}

template <class T> auto comparable(T a) {
  if constexpr (kIsSmallFloat<T>)
    return a.wide();
  else if constexpr (std::same_as<T, Estimate>)
    return a.value;
  else
    return a;
}

template <class T> uint8_t apply(CompareOp op, T wide_a, T wide_b) {
  const auto a = comparable(wide_a);
  const auto b = comparable(wide_b);
  switch (op) {
  case CompareOp::kEq: return a == b;
  case CompareOp::kNe: return a != b;
  case CompareOp::kLt: return a < b;
  case CompareOp::kLe: return a <= b;
  }
  return 0;
}

// ---- Conversion
// ------------------------------------------------------------------------------------------------------

template <class To> To float_to_integer(double value) {
  if (std::isnan(value)) return 0;
  const double whole = std::trunc(value);
  if (whole >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  if (whole <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  return static_cast<To>(whole);
}

/// To 24 bits, the last of which says whether anything was cut: rounding that to fewer bits is rounding once.
inline float rounded_to_odd(int64_t value) {
  const uint64_t magnitude = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  const int cut = std::max(0, static_cast<int>(std::bit_width(magnitude)) - 24);
  const uint64_t kept = magnitude >> cut;
  const float whole = std::ldexp(static_cast<float>(kept | (kept << cut != magnitude ? 1 : 0)), cut);
  return value < 0 ? -whole : whole;
}

template <class To, class From> To convert(From value) {
  if constexpr (std::same_as<To, From>)
    return value;
  else if constexpr (kIsSmallFloat<From>)
    return convert<To>(value.wide());
  else if constexpr (kIsSmallFloat<To> && !kIsReal<From>)
    return To::from(rounded_to_odd(value));
  else if constexpr (kIsSmallFloat<To>)
    return To::from(static_cast<float>(comparable(value)));
  else if constexpr (std::same_as<To, Estimate>)
    return Estimate::exact(static_cast<double>(value));
  else if constexpr (std::same_as<To, float>)
    return static_cast<float>(comparable(value));
  else if constexpr (kIsReal<From>)
    return float_to_integer<To>(static_cast<double>(comparable(value)));
  else if (value > static_cast<int64_t>(std::numeric_limits<To>::max()))
    return std::numeric_limits<To>::max();
  else if (value < static_cast<int64_t>(std::numeric_limits<To>::min()))
    return std::numeric_limits<To>::min();
  else
    return static_cast<To>(value);
}

/// Of a reduction over no terms.
template <class T> T identity(ReduceOp op) {
  if (op == ReduceOp::kSum) return convert<T>(int32_t{0});
  if (op == ReduceOp::kProd) return convert<T>(int32_t{1});
  if constexpr (std::same_as<T, Estimate>) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return {op == ReduceOp::kMin ? kInfinity : -kInfinity, 0}; // Magnitude 0: the terms alone bring errors.
  } else if constexpr (kIsReal<T>) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    return convert<T>(op == ReduceOp::kMin ? kInfinity : -kInfinity);
  } else {
    return op == ReduceOp::kMin ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
  }
}

} // namespace sparkle::reference
