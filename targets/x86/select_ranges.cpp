// What is known of expressions before they are selected: what whole numbers may be, and what no loop changes.
#include <algorithm>
#include <bit>

#include "compiler/ir/numeric.h"
#include "compiler/support/match.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr Interval kSigned16{-0x8000, 0x7FFF};
constexpr int kLeastBytes = 16;
constexpr int64_t kLowHalf = 0xFFFF;

Interval least(const Interval &a, const Interval &b) { return {std::min(*a.lo, *b.lo), std::min(*a.hi, *b.hi)}; }
Interval greatest(const Interval &a, const Interval &b) { return {std::max(*a.lo, *b.lo), std::max(*a.hi, *b.hi)}; }

} // namespace

Interval Selector::whole_range(ExprId id) {
  return k_.type_of(id).scalar == Scalar::kIndex ? bounds(k_, id, ranges_) : i32_range(id);
}

/// Of every node, so that a sum that wraps is anything.
Interval Selector::i32_range(ExprId id) {
  const Interval all = values_of(k_.type_of(id).scalar);
  if (!is_integer(k_.type_of(id).scalar) || !all.is_bounded()) return all;
  if (const auto known = i32_ranges_.find(id); known != i32_ranges_.end()) return known->second;
  Interval range = all;
  const Expr &expr = k_.expr(id);
  if (const auto *constant = std::get_if<IntConst>(&expr)) range = Interval::point(constant->value);
  if (const auto *splat = std::get_if<Broadcast>(&expr)) range = i32_range(splat->a);
  if (const auto *choice = std::get_if<Select>(&expr)) range = hull(i32_range(choice->a), i32_range(choice->b));
  if (const auto *cast = std::get_if<Cast>(&expr); cast && !is_float(k_.type_of(cast->a).scalar))
    if (const Interval from = i32_range(cast->a); from.is_bounded())
      range = least(greatest(from, {all.lo, all.lo}), {all.hi, all.hi});
  if (const auto *binary = std::get_if<Binary>(&expr)) {
    const Interval a = i32_range(binary->a), b = i32_range(binary->b);
    switch (binary->op) {
    case BinaryOp::kAdd: range = add(a, b); break;
    case BinaryOp::kSub: range = add(a, scale(b, -1)); break;
    case BinaryOp::kMul: range = multiply(a, b); break;
    case BinaryOp::kMin: range = least(a, b); break;
    case BinaryOp::kMax: range = greatest(a, b); break;
    case BinaryOp::kDiv: range = {std::min<int64_t>(*a.lo, 0), std::max<int64_t>(*a.hi, 0)}; break;
    case BinaryOp::kMod: range = {0, *b.hi - 1}; break;
    default: break;
    }
  }
  if (!is_within(range, all)) range = all;
  i32_ranges_.emplace(id, range);
  return range;
}

// ---- What no loop changes

bool Selector::is_invariant(ExprId id) {
  if (!has_uniforms_) return false;
  const Expr &expr = k_.expr(id);
  const auto *splat = std::get_if<Broadcast>(&expr);
  const Expr &root = splat ? k_.expr(splat->a) : expr;
  const bool is_leaf = std::holds_alternative<VarRef>(root) || std::holds_alternative<IntConst>(root) ||
                       std::holds_alternative<FloatConst>(root);
  return !is_leaf && k_.type_of(id).scalar != Scalar::kIndex && find_invariant(id);
}

bool Selector::find_invariant(ExprId id) {
  if (const auto known = is_invariant_.find(id); known != is_invariant_.end()) return known->second;
  const auto all = [&](std::initializer_list<ExprId> ids) {
    return std::ranges::all_of(ids, [&](ExprId inner) { return find_invariant(inner); });
  };
  const bool answer = match(
      k_.expr(id), [](const IntConst &) { return true; }, [](const FloatConst &) { return true; },
      [&](const VarRef &e) { return k_.var(e.var).kind == VarKind::kUniform; },
      [&](const Unary &e) { return all({e.a}); },
      [&](const Binary &e) {
        return all({e.a, e.b});
      },
      [&](const Compare &e) {
        return all({e.a, e.b});
      },
      [&](const Select &e) {
        return all({e.cond, e.a, e.b});
      },
      [&](const Fma &e) {
        return all({e.a, e.b, e.c});
      },
      [&](const Cast &e) { return all({e.a}); }, [&](const Bitcast &e) { return all({e.a}); },
      [&](const Ramp &) { return false; }, [&](const Broadcast &e) { return all({e.a}); },
      [](const Shuffle &) { return false; }, [](const ReduceLanes &) { return false; },
      [](const Dot &) { return false; }, [](const Read &) { return false; }, [](const Reduce &) { return false; });
  return is_invariant_[id] = answer;
}

