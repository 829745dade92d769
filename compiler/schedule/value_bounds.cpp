#include "compiler/schedule/value_bounds.h"

#include <algorithm>

#include "compiler/analysis/imported.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Terms whose values are added up one by one; of larger sums nothing is known.
constexpr int64_t kCountedTerms = 64;

class Evaluator {
public:
  Evaluator(const Kernel &kernel, const TensorBounds &tensors) : kernel_(kernel), tensors_(tensors) {}

  Interval of(ExprId id, const Ranges &ranges) const {
    const Expr &expr = kernel_.expr(id);
    const Interval limits = values_of(kernel_.type_of(id).scalar);
    Interval values;
    if (const auto *e = std::get_if<IntConst>(&expr)) values = Interval::point(e->value);
    if (const auto *e = std::get_if<Read>(&expr)) values = of_read(*e, ranges);
    if (const auto *e = std::get_if<Cast>(&expr)) values = of_cast(*e, limits, ranges);
    if (const auto *e = std::get_if<Binary>(&expr)) values = of_binary(*e, ranges);
    if (const auto *e = std::get_if<Reduce>(&expr)) values = of_reduce(*e, ranges);
    if (const auto *e = std::get_if<Select>(&expr)) {
      const auto known = prove(kernel_, e->cond, ranges);
      values = known ? of(*known ? e->a : e->b, ranges) : hull(of(e->a, ranges), of(e->b, ranges));
    }
    return is_within(values, limits) ? values : Interval{};
  }

private:
  Interval of_read(const Read &e, const Ranges &ranges) const {
    const Buffer &buffer = kernel_.buffer(e.buffer);
    const auto known = tensors_.find(buffer.tensor);
    const Interval inside = known != tensors_.end() ? known->second : values_of(buffer.element);
    return is_valid(e.guard) ? hull(inside, of(e.other, ranges)) : inside;
  }

  /// Narrowing saturates.
  Interval of_cast(const Cast &e, const Interval &limits, const Ranges &ranges) const {
    const bool is_whole = is_integer(kernel_.type_of(e.a).scalar);
    const Interval operand = is_whole ? of(e.a, ranges) : Interval{};
    if (!operand.is_bounded() || !limits.is_bounded()) return limits;
    return {std::clamp(*operand.lo, *limits.lo, *limits.hi), std::clamp(*operand.hi, *limits.lo, *limits.hi)};
  }

  Interval of_binary(const Binary &e, const Ranges &ranges) const {
    const Interval a = of(e.a, ranges), b = of(e.b, ranges);
    if (!a.is_bounded() || !b.is_bounded()) return {};
    switch (e.op) {
    case BinaryOp::kAdd: return add(a, b);
    case BinaryOp::kSub: return add(a, scale(b, -1));
    case BinaryOp::kMul: return multiply(a, b);
    case BinaryOp::kMin: return {std::min(*a.lo, *b.lo), std::min(*a.hi, *b.hi)};
    case BinaryOp::kMax: return {std::max(*a.lo, *b.lo), std::max(*a.hi, *b.hi)};
    case BinaryOp::kDiv:
      if (b.is_point() && *b.lo > 0) return {floor_div(*a.lo, *b.lo), floor_div(*a.hi, *b.lo)};
      return {};
    default: return {};
    }
  }

  Interval of_reduce(const Reduce &e, const Ranges &ranges) const {
    int64_t terms = 1;
    for (const ReduceAxis &axis : e.axes) {
      const auto begin = kernel_.constant(axis.begin), end = kernel_.constant(axis.end);
      if (!begin || !end || *end <= *begin || *end - *begin > kCountedTerms) return {};
      terms *= *end - *begin;
      if (terms > kCountedTerms) return {};
    }
    if (e.op != ReduceOp::kSum) return {};
    Interval sum = Interval::point(0);
    for (int64_t number = 0; number < terms; ++number) sum = add(sum, of_term(e, ranges, number));
    return sum;
  }

  /// Of term `number` in the order of the text; what a filter leaves out is 0.
  Interval of_term(const Reduce &e, Ranges ranges, int64_t number) const {
    for (size_t i = e.axes.size(); i-- > 0;) {
      const int64_t begin = *kernel_.constant(e.axes[i].begin);
      const int64_t count = *kernel_.constant(e.axes[i].end) - begin;
      ranges.push(e.axes[i].var, Interval::point(begin + number % count));
      number /= count;
    }
    const Interval value = of(e.body, ranges);
    return is_valid(e.filter) ? hull(value, Interval::point(0)) : value;
  }

  const Kernel &kernel_;
  const TensorBounds &tensors_;
};

} // namespace

Interval value_bounds(const Kernel &kernel, ExprId value, const Ranges &ranges, const TensorBounds &tensors) {
  return is_integer(kernel.type_of(value).scalar) ? Evaluator(kernel, tensors).of(value, ranges) : Interval{};
}

TensorBounds tensor_bounds(const Program &program) {
  TensorBounds all;
  for (const Kernel &kernel : program.kernels) {
    const Definition def = definition_of(kernel);
    Ranges ranges;
    for (const DefinitionDim &dim : def.dims) ranges.push_loop(kernel, dim.var, dim.begin, dim.end);
    const Interval values = value_bounds(kernel, def.store->value, ranges, all);
    if (values.is_bounded()) all[kernel.buffer(def.store->buffer).tensor] = values;
  }
  return all;
}

bool fits_16_bits(const Interval &values) {
  return is_within(values, {0, UINT16_MAX}) || is_within(values, {INT16_MIN, INT16_MAX});
}

} // namespace sparkle
