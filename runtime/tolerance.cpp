#include "runtime/tolerance.h"

#include <algorithm>
#include <cmath>

#include "compiler/analysis/element_functions.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

constexpr double kUnitRoundoff = 0x1p-24; ///< f32, to nearest.
constexpr double kHalfRoundoff = 0x1p-11;
constexpr double kBFloatRoundoff = 0x1p-8;
/// A half ULP is at most one unit roundoff of the value.
constexpr double kRoundingsPerUlp = 2;
constexpr double kDivisionUlps = 2.5; ///< Vulkan 1.3, Precision and Operation of SPIR-V Instructions; CPUs: 0.5.
/// Machines may take smaller numbers as 0.
constexpr double kLeastNormal = 0x1p-126;
/// A constant counts as dyadic when this many bits behind the point hold it.
constexpr int kDyadicBits = 10;

double roundoff(Scalar element) {
  if (element == Scalar::kF16) return kHalfRoundoff;
  return element == Scalar::kBF16 ? kBFloatRoundoff : kUnitRoundoff;
}

/// Adds up what the expressions of a program do.
class Survey {
public:
  Survey(const Program &program, const std::vector<int64_t> &symbols) : symbols_(symbols) {
    for (const Tensor &tensor : program.tensors)
      for (const Extent &extent : tensor.extents) largest_ = std::max(largest_, value(extent));
    for (const auto *kernels : {&program.prepack, &program.kernels})
      for (const Kernel &kernel : *kernels) add(kernel);
  }

  Tolerance result() const {
    Tolerance tolerance;
    tolerance.relative = roundings_ * kUnitRoundoff + narrowings_;
    tolerance.keeps_whole_numbers = is_whole_;
    tolerance.exact_magnitude = narrowings_ == 0 ? 1 / kUnitRoundoff / denominators_ : 0;
    tolerance.rounds_to_integers = rounds_to_integers_;
    return tolerance;
  }

private:
  double value(const Extent &extent) const {
    return static_cast<double>(extent.is_constant() ? extent.value : symbols_[index_of(extent.symbol)]);
  }

  void add(const Kernel &kernel) {
    for (uint32_t i = 0; i < kernel.expr_count(); ++i) add(kernel, static_cast<ExprId>(i));
  }

  void add(const Kernel &kernel, ExprId id) {
    const Type type = kernel.type_of(id);
    match(
        kernel.expr(id), [](const IntConst &) {}, [&](const FloatConst &constant) { add_constant(constant.value); },
        [](const VarRef &) {}, [&](const Unary &unary) { add_unary(unary, type); },
        [&](const Binary &binary) { add_binary(binary, type); }, [](const Compare &) {}, [](const Select &) {},
        [&](const Fma &) { roundings_ += 2; }, [&](const Cast &cast) { add_cast(kernel, cast); },
        [](const Bitcast &) {}, [](const Ramp &) {}, [](const Broadcast &) {}, [](const Shuffle &) {},
        [](const ReduceLanes &) {}, [](const Dot &) {}, [](const Read &) {},
        [&](const Reduce &reduce) { add_reduce(kernel, reduce, type); });
  }

  void add_constant(double constant) {
    int bits = 0;
    while (bits <= kDyadicBits && std::floor(std::ldexp(constant, bits)) != std::ldexp(constant, bits)) ++bits;
    if (bits > kDyadicBits && std::isfinite(constant)) is_whole_ = false;
    denominators_ = std::ldexp(denominators_, std::min(bits, kDyadicBits));
  }

  void add_unary(const Unary &unary, Type type) {
    if (!is_float(type.scalar)) return;
    const ElementFunction *function = element_function(unary.op);
    if (function) is_whole_ = false;
    roundings_ += function ? kRoundingsPerUlp * function->max_ulps : 1;
  }

  void add_binary(const Binary &binary, Type type) {
    if (!is_float(type.scalar)) return;
    const bool divides = binary.op == BinaryOp::kDiv || binary.op == BinaryOp::kMod;
    if (divides) is_whole_ = false;
    roundings_ += divides ? kRoundingsPerUlp * kDivisionUlps : 1;
  }

  void add_cast(const Kernel &kernel, const Cast &cast) {
    const Scalar from = kernel.type_of(cast.a).scalar;
    if (is_float(from) && is_integer(cast.type.scalar)) rounds_to_integers_ = true;
    if (cast.type.scalar == Scalar::kF16 || cast.type.scalar == Scalar::kBF16)
      narrowings_ += roundoff(cast.type.scalar);
  }

  void add_reduce(const Kernel &kernel, const Reduce &reduce, Type type) {
    if (!is_float(type.scalar)) return;
    double terms = 1;
    for (const ReduceAxis &axis : reduce.axes) terms *= length(kernel, axis);
    if (reduce.op == ReduceOp::kSum || reduce.op == ReduceOp::kProd) roundings_ += terms;
  }

  /// Bounds that depend on loops reach no farther than the largest tensor.
  double length(const Kernel &kernel, const ReduceAxis &axis) const {
    const auto begin = kernel.constant(axis.begin), end = kernel.constant(axis.end);
    if (begin && end) return static_cast<double>(std::max<int64_t>(*end - *begin, 0));
    const auto *ref = std::get_if<VarRef>(&kernel.expr(axis.end));
    if (begin == 0 && ref && kernel.var(ref->var).kind == VarKind::kSymbol)
      return static_cast<double>(symbols_[index_of(kernel.var(ref->var).symbol)]);
    return largest_;
  }

  const std::vector<int64_t> &symbols_;
  double largest_ = 1;
  double roundings_ = 0;
  double narrowings_ = 0; ///< Relative error of roundings to narrow types, added up.
  double denominators_ = 1;
  bool is_whole_ = true;
  bool rounds_to_integers_ = false;
};

} // namespace

Tolerance tolerance_of(const Program &imported, const std::vector<int64_t> &symbols) {
  return Survey(imported, symbols).result();
}

double allowed_error(const Tolerance &tolerance, Scalar element, double magnitude, bool whole_inputs) {
  if (whole_inputs && tolerance.keeps_whole_numbers && magnitude <= tolerance.exact_magnitude) return 0;
  if (!is_float(element)) return tolerance.rounds_to_integers ? 1 : 0;
  return (tolerance.relative + (element == Scalar::kF32 ? 0 : roundoff(element))) * magnitude + kLeastNormal;
}

} // namespace sparkle
