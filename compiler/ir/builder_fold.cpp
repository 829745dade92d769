// Folding in Builder: constants, and identities that hold for every value of the operands.
#include "compiler/ir/builder.h"

#include <bit>

#include "compiler/ir/numeric.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// An index expression as base + offset.
struct Shifted {
  ExprId base;
  int64_t offset = 0;
};

Shifted split_offset(const Kernel &k, ExprId id) {
  const auto *e = std::get_if<Binary>(&k.expr(id));
  if (!e) return {id, 0};
  const auto c = k.constant(e->b);
  if (!c) return {id, 0};
  if (e->op == BinaryOp::kAdd) return {e->a, *c};
  const auto negated = checked_sub(0, *c);
  if (e->op == BinaryOp::kSub && negated) return {e->a, *negated};
  return {id, 0};
}

/// The constant c of `x op c`, with x in `base`.
std::optional<int64_t> constant_operand(const Kernel &k, ExprId id, BinaryOp op, ExprId &base) {
  const auto *e = std::get_if<Binary>(&k.expr(id));
  if (!e || e->op != op) return std::nullopt;
  const auto c = k.constant(e->b);
  if (c) base = e->a;
  return c;
}

bool is_real(const Kernel &k, ExprId id, double value) {
  const auto *e = std::get_if<FloatConst>(&k.expr(id));
  return e && std::bit_cast<uint64_t>(e->value) == std::bit_cast<uint64_t>(value);
}

bool commutes(BinaryOp op) { return op != BinaryOp::kSub && op != BinaryOp::kDiv && op != BinaryOp::kMod; }

/// The scalar that both operands are broadcasts of, if they are.
bool both_splats(const Kernel &k, ExprId &a, ExprId &b) {
  const auto *x = std::get_if<Broadcast>(&k.expr(a));
  const auto *y = std::get_if<Broadcast>(&k.expr(b));
  if (!x || !y) return false;
  a = x->a;
  b = y->a;
  return true;
}

} // namespace

ExprId Builder::unary(UnaryOp op, ExprId a) {
  const Type type = k_.type_of(a);
  SPARKLE_CHECK((op == UnaryOp::kNot) == (type.scalar == Scalar::kBool),
                "operand of a unary operation has type " + to_string(type));
  if (const auto *splat = std::get_if<Broadcast>(&k_.expr(a))) {
    const int lanes = splat->lanes;
    return broadcast(unary(op, splat->a), lanes);
  }
  if (op == UnaryOp::kNot) return negate(a);
  if (const auto *value = std::get_if<FloatConst>(&k_.expr(a)); value && type.scalar == Scalar::kF32)
    if (const auto folded = fold_unary_f32(op, value->value)) return real(type, *folded);
  if (const auto value = k_.constant(a)) {
    const auto negated = fold_binary_int(type.scalar, BinaryOp::kSub, 0, *value);
    if (op == UnaryOp::kNeg && negated) return integer(type, *negated);
    if (op == UnaryOp::kAbs && *value >= 0) return a;
    if (op == UnaryOp::kAbs && negated) return integer(type, *negated);
  }
  const auto *inner = std::get_if<Unary>(&k_.expr(a));
  if (op == UnaryOp::kNeg && inner && inner->op == UnaryOp::kNeg) return inner->a;
  return k_.intern(Unary{op, a});
}

ExprId Builder::negate(ExprId a) {
  if (const auto value = k_.constant(a)) return boolean(*value == 0);
  if (const auto *inner = std::get_if<Unary>(&k_.expr(a)); inner && inner->op == UnaryOp::kNot) return inner->a;
  const auto *c = std::get_if<Compare>(&k_.expr(a));
  if (!c) return k_.intern(Unary{UnaryOp::kNot, a});
  const Compare copy = *c;
  if (copy.op == CompareOp::kEq) return compare(CompareOp::kNe, copy.a, copy.b);
  if (copy.op == CompareOp::kNe) return compare(CompareOp::kEq, copy.a, copy.b);
  if (is_float(k_.type_of(copy.a).scalar)) return k_.intern(Unary{UnaryOp::kNot, a}); // NaN: not (a < b) is not b <= a.
  return compare(copy.op == CompareOp::kLt ? CompareOp::kLe : CompareOp::kLt, copy.b, copy.a);
}