// ---- Products with numbers that expanded loops decide, like the weights of a window

std::optional<Selector::Multiple> Selector::known_multiple(ExprId id) {
  const Type type = k_.type_of(id);
  const auto *product = std::get_if<Binary>(&k_.expr(id));
  if (!product || product->op != BinaryOp::kMul || type.scalar != Scalar::kI32 || !type.is_vector())
    return std::nullopt;
  const auto number = [&](ExprId lanes) {
    const auto *splat = std::get_if<Broadcast>(&k_.expr(lanes));
    return splat ? emit(splat->a).number : std::nullopt;
  };
  if (const auto b = number(product->b)) return Multiple{product->a, *b};
  if (const auto a = number(product->a)) return Multiple{product->b, *a};
  return std::nullopt;
}

std::optional<Value> Selector::known_product(const Multiple &multiple, Type type, const Parts *into) {
  const Value zero = widen(Value{type.with_lanes(1), {}, 0}, type.lanes);
  if (multiple.number == 0) return zero;
  if (multiple.number == 1) return emit(multiple.of, into);
  if (multiple.number == -1) return whole_binary(BinaryOp::kSub, zero, emit(multiple.of), {}, into);
  if (multiple.number < 0 || !std::has_single_bit(static_cast<uint64_t>(multiple.number))) return std::nullopt;
  const Value power = widen(Value{type.with_lanes(1), {}, multiple.number}, type.lanes);
  return whole_binary(BinaryOp::kMul, emit(multiple.of), power, {}, into);
}

/// a + -2 * b is a - 2 * b; nothing is added of what is multiplied by 0.
std::optional<Value> Selector::known_sum(const Binary &e, const Parts *into) {
  if (e.op != BinaryOp::kAdd) return std::nullopt;
  const auto multiple = known_multiple(e.b);
  if (!multiple || multiple->number > 0) return std::nullopt;
  if (multiple->number == 0) return emit(e.a, into);
  const auto right = known_product({multiple->of, -multiple->number}, k_.type_of(e.b), nullptr);
  if (!right) return std::nullopt;
  return whole_binary(BinaryOp::kSub, emit(e.a), *right, {}, into);
}

// ---- Short products

/// vpmaddwd takes half the work of vpmulld. It adds the product of the upper halves, which is 0 where those of one
/// operand are: of numbers that are not negative, or cut to 16 bits.
std::optional<Value> Selector::short_product(const Binary &e, const Parts *into) {
  const Type type = k_.type_of(e.a);
  if (e.op != BinaryOp::kMul || type.scalar != Scalar::kI32 || !type.is_vector()) return std::nullopt;
  const Interval a = i32_range(e.a), b = i32_range(e.b);
  if (!is_within(a, kSigned16) || !is_within(b, kSigned16)) return std::nullopt;
  if (a.is_point() || b.is_point()) return std::nullopt; // A shift, perhaps.
  const bool is_plain = *a.lo >= 0 || *b.lo >= 0;
  const bool cuts_b = std::holds_alternative<Broadcast>(k_.expr(e.b));
  const Value left = is_plain || cuts_b ? emit(e.a) : low_halves(e.a, type.lanes);
  const Value right = !is_plain && cuts_b ? low_halves(e.b, type.lanes) : emit(e.b);
  into = unless_crossed(into, {&left, &right});
  return each_part(type, into, [&](size_t i, int bytes, VReg to) {
    return b_.vector(Op::kIMulHalves, std::max(bytes, kLeastBytes), left.parts[i], right.parts[i], kNoId<VReg>, to);
  });
}

/// Scalars are cut before they fill a vector.
Value Selector::low_halves(ExprId id, int lanes) {
  if (const auto *splat = std::get_if<Broadcast>(&k_.expr(id))) {
    const Value scalar = emit(splat->a);
    if (scalar.number) return widen(Value{scalar.type, {}, *scalar.number & kLowHalf}, lanes);
    return widen(Value{scalar.type, {b_.general(Op::kGAnd, 4, scalar.parts[0], kLowHalf)}}, lanes);
  }
  const Value all = emit(id);
  return each_part(all.type, nullptr, [&](size_t i, int bytes, VReg) {
    bytes = std::max(bytes, kLeastBytes);
    return b_.vector(Op::kIAnd, bytes, all.parts[i], lanes_of(static_cast<uint32_t>(kLowHalf), bytes));
  });
}

} // namespace sparkle::x86
