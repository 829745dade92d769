#include <algorithm>
#include <cmath>

#include "compiler/support/match.h"
#include "dsl/check_impl.h"
#include "dsl/limits.h"

namespace sparkle::dsl {
namespace {

bool is_comparison(BinaryOp op) { return op >= BinaryOp::kEq && op <= BinaryOp::kGe; }
bool is_logical(BinaryOp op) { return op <= BinaryOp::kAnd; }
bool picks_one(BinaryOp op) { return op >= BinaryOp::kMin; }
bool divides(BinaryOp op) { return op == BinaryOp::kDiv || op == BinaryOp::kMod; }

bool keeps_whole(BinaryOp op) {
  return op == BinaryOp::kAdd || op == BinaryOp::kSub || op == BinaryOp::kMul || picks_one(op);
}

/// Whether a float of this form is a whole number, or not finite, whatever the data (docs/language.md, casts).
bool whole_by_construction(const CheckedKernel &kernel, const Expr &expr) {
  const auto whole = [&](ExprId id) { return kernel.exprs[id].whole || !is_float(kernel.exprs[id].type); };
  return match(
      expr, [](const Literal &l) { return std::trunc(l.number) == l.number; },
      [&](const Unary &unary) { return whole(unary.operand); },
      [&](const Binary &binary) { return keeps_whole(binary.op) && whole(binary.lhs) && whole(binary.rhs); },
      [&](const Select &select) { return whole(select.if_true) && whole(select.if_false); },
      [&](const Apply &apply) {
        if (apply.function == Function::kAbs) return whole(apply.operand);
        return apply.function >= Function::kFloor;
      },
      [&](const Cast &cast) { return whole(cast.operand); }, [](const auto &) { return false; });
}

bool constant_read(const CheckedKernel &kernel, const Read &read) {
  const TensorRole role = kernel.tensors[read.tensor].role;
  bool constant = role == TensorRole::kConst || role == TensorRole::kTable;
  for (const Definition &definition : kernel.definitions)
    if (definition.target == read.tensor && role == TensorRole::kLet) constant = definition.constant;
  for (const Access &access : read.access)
    if (is_valid(access.value)) constant = constant && kernel.exprs[access.value].constant;
  return constant;
}

} // namespace

Typed Checker::literal(Rational value, SourceRange range) {
  return {Typed::State::kLiteral, std::move(value), 0, kNoId<ExprId>, range};
}

/// Adds a node whose facts follow from its children's.
Typed Checker::add_value(Expr expr, Elem type, SourceRange range, const std::vector<ExprId> &children) {
  if (kernel_.exprs.size() >= kMaxTypedNodes) {
    if (!too_large_)
      error("too-large", range,
            "the kernel has more than " + std::to_string(kMaxTypedNodes) + " operations with its functions in place");
    too_large_ = true;
    return {};
  }
  ExprNode node{std::move(expr), type, range, false, true, true, false, own_.call};
  for (ExprId child : children) {
    if (!is_valid(child)) return {};
    node.has_index = node.has_index || kernel_.exprs[child].has_index;
    node.compile_time = node.compile_time && kernel_.exprs[child].compile_time;
    node.constant = node.constant && kernel_.exprs[child].constant;
  }
  if (std::holds_alternative<IndexRef>(node.expr)) {
    node.has_index = true;
    node.compile_time = false;
  } else if (const auto *read = std::get_if<Read>(&node.expr)) {
    node.compile_time = false;
    node.constant = constant_read(kernel_, *read);
  } else if (const auto *scalar = std::get_if<ScalarRef>(&node.expr)) {
    node.compile_time = false;
    node.constant = kernel_.scalars[scalar->scalar].constant;
  }
  node.whole = is_float(type) && whole_by_construction(kernel_, node.expr);
  const ExprId id = kernel_.exprs.add(std::move(node));
  return {Typed::State::kValue, {}, 0, id, range};
}

ExprId Checker::literal_of(const Typed &value, Elem type) {
  Literal result;
  const std::string shown = value.infinite != 0 ? "inf" : value.literal.text();
  const std::string type_name(name_of(type));
  if (type == Elem::kBool) {
    error("type-mismatch", value.range, "expected a condition, found the number " + shown);
    return kNoId<ExprId>;
  }
  bool fits = true;
  if (is_float(type)) {
    result.number = value.infinite != 0 ? value.infinite * HUGE_VAL : value.literal.round_to(format_of(type));
    fits = value.infinite != 0 || std::isfinite(result.number);
  } else if (value.infinite == 0 && !value.literal.is_whole()) {
    error("literal-not-whole", value.range, shown + " is not a whole number, and `" + type_name + "` is due here");
    return kNoId<ExprId>;
  } else {
    const auto whole = value.literal.to_int64();
    const IntegerRange range = range_of(type);
    fits = value.infinite == 0 && whole && *whole >= range.least && *whole <= range.greatest;
    result.whole = whole.value_or(0);
  }
  if (fits) return add_value(result, type, value.range, {}).id;
  error("literal-range", value.range, shown + " does not fit into `" + type_name + "`");
  return kNoId<ExprId>;
}

/// To what arithmetic computes in; exact.
ExprId Checker::widen(ExprId id) {
  const Elem type = kernel_.exprs[id].type;
  if (widened(type) == type) return id;
  return add_value(Cast{id}, widened(type), kernel_.exprs[id].range, {id}).id;
}

/// Literals take the type, storage types widen to it; every other change of type must be written.
ExprId Checker::coerce(const Typed &value, Elem type) {
  if (!value.valid()) return kNoId<ExprId>;
  if (value.is_literal()) return literal_of(value, type);
  const Elem from = type_of(value);
  if (from == type) return value.id;
  if (widened(from) == type) return widen(value.id);
  auto &d = error("type-mismatch", value.range,
                  "expected `" + std::string(name_of(type)) + "`, found `" + std::string(name_of(from)) + "`");
  if (is_data(type))
    d.hint = "write `" + std::string(name_of(type)) + "(...)`" +
             (is_float(from) && !is_float(type) ? " around `round`, `floor`, `ceil` or `trunc`" : "");
  return kNoId<ExprId>;
}

void Checker::error_types(const Typed &a, const Typed &b, SourceRange range, std::string_view what) {
  const Elem left = type_of(a), right = type_of(b);
  auto &d =
      error("type-mismatch", range,
            std::string(what) + " of `" + std::string(name_of(left)) + "` with `" + std::string(name_of(right)) + "`");
  if (left == Elem::kBool || right == Elem::kBool) return;
  const Elem to = is_float(left) || is_float(right) ? Elem::kF32 : Elem::kI32;
  const bool mend_left = left == Elem::kInt || !is_float(left);
  const SourceRange place = mend_left ? a.range : b.range;
  d.hint = "write `" + std::string(name_of(to)) + "(...)` around the " + (mend_left ? "left" : "right") + " one";
  d.fixes.push_back({{place.begin, place.begin}, std::string(name_of(to)) + "("});
  d.fixes.push_back({{place.end, place.end}, ")"});
}

Typed Checker::check_binary(const AstBinary &binary, SourceRange range, Expected expected) {
  const Expected inner = is_comparison(binary.op) || is_logical(binary.op) ? std::nullopt : expected;
  const Typed a = check_expr(binary.lhs, inner);
  const Typed b = check_expr(binary.rhs, inner);
  if (!a.valid() || !b.valid()) return {};
  if (is_logical(binary.op)) return logical(binary.op, a, b, range);
  return arithmetic(binary.op, a, b, range);
}

Typed Checker::logical(BinaryOp op, const Typed &a, const Typed &b, SourceRange range) {
  if (a.is_literal() || b.is_literal() || type_of(a) != Elem::kBool || type_of(b) != Elem::kBool) {
    error("type-mismatch", range, "`" + std::string(name_of(op)) + "` joins conditions");
    return {};
  }
  return add_value(Binary{op, a.id, b.id}, Elem::kBool, range, {a.id, b.id});
}

Typed Checker::fold(BinaryOp op, const Typed &a, const Typed &b, SourceRange range) {
  std::optional<Rational> value;
  if (picks_one(op)) {
    const bool less = Rational::compare(a.literal, b.literal) < 0;
    value = (op == BinaryOp::kMax) == less ? b.literal : a.literal;
  } else if (divides(op) && b.literal.is_zero()) {
    error("divisor-not-positive", b.range, "division by zero");
    return {};
  } else if (op == BinaryOp::kMod) {
    const auto x = a.literal.to_int64(), y = b.literal.to_int64();
    if (!x || !y || *y <= 0) {
      error("divisor-not-positive", range, "`%` takes whole numbers, and a positive one on the right");
      return {};
    }
    value = Rational((*x % *y + *y) % *y);
  } else if (op == BinaryOp::kAdd)
    value = Rational::add(a.literal, b.literal);
  else if (op == BinaryOp::kSub)
    value = Rational::sub(a.literal, b.literal);
  else if (op == BinaryOp::kMul)
    value = Rational::mul(a.literal, b.literal);
  else
    value = Rational::div(a.literal, b.literal);
  if (value) return literal(*value, range);
  error("literal-range", range, "the value can't be kept exactly: too many digits");
  return {};
}

/// Gives both sides one type, if they can have one. Literals follow the other side.
bool Checker::unify(BinaryOp op, Typed &a, Typed &b) {
  const auto retype = [&](Typed &side, Elem type) {
    side = {Typed::State::kValue, {}, 0, coerce(side, type), side.range};
    return is_valid(side.id);
  };
  if (a.is_literal() && b.is_literal()) {
    const bool whole = a.infinite == 0 && b.infinite == 0 && a.literal.is_whole() && b.literal.is_whole();
    const Elem type = whole ? Elem::kInt : Elem::kF32;
    return retype(a, type) && retype(b, type);
  }
  if (a.is_literal() || b.is_literal()) {
    const Elem type = type_of(a.is_literal() ? b : a);
    const Elem target = picks_one(op) ? type : widened(type);
    return retype(a, target) && retype(b, target);
  }
  if (picks_one(op) && type_of(a) == type_of(b)) return true;
  a.id = widen(a.id);
  b.id = widen(b.id);
  return is_valid(a.id) && is_valid(b.id);
}

Typed Checker::arithmetic(BinaryOp op, Typed a, Typed b, SourceRange range) {
  if (!a.valid() || !b.valid()) return {};
  const bool literals = a.is_literal() && b.is_literal() && a.infinite == 0 && b.infinite == 0;
  if (literals && !is_comparison(op)) return fold(op, a, b, range);
  if (!unify(op, a, b) || !operands_allowed(op, a, b, range)) return {};
  return add_value(Binary{op, a.id, b.id}, is_comparison(op) ? Elem::kBool : type_of(a), range, {a.id, b.id});
}

bool Checker::operands_allowed(BinaryOp op, const Typed &a, const Typed &b, SourceRange range) {
  const std::string shown = "`" + std::string(name_of(op)) + "`";
  if (type_of(a) != type_of(b)) {
    error_types(a, b, range, shown);
    return false;
  }
  const Elem type = type_of(a);
  if (type == Elem::kBool) {
    error("type-mismatch", range, shown + " does not take conditions").hint = "join them with `&&`, `||` and `!`";
    return false;
  }
  if (type == Elem::kInt) return int_operands_allowed(op, a, b, range);
  if (op == BinaryOp::kMod && is_float(type)) {
    error("type-mismatch", range, "`%` takes whole numbers").hint = "write `x - y * floor(x / y)`";
    return false;
  }
  return !divides(op) || is_float(type) || divisor_allowed(b, range);
}

/// Index arithmetic is quasi-affine: at most one factor of a product, and no divisor, holds an index.
bool Checker::int_operands_allowed(BinaryOp op, const Typed &a, const Typed &b, SourceRange range) {
  if (op == BinaryOp::kMul && kernel_.exprs[a.id].has_index && kernel_.exprs[b.id].has_index) {
    error("index-not-affine", range, "a product of two expressions that hold indices").hint =
        context_.in_subscript ? "subscripts are sums of indices times sizes" : "as data, write `i32(...) * i32(...)`";
    return false;
  }
  return !divides(op) || divisor_allowed(b, range);
}

bool Checker::divisor_allowed(const Typed &divisor, SourceRange range) {
  const ExprNode &node = kernel_.exprs[divisor.id];
  const auto *cast = std::get_if<Cast>(&node.expr);
  const bool of_int = cast != nullptr && kernel_.exprs[cast->operand].type == Elem::kInt;
  const bool simple = node.type == Elem::kInt || of_int || std::holds_alternative<Literal>(node.expr);
  if (!node.compile_time || !simple) {
    error("divisor-not-constant", range,
          "whole numbers are divided by what is known when the kernel is compiled: literals, dimensions, `int`s")
        .hint = node.compile_time ? "write one `i32(...)` around the whole divisor" : "divide as `f32`, and round";
    return false;
  }
  const auto *literal = std::get_if<Literal>(&node.expr);
  if (literal == nullptr || literal->whole > 0) return true;
  error("divisor-not-positive", divisor.range,
        "the divisor is " + std::to_string(literal->whole) + ", and must be positive");
  return false;
}

} // namespace sparkle::dsl
