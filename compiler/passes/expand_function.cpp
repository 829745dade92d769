#include "compiler/passes/expand_function.h"

#include <limits>
#include <span>

#include "compiler/passes/expand_coefficients.h"
#include "compiler/support/check.h"

namespace sparkle {
namespace {

constexpr double kLog2E = 1.44269504;
/// ln 2 in two parts: the first has 10 bits, so that its products with numbers below 2^14 are exact.
constexpr double kLn2High = 0.693359375;
constexpr double kLn2Low = -2.12194440e-4;
/// Added to a small number n it leaves n, rounded, in the last bits: 1.5 * 2^23.
constexpr double kShift = 12582912;
/// The same with the bias of an exponent added, once and twice.
constexpr double kShiftOnce = kShift + 127;
constexpr double kShiftTwice = kShift + 254;
constexpr int64_t kMantissa = int64_t{1} << 23;
constexpr double kLeastNormal = 0x1p-126;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Bits of 2/3: mantissas are taken from [2/3, 4/3), where the logarithm is small.
constexpr int64_t kTwoThirds = 0x3f2aaaab;

class FunctionWriter {
public:
  FunctionWriter(Builder &b, Type type, const BindFn &bind) : b_(b), type_(type), bind_(bind) {}

  ExprId exp(ExprId x);
  ExprId log(ExprId x);
  ExprId tanh(ExprId x);
  ExprId sigmoid(ExprId x);
  ExprId erf(ExprId x);

private:
  struct Power {
    ExprId mantissa; ///< e^(x - n ln 2)
    ExprId bits;     ///< i32: n + the shift's bias in the last bits, 0 in the next ones.
  };
  Power power(ExprId x, double shift);
  ExprId small_exp(ExprId x);
  ExprId divide(ExprId dividend, ExprId divisor);
  ExprId polynomial(std::span<const double> coefficients, ExprId x);
  ExprId with_sign_of(ExprId x, ExprId magnitude);

  ExprId real(double value) { return b_.real(type_, value); }
  ExprId name(const char *name, ExprId value) { return bind_(name, value); }
  Type int_type() const { return kI32Type.with_lanes(type_.lanes); }
  ExprId integer(int64_t value) { return b_.integer(int_type(), value); }
  ExprId to_bits(ExprId value) { return b_.bitcast(int_type(), value); }
  ExprId from_bits(ExprId bits) { return b_.bitcast(type_, bits); }
  ExprId absolute(ExprId x) { return b_.unary(UnaryOp::kAbs, x); }
  ExprId negative(ExprId x) { return b_.unary(UnaryOp::kNeg, x); }

