#include "dsl/rational.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/support/string_builder.h"
#include "dsl/limits.h"

namespace sparkle::dsl {

Natural::Natural(uint64_t value) {
  for (; value != 0; value >>= 32) words_.push_back(static_cast<uint32_t>(value));
}

void Natural::trim() {
  while (!words_.empty() && words_.back() == 0) words_.pop_back();
}

size_t Natural::bits() const {
  return words_.empty() ? 0 : words_.size() * 32 - static_cast<size_t>(std::countl_zero(words_.back()));
}

bool Natural::bit(size_t at) const { return at / 32 < words_.size() && (words_[at / 32] >> at % 32 & 1) != 0; }

std::optional<uint64_t> Natural::to_u64() const {
  if (words_.size() > 2) return std::nullopt;
  uint64_t value = words_.empty() ? 0 : words_[0];
  if (words_.size() == 2) value |= uint64_t{words_[1]} << 32;
  return value;
}

int Natural::compare(const Natural &a, const Natural &b) {
  if (a.words_.size() != b.words_.size()) return a.words_.size() < b.words_.size() ? -1 : 1;
  for (size_t i = a.words_.size(); i-- > 0;)
    if (a.words_[i] != b.words_[i]) return a.words_[i] < b.words_[i] ? -1 : 1;
  return 0;
}

Natural Natural::add(const Natural &a, const Natural &b) {
  Natural sum;
  uint64_t carry = 0;
  for (size_t i = 0; i < std::max(a.words_.size(), b.words_.size()) || carry != 0; ++i) {
    carry += i < a.words_.size() ? a.words_[i] : 0;
    carry += i < b.words_.size() ? b.words_[i] : 0;
    sum.words_.push_back(static_cast<uint32_t>(carry));
    carry >>= 32;
  }
  sum.trim();
  return sum;
}

Natural Natural::sub(const Natural &a, const Natural &b) {
  Natural difference = a;
  int64_t borrow = 0;
  for (size_t i = 0; i < a.words_.size(); ++i) {
    int64_t word = int64_t{a.words_[i]} - (i < b.words_.size() ? b.words_[i] : 0) - borrow;
    borrow = word < 0 ? 1 : 0;
    difference.words_[i] = static_cast<uint32_t>(word + (borrow << 32));
  }
  difference.trim();
  return difference;
}

Natural Natural::mul(const Natural &a, const Natural &b) {
  Natural product;
  product.words_.assign(a.words_.size() + b.words_.size(), 0);
  for (size_t i = 0; i < a.words_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.words_.size() || carry != 0; ++j) {
      carry += product.words_[i + j] + uint64_t{a.words_[i]} * (j < b.words_.size() ? b.words_[j] : 0);
      product.words_[i + j] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
  }
  product.trim();
  return product;
}

Natural Natural::shift_left(const Natural &a, size_t bits) {
  if (a.is_zero()) return a;
  Natural shifted;
  shifted.words_.assign(bits / 32, 0);
  uint64_t carry = 0;
  for (uint32_t word : a.words_) {
    carry |= uint64_t{word} << bits % 32;
    shifted.words_.push_back(static_cast<uint32_t>(carry));
    carry >>= 32;
  }
  shifted.words_.push_back(static_cast<uint32_t>(carry));
  shifted.trim();
  return shifted;
}

// Bit by bit: literals have a few hundred bits at most, and obvious beats fast here.
Natural::Division Natural::divide(const Natural &a, const Natural &b) {
  Division result;
  result.quotient.words_.assign(a.words_.size(), 0);
  for (size_t i = a.bits(); i-- > 0;) {
    result.remainder = shift_left(result.remainder, 1);
    if (a.bit(i)) result.remainder = add(result.remainder, Natural(1));
    if (compare(result.remainder, b) < 0) continue;
    result.remainder = sub(result.remainder, b);
    result.quotient.words_[i / 32] |= 1u << i % 32;
  }
  result.quotient.trim();
  return result;
}

Natural Natural::gcd(Natural a, Natural b) {
  while (!b.is_zero()) {
    Natural rest = divide(a, b).remainder;
    a = std::move(b);
    b = std::move(rest);
  }
  return a;
}

Rational::Rational(int64_t whole)
    : negative_(whole < 0), numerator_(whole < 0 ? 0 - static_cast<uint64_t>(whole) : static_cast<uint64_t>(whole)),
      denominator_(1) {}

std::optional<Rational> Rational::make(bool negative, Natural numerator, Natural denominator) {
  const Natural common = Natural::gcd(numerator, denominator);
  Rational r;
  r.numerator_ = Natural::divide(numerator, common).quotient;
  r.denominator_ = Natural::divide(denominator, common).quotient;
  r.negative_ = negative && !r.numerator_.is_zero();
  if (r.numerator_.bits() > kMaxRationalBits || r.denominator_.bits() > kMaxRationalBits) return std::nullopt;
  return r;
}

std::optional<Rational> Rational::parse(std::string_view text) {
  const size_t mark = text.find_first_of("eE");
  int64_t exponent = 0;
  if (mark != std::string_view::npos) {
    std::string_view tail = text.substr(mark + 1);
    if (tail.starts_with('+')) tail.remove_prefix(1);
    if (!parse_int(tail, exponent)) return std::nullopt;
  }
  Natural digits;
  int64_t count = 0;
  bool fraction = false;
  for (char c : text.substr(0, mark)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    digits = Natural::add(Natural::mul(digits, Natural(10)), Natural(static_cast<uint64_t>(c - '0')));
    if (fraction) --exponent;
    if (++count > kMaxLiteralDigits) return std::nullopt;
  }
  if (std::abs(exponent) > kMaxLiteralExponent) return std::nullopt;
  Natural power(1);
  for (int64_t i = std::abs(exponent); i > 0; --i) power = Natural::mul(power, Natural(10));
  return exponent < 0 ? make(false, digits, power) : make(false, Natural::mul(digits, power), Natural(1));
}

std::optional<Rational> Rational::add(const Rational &a, const Rational &b) {
  Natural left = Natural::mul(a.numerator_, b.denominator_);
  Natural right = Natural::mul(b.numerator_, a.denominator_);
  Natural bottom = Natural::mul(a.denominator_, b.denominator_);
  if (a.negative_ == b.negative_) return make(a.negative_, Natural::add(left, right), bottom);
  if (Natural::compare(left, right) >= 0) return make(a.negative_, Natural::sub(left, right), bottom);
  return make(b.negative_, Natural::sub(right, left), bottom);
}

std::optional<Rational> Rational::mul(const Rational &a, const Rational &b) {
  return make(a.negative_ != b.negative_, Natural::mul(a.numerator_, b.numerator_),
              Natural::mul(a.denominator_, b.denominator_));
}

std::optional<Rational> Rational::div(const Rational &a, const Rational &b) {
  return make(a.negative_ != b.negative_, Natural::mul(a.numerator_, b.denominator_),
              Natural::mul(a.denominator_, b.numerator_));
}

int Rational::compare(const Rational &a, const Rational &b) {
  if (a.negative_ != b.negative_) return a.negative_ ? -1 : 1;
  const int size =
      Natural::compare(Natural::mul(a.numerator_, b.denominator_), Natural::mul(b.numerator_, a.denominator_));
  return a.negative_ ? -size : size;
}

Rational Rational::negated() const {
  Rational r = *this;
  r.negative_ = !negative_ && !is_zero();
  return r;
}

bool Rational::is_whole() const { return Natural::compare(denominator_, Natural(1)) == 0; }

std::optional<int64_t> Rational::to_int64() const {
  const auto size = numerator_.to_u64();
  if (!is_whole() || !size) return std::nullopt;
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  if (negative_ ? *size > kLimit : *size >= kLimit) return std::nullopt;
  return negative_ ? static_cast<int64_t>(0 - *size) : static_cast<int64_t>(*size);
}

double Rational::round_to(const FloatFormat &format) const {
  if (is_zero()) return 0;
  // Exponent of the leading bit: 2^e <= |x| < 2^(e+1).
  int e = static_cast<int>(numerator_.bits()) - static_cast<int>(denominator_.bits());
  const auto scaled = [&](int exponent) {
    const auto up = static_cast<size_t>(std::max(-exponent, 0)), down = static_cast<size_t>(std::max(exponent, 0));
    return Natural::divide(Natural::shift_left(numerator_, up), Natural::shift_left(denominator_, down));
  };
  if (scaled(e).quotient.is_zero()) --e;
  const int unit = std::max(e - format.precision + 1, format.least_exponent);
  const auto division = scaled(unit);
  uint64_t mantissa = division.quotient.to_u64().value_or(0);
  const Natural divisor = Natural::shift_left(denominator_, static_cast<size_t>(std::max(unit, 0)));
  const int half = Natural::compare(Natural::shift_left(division.remainder, 1), divisor);
  if (half > 0 || (half == 0 && mantissa % 2 == 1)) ++mantissa;
  const double size = std::ldexp(static_cast<double>(mantissa), unit);
  const bool overflow = size >= std::ldexp(1.0, format.max_exponent) * 2;
  const double value = overflow ? std::numeric_limits<double>::infinity() : size;
  return negative_ ? -value : value;
}

std::string Rational::text() const {
  const auto top = numerator_.to_u64(), bottom = denominator_.to_u64();
  StringBuilder out;
  if (!top || !bottom) {
    out << round_to({53, -1074, 1023});
    return out.take();
  }
  if (negative_) out << '-';
  out << *top;
  if (*bottom != 1) out << '/' << *bottom;
  return out.take();
}

} // namespace sparkle::dsl