ExprId Builder::binary(BinaryOp op, ExprId a, ExprId b) {
  match_lanes(a, b);
  const Type type = k_.type_of(a);
  SPARKLE_CHECK(type == k_.type_of(b), "operands of `" + std::string(name_of(op)) + "` are " + to_string(type) +
                                           " and " + to_string(k_.type_of(b)));
  const bool logical = op == BinaryOp::kAnd || op == BinaryOp::kOr;
  SPARKLE_CHECK(logical == (type.scalar == Scalar::kBool),
                "operands of `" + std::string(name_of(op)) + "` are " + to_string(type));
  if (both_splats(k_, a, b)) return broadcast(binary(op, a, b), type.lanes);
  if (logical) return fold_bool(op, a, b);
  return is_float(type.scalar) ? fold_float(op, a, b) : fold_int(op, a, b);
}

ExprId Builder::fold_bool(BinaryOp op, ExprId a, ExprId b) {
  if (a == b) return a;
  const bool absorbing = op == BinaryOp::kOr;
  const auto *x = std::get_if<Broadcast>(&k_.expr(a));
  const auto *y = std::get_if<Broadcast>(&k_.expr(b));
  if (const auto value = k_.constant(x ? x->a : a)) return (*value != 0) == absorbing ? a : b;
  if (const auto value = k_.constant(y ? y->a : b)) return (*value != 0) == absorbing ? b : a;
  return k_.intern(Binary{op, a, b});
}

/// Only what leaves every result bit as it was: x + -0, x - 0, x * 1, x / 1, min(x, x), max(x, x).
ExprId Builder::fold_float(BinaryOp op, ExprId a, ExprId b) {
  const Type type = k_.type_of(a);
  const auto *x = std::get_if<FloatConst>(&k_.expr(a));
  const auto *y = std::get_if<FloatConst>(&k_.expr(b));
  if (x && y && type == kF32Type)
    if (const auto value = fold_binary_f32(op, x->value, y->value)) return real(type, *value);
  const auto *splat_a = std::get_if<Broadcast>(&k_.expr(a));
  const auto *splat_b = std::get_if<Broadcast>(&k_.expr(b));
  const ExprId left = splat_a ? splat_a->a : a;
  const ExprId right = splat_b ? splat_b->a : b;
  switch (op) {
  case BinaryOp::kAdd:
    if (is_real(k_, right, -0.0)) return a;
    if (is_real(k_, left, -0.0)) return b;
    break;
  case BinaryOp::kSub:
    if (is_real(k_, right, 0.0)) return a;
    break;
  case BinaryOp::kMul:
    if (is_real(k_, left, 1.0)) return b;
    [[fallthrough]];
  case BinaryOp::kDiv:
    if (is_real(k_, right, 1.0)) return a;
    break;
  case BinaryOp::kMin:
  case BinaryOp::kMax:
    if (a == b) return a;
    break;
  default: break;
  }
  return k_.intern(Binary{op, a, b});
}

ExprId Builder::fold_int(BinaryOp op, ExprId a, ExprId b) {
  const Type type = k_.type_of(a);
  const auto x = k_.constant(a);
  const auto y = k_.constant(b);
  if (x && y)
    if (const auto value = fold_binary_int(type.scalar, op, *x, *y)) return integer(type, *value);
  if (x && !y && commutes(op)) std::swap(a, b);
  switch (op) {
  case BinaryOp::kAdd: return add_int(a, b);
  case BinaryOp::kSub: return sub_int(a, b);
  case BinaryOp::kMul: return mul_int(a, b);
  case BinaryOp::kDiv: return div_index(a, b);
  case BinaryOp::kMod: return mod_index(a, b);
  case BinaryOp::kMin:
  case BinaryOp::kMax: return min_max_int(op, a, b);
  default: return k_.intern(Binary{op, a, b});
  }
}

