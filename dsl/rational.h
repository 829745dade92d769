// Exact rationals for literals: `1/16` and `0.1` stay exact until a type meets them (LANGUAGE: types).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sparkle::dsl {

/// An unsigned whole number of any size, least significant word first, no leading zero words.
class Natural {
public:
  Natural() = default;
  explicit Natural(uint64_t value);

  bool is_zero() const { return words_.empty(); }
  size_t bits() const;
  bool bit(size_t at) const;
  std::optional<uint64_t> to_u64() const;

  static int compare(const Natural &a, const Natural &b);
  static Natural add(const Natural &a, const Natural &b);
  /// Needs a >= b.
  static Natural sub(const Natural &a, const Natural &b);
  static Natural mul(const Natural &a, const Natural &b);
  static Natural shift_left(const Natural &a, size_t bits);
  struct Division;
  /// Needs b > 0.
  static Division divide(const Natural &a, const Natural &b);
  static Natural gcd(Natural a, Natural b);

private:
  void trim();
  std::vector<uint32_t> words_;
};

struct Natural::Division {
  Natural quotient, remainder;
};

/// A binary floating-point format: precision in bits (hidden one included) and the exponent of its least subnormal.
struct FloatFormat {
  int precision;
  int least_exponent;
  int max_exponent; ///< Values of 2^(max_exponent + 1) and more overflow.
};

/// An exact fraction in lowest terms. Operations return nothing past kMaxRationalBits.
class Rational {
public:
  Rational() : denominator_(1) {}
  explicit Rational(int64_t whole);

  /// Reads `12`, `0.5`, `1e-5`, `1.5e3`; nothing when a limit of limits.h is exceeded. The form must be right.
  static std::optional<Rational> parse(std::string_view digits);

  static std::optional<Rational> add(const Rational &a, const Rational &b);
  static std::optional<Rational> sub(const Rational &a, const Rational &b) { return add(a, b.negated()); }
  static std::optional<Rational> mul(const Rational &a, const Rational &b);
  /// Needs b != 0.
  static std::optional<Rational> div(const Rational &a, const Rational &b);
  static int compare(const Rational &a, const Rational &b);

  Rational negated() const;
  bool is_zero() const { return numerator_.is_zero(); }
  bool is_negative() const { return negative_; }
  bool is_whole() const;
  /// Nothing when not whole or out of range.
  std::optional<int64_t> to_int64() const;
  /// Nearest value of the format, ties to even; overflow gives infinity. Rounded once.
  double round_to(const FloatFormat &format) const;
  /// `3`, `-1/16`; long ones as a decimal approximation.
  std::string text() const;

private:
  static std::optional<Rational> make(bool negative, Natural numerator, Natural denominator);
  bool negative_ = false;
  Natural numerator_, denominator_;
};

} // namespace sparkle::dsl
