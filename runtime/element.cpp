#include "runtime/element.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace sparkle {

namespace {

/// A binary float of 16 bits: sign, exponent, fraction.
struct Format16 {
  int exponent_bits;
  int fraction_bits;
};
constexpr Format16 kHalf{5, 10};
constexpr Format16 kBrain{8, 7};

double decode(uint16_t bits, Format16 format) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int top = (1 << format.exponent_bits) - 1;
  const int exponent = (bits >> format.fraction_bits) & top;
  const int fraction = bits & ((1 << format.fraction_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == top) {
    double special = fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
    return std::copysign(special, sign);
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - format.fraction_bits);
  return sign * std::ldexp(fraction + (1 << format.fraction_bits), exponent - bias - format.fraction_bits);
}

// Straight from double: going through f32 would round twice.
uint16_t encode(double value, Format16 format) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int top = (1 << format.exponent_bits) - 1;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const int infinity = top << format.fraction_bits;
  if (std::isnan(value)) return static_cast<uint16_t>(sign | infinity | (1 << (format.fraction_bits - 1)));
  if (std::isinf(value)) return static_cast<uint16_t>(sign | infinity);
  if (value == 0) return sign;
  int exponent = std::ilogb(value);
  if (exponent < 1 - bias) exponent = 1 - bias; // subnormal: one fixed scale
  // nearbyint rounds to nearest even; a fraction that rounds up to the next power of two carries into the exponent
  const double scaled = std::nearbyint(std::ldexp(std::fabs(value), format.fraction_bits - exponent));
  if (exponent > bias) return static_cast<uint16_t>(sign | infinity);
  const int64_t significand = static_cast<int64_t>(scaled);
  const int64_t bits = ((static_cast<int64_t>(exponent) + bias - 1) << format.fraction_bits) + significand;
  return static_cast<uint16_t>(sign | (bits >= infinity ? infinity : static_cast<int>(bits)));
}

template <class T> double load_as(const void *address) {
  T value;
  std::memcpy(&value, address, sizeof value);
  return static_cast<double>(value);
}

template <class T> void store_as(void *address, T value) { std::memcpy(address, &value, sizeof value); }

template <class T> void store_integer(void *address, double value) {
  const double rounded = std::nearbyint(value);
  constexpr T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  // As doubles, the largest int64 is 2^63, which no longer fits: hence >=.
  if (std::isnan(rounded)) return store_as<T>(address, 0);
  if (rounded >= static_cast<double>(high)) return store_as<T>(address, high);
  store_as<T>(address, rounded <= static_cast<double>(low) ? low : static_cast<T>(rounded));
}

} // namespace

double load_element(const void *address, Scalar element) {
  uint16_t half = 0;
  switch (element) {
  case Scalar::kBool:
  case Scalar::kU8: return load_as<uint8_t>(address);
  case Scalar::kIndex: return load_as<int64_t>(address);
  case Scalar::kI32: return load_as<int32_t>(address);
  case Scalar::kF32: return load_as<float>(address);
  case Scalar::kI8: return load_as<int8_t>(address);
  case Scalar::kF16: std::memcpy(&half, address, sizeof half); return decode(half, kHalf);
  case Scalar::kBF16: std::memcpy(&half, address, sizeof half); return decode(half, kBrain);
  }
  SPARKLE_CHECK(false, "unknown element type");
}

void store_element(void *address, Scalar element, double value) {
  switch (element) {
  case Scalar::kBool: return store_as<uint8_t>(address, value != 0 ? 1 : 0);
  case Scalar::kU8: return store_integer<uint8_t>(address, value);
  case Scalar::kIndex: return store_integer<int64_t>(address, value);
  case Scalar::kI32: return store_integer<int32_t>(address, value);
  case Scalar::kF32: return store_as<float>(address, static_cast<float>(value));
  case Scalar::kI8: return store_integer<int8_t>(address, value);
  case Scalar::kF16: return store_as<uint16_t>(address, encode(value, kHalf));
  case Scalar::kBF16: return store_as<uint16_t>(address, encode(value, kBrain));
  }
  SPARKLE_CHECK(false, "unknown element type");
}

} // namespace sparkle