/// base + offset, written as a subtraction when the offset is negative.
ExprId Builder::with_offset(ExprId base, int64_t offset) {
  const Type type = k_.type_of(base);
  if (offset == 0) return base;
  if (const auto c = k_.constant(base))
    if (const auto value = fold_binary_int(type.scalar, BinaryOp::kAdd, *c, offset)) return integer(type, *value);
  if (offset < 0 && offset > least_value(type.scalar))
    return k_.intern(Binary{BinaryOp::kSub, base, integer(type, -offset)});
  return k_.intern(Binary{BinaryOp::kAdd, base, integer(type, offset)});
}

ExprId Builder::add_int(ExprId a, ExprId b) {
  const Type type = k_.type_of(a);
  if (const auto c = k_.constant(b)) {
    const Shifted x = split_offset(k_, a);
    const auto sum = fold_binary_int(type.scalar, BinaryOp::kAdd, x.offset, *c);
    return sum ? with_offset(x.base, *sum) : k_.intern(Binary{BinaryOp::kAdd, a, b});
  }
  const auto is_zero = [&](ExprId id) { // A vector of zeros.
    const auto *splat = std::get_if<Broadcast>(&k_.expr(id));
    return splat && k_.constant(splat->a) == 0;
  };
  if (is_zero(b)) return a;
  if (is_zero(a)) return b;
  // (x - y) + y
  if (const auto *e = std::get_if<Binary>(&k_.expr(a)); e && e->op == BinaryOp::kSub && e->b == b) return e->a;
  if (const auto *e = std::get_if<Binary>(&k_.expr(b)); e && e->op == BinaryOp::kSub && e->b == a) return e->a;
  return k_.intern(Binary{BinaryOp::kAdd, a, b});
}

ExprId Builder::sub_int(ExprId a, ExprId b) {
  const Type type = k_.type_of(a);
  if (a == b) return zero(type);
  if (const auto c = k_.constant(b)) {
    const Shifted x = split_offset(k_, a);
    const auto rest = fold_binary_int(type.scalar, BinaryOp::kSub, x.offset, *c);
    return rest ? with_offset(x.base, *rest) : k_.intern(Binary{BinaryOp::kSub, a, b});
  }
  const Shifted x = split_offset(k_, a);
  const Shifted y = split_offset(k_, b);
  const auto rest = fold_binary_int(type.scalar, BinaryOp::kSub, x.offset, y.offset);
  if (x.base == y.base && rest) return integer(type, *rest);
  const auto *sum = std::get_if<Binary>(&k_.expr(x.base));
  if (sum && sum->op == BinaryOp::kAdd && rest) {
    if (sum->a == y.base) return with_offset(sum->b, *rest);
    if (sum->b == y.base) return with_offset(sum->a, *rest);
  }
  return k_.intern(Binary{BinaryOp::kSub, a, b});
}

ExprId Builder::mul_int(ExprId a, ExprId b) {
  const Type type = k_.type_of(a);
  const auto *splat = std::get_if<Broadcast>(&k_.expr(b));
  const auto c = k_.constant(splat ? splat->a : b);
  if (!c) return k_.intern(Binary{BinaryOp::kMul, a, b});
  if (*c == 0) return b;
  if (*c == 1) return a;
  ExprId base = a;
  if (const auto inner = constant_operand(k_, a, BinaryOp::kMul, base)) {
    const auto product = fold_binary_int(type.scalar, BinaryOp::kMul, *inner, *c);
    if (product) return mul_int(base, integer(type, *product));
  }
  return k_.intern(Binary{BinaryOp::kMul, a, b});
}