  Builder &b_;
  Type type_;
  const BindFn &bind_;
};

/// Horner's rule; the highest coefficient comes last.
ExprId FunctionWriter::polynomial(std::span<const double> coefficients, ExprId x) {
  ExprId sum = real(coefficients.back());
  for (size_t i = coefficients.size() - 1; i-- > 0;) sum = b_.fma(sum, x, real(coefficients[i]));
  return sum;
}

/// x = n ln 2 + r: rounding to n happens where the sum with the shift loses the bits behind the point.
FunctionWriter::Power FunctionWriter::power(ExprId x, double shift) {
  const ExprId shifted = name("exp_at", b_.fma(x, real(kLog2E), real(shift)));
  const ExprId n = name("exp_n", b_.sub(shifted, real(shift)));
  // Exact, and no multiply-add: machines that do those in two steps might take both products of n as one.
  const ExprId rest = name("exp_d", b_.sub(x, b_.mul(n, real(kLn2High))));
  const ExprId r = name("exp_r", b_.fma(n, real(-kLn2Low), rest));
  const ExprId slope = b_.fma(polynomial(kExpCoefficients, r), r, real(1));
  return {name("exp_m", b_.fma(slope, r, real(1))), to_bits(shifted)};
}

/// 2^n as two factors, for one cannot hold those whose product is subnormal, or overflows. Shifts left drop what
/// the bits of kShift are, those of its half too.
ExprId FunctionWriter::exp(ExprId x) {
  const Power p = power(name("exp_in", b_.max(x, real(-104))), kShiftTwice);
  const ExprId bits = name("exp_bits", p.bits);
  const ExprId half = name("exp_half", b_.div(bits, integer(2)));
  const ExprId first = from_bits(b_.mul(half, integer(kMantissa)));
  const ExprId second = from_bits(b_.mul(b_.sub(bits, half), integer(kMantissa)));
  const ExprId product = name("exp_p", b_.mul(b_.mul(p.mantissa, first), second));
  // NaN takes this way too: there are machines whose max loses it.
  return name("exp", b_.select(b_.less(x, real(89)), product, b_.add(x, real(kInfinity))));
}

/// For operands between -87 and 88.
ExprId FunctionWriter::small_exp(ExprId x) {
  const Power p = power(x, kShiftOnce);
  return name("exp", b_.mul(p.mantissa, from_bits(b_.mul(p.bits, integer(kMantissa)))));
}

/// x = 2^k (1 + f), f in [-1/3, 1/3): k ln 2 + f + f^2 q(f).
ExprId FunctionWriter::log(ExprId x) {
  const ExprId is_small = b_.less(x, real(kLeastNormal));
  const ExprId scaled = name("log_in", to_bits(b_.select(is_small, b_.mul(x, real(kMantissa)), x)));
  const ExprId exponent = name("log_at", b_.div(b_.sub(scaled, integer(kTwoThirds)), integer(kMantissa)));
  const ExprId mantissa = from_bits(b_.sub(scaled, b_.mul(exponent, integer(kMantissa))));
  const ExprId k = name("log_k", b_.add(b_.cast(type_, exponent), b_.select(is_small, real(-23), real(0))));
  const ExprId f = name("log_f", b_.sub(mantissa, real(1)));
  const ExprId q = polynomial(kLogCoefficients, f);
  const ExprId tail = b_.fma(b_.mul(f, f), q, b_.mul(k, real(kLn2Low)));
  const ExprId sum = name("log_sum", b_.fma(k, real(kLn2High), b_.add(f, tail)));
  // 0, numbers below it, infinity and NaN.
  const ExprId undefined = b_.select(b_.less(x, real(0)), real(std::numeric_limits<double>::quiet_NaN()), x);
  const ExprId special = b_.select(b_.compare(CompareOp::kEq, x, real(0)), real(-kInfinity), undefined);
  const ExprId is_usual = b_.both(b_.less(real(0), x), b_.less(x, real(kInfinity)));
  return name("log", b_.select(is_usual, sum, special));
}

/// Corrected by what is left, for machines whose division is a few ulp off. The divisor is in [1, 2^30].
ExprId FunctionWriter::divide(ExprId dividend, ExprId divisor) {
  const ExprId inverse = name("inverse", b_.div(real(1), divisor));
  const ExprId quotient = name("quotient", b_.mul(dividend, inverse));
  const ExprId rest = b_.fma(negative(quotient), divisor, dividend);
  return b_.fma(rest, inverse, quotient);
}

/// NaN stays NaN even where `magnitude` has lost it.
ExprId FunctionWriter::with_sign_of(ExprId x, ExprId magnitude) {
  const ExprId positive = b_.select(b_.less(real(0), x), magnitude, x);
  return b_.select(b_.less(x, real(0)), negative(magnitude), positive);
}

/// e^-|x| cannot overflow; above 0 it is 1 / (1 + e^-x), below e^x / (1 + e^x).
ExprId FunctionWriter::sigmoid(ExprId x) {
  const ExprId e = exp(negative(absolute(x)));
  const ExprId dividend = name("sigmoid_a", b_.select(b_.less(x, real(0)), e, real(1)));
  const ExprId divisor = name("sigmoid_b", b_.add(e, real(1)));
  return name("sigmoid", divide(dividend, divisor));
}

/// Near 0 x + x^3 q(x^2), elsewhere 1 - 2 / (e^2|x| + 1), which is 1 from 9.02 on.
ExprId FunctionWriter::tanh(ExprId x) {
  const ExprId magnitude = name("tanh_in", absolute(x));
  const ExprId held = b_.min(magnitude, real(9.5));
  const ExprId divisor = name("tanh_b", b_.add(small_exp(name("tanh_held", b_.add(held, held))), real(1)));
  const ExprId far_part = name("tanh_far", b_.sub(real(1), divide(real(2), divisor)));
  const ExprId square = name("tanh_xx", b_.mul(x, x));
  const ExprId odd = b_.fma(b_.mul(square, polynomial(kTanhCoefficients, square)), x, x);
  const ExprId near_part = b_.select(b_.less(magnitude, real(0x1p-14)), x, odd); // Keeps -0.
  return name("tanh", b_.select(b_.less(magnitude, real(kTanhNear)), near_part, with_sign_of(x, far_part)));
}

/// Near 0 x + x p(x^2), elsewhere 1 - e^(-t - t q(t)), t = |x|, which is 1 from 3.92 on.
ExprId FunctionWriter::erf(ExprId x) {
  const ExprId magnitude = name("erf_in", absolute(x));
  const ExprId square = name("erf_xx", b_.mul(x, x));
  const ExprId near_part = b_.fma(polynomial(kErfNearCoefficients, square), x, x);
  const ExprId held = name("erf_held", b_.min(magnitude, real(4)));
  const ExprId exponent = name("erf_e", b_.fma(polynomial(kErfFarCoefficients, held), held, negative(held)));
  const ExprId far_part = name("erf_far", b_.sub(real(1), small_exp(exponent)));
  return name("erf", b_.select(b_.less(magnitude, real(kErfNear)), near_part, with_sign_of(x, far_part)));
}

} // namespace

bool is_expanded(UnaryOp op) {
  return op == UnaryOp::kExp || op == UnaryOp::kLog || op == UnaryOp::kTanh || op == UnaryOp::kSigmoid ||
         op == UnaryOp::kErf;
}

ExprId expand_function(Builder &b, UnaryOp op, ExprId x, const BindFn &bind) {
  const Type type = b.kernel().type_of(x);
  FunctionWriter writer(b, type, bind);
  const ExprId operand = bind("in", x);
  switch (op) {
  case UnaryOp::kExp: return writer.exp(operand);
  case UnaryOp::kLog: return writer.log(operand);
  case UnaryOp::kTanh: return writer.tanh(operand);
  case UnaryOp::kSigmoid: return writer.sigmoid(operand);
  case UnaryOp::kErf: return writer.erf(operand);
  default: break;
  }
  SPARKLE_CHECK(false, "not an expanded function");
}

} // namespace sparkle