/// Floor division. Products are taken apart for index only: i32 products may have wrapped.
ExprId Builder::div_index(ExprId a, ExprId b) {
  const Type type = k_.type_of(a);
  const auto c = k_.constant(b);
  if (c == 1 || k_.constant(a) == 0) return a;
  if (!c || *c <= 0 || type != kIndexType) return k_.intern(Binary{BinaryOp::kDiv, a, b});
  ExprId base = a;
  if (const auto factor = constant_operand(k_, a, BinaryOp::kMul, base); factor && *factor > 0) {
    if (*factor % *c == 0) return mul_int(base, index(*factor / *c));
    if (*c % *factor == 0) return div_index(base, index(*c / *factor));
  }
  if (const auto divisor = constant_operand(k_, a, BinaryOp::kDiv, base); divisor && *divisor > 0)
    if (const auto product = checked_mul(*divisor, *c)) return div_index(base, index(*product));
  if (const auto modulus = constant_operand(k_, a, BinaryOp::kMod, base); modulus && *modulus > 0 && *modulus <= *c)
    return index(0);
  return k_.intern(Binary{BinaryOp::kDiv, a, b});
}

ExprId Builder::mod_index(ExprId a, ExprId b) {
  const Type type = k_.type_of(a);
  const auto c = k_.constant(b);
  if (c == 1) return integer(type, 0);
  if (k_.constant(a) == 0) return a;
  if (!c || *c <= 0 || type != kIndexType) return k_.intern(Binary{BinaryOp::kMod, a, b});
  ExprId base = a;
  if (const auto factor = constant_operand(k_, a, BinaryOp::kMul, base); factor && *factor % *c == 0) return index(0);
  if (const auto modulus = constant_operand(k_, a, BinaryOp::kMod, base); modulus && *modulus > 0) {
    if (*c % *modulus == 0) return a;
    if (*modulus % *c == 0) return mod_index(base, b);
  }
  return k_.intern(Binary{BinaryOp::kMod, a, b});
}

ExprId Builder::min_max_int(BinaryOp op, ExprId a, ExprId b) {
  if (a == b) return a;
  const Type type = k_.type_of(a);
  ExprId base = a;
  const auto c = k_.constant(b);
  const auto inner = c ? constant_operand(k_, a, op, base) : std::nullopt;
  if (inner) return min_max_int(op, base, integer(type, *fold_binary_int(type.scalar, op, *inner, *c)));
  const Shifted x = split_offset(k_, a);
  const Shifted y = split_offset(k_, b);
  if (type == kIndexType && x.base == y.base) return (x.offset < y.offset) == (op == BinaryOp::kMin) ? a : b;
  return k_.intern(Binary{op, a, b});
}

ExprId Builder::compare(CompareOp op, ExprId a, ExprId b) {
  match_lanes(a, b);
  const Type type = k_.type_of(a);
  SPARKLE_CHECK(type == k_.type_of(b), "operands of `" + std::string(name_of(op)) + "` are " + to_string(type) +
                                           " and " + to_string(k_.type_of(b)));
  if (both_splats(k_, a, b)) return broadcast(compare(op, a, b), type.lanes);
  if (is_float(type.scalar)) {
    const auto *x = std::get_if<FloatConst>(&k_.expr(a));
    const auto *y = std::get_if<FloatConst>(&k_.expr(b));
    return x && y ? boolean(fold_compare(op, x->value, y->value)) : k_.intern(Compare{op, a, b});
  }
  const auto x = k_.constant(a);
  const auto y = k_.constant(b);
  if (x && y) return boolean(fold_compare(op, *x, *y));
  if (a == b) return broadcast(boolean(op == CompareOp::kEq || op == CompareOp::kLe), type.lanes);
  const Shifted left = split_offset(k_, a);
  const Shifted right = split_offset(k_, b);
  if (type == kIndexType && left.base == right.base) return boolean(fold_compare(op, left.offset, right.offset));
  return k_.intern(Compare{op, a, b});
}

} // namespace sparkle
