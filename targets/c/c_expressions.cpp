#include "targets/c/c_expressions.h"

#include <cmath>

#include "compiler/ir/numeric.h"
#include "compiler/support/match.h"

namespace sparkle::c {
namespace {

/// `&&` inside `||` is put in parentheses for the reader.
std::string operand_of_or(const Text &text) {
  return text.precedence == Precedence::kLogicalOr ? text.text : text.at_least(Precedence::kEquality);
}

bool is_small_float(Scalar type) { return type == Scalar::kF16 || type == Scalar::kBF16; }

} // namespace

Text ExpressionWriter::refuse(const std::string &what) {
  if (problem_.empty()) problem_ = what;
  return {"0", Precedence::kPrimary};
}

Text ExpressionWriter::infix(const char *op, Precedence precedence, const Text &a, const Text &b) const {
  // Operators group from the left: an equal one on the right needs parentheses.
  const auto tighter = static_cast<Precedence>(static_cast<int>(precedence) + 1);
  return {a.at_least(precedence) + " " + op + " " + b.at_least(tighter), precedence};
}

Text ExpressionWriter::text(ExprId id) {
  if (const auto local = scope_.locals.find(id); local != scope_.locals.end()) return {local->second};
  const auto type = [&](ExprId e) { return kernel_.type_of(e).scalar; };
  return match(
      kernel_.expr(id),
      [](const IntConst &c) {
        return c.type.scalar == Scalar::kBool ? Text{c.value != 0 ? "true" : "false"} : int_literal(c.value);
      },
      [&](const FloatConst &c) { return narrowed(c.type.scalar, float_literal(c.value)); },
      [&](const VarRef &ref) { return Text{scope_.vars.at(ref.var)}; }, [&](const Unary &node) { return unary(node); },
      [&](const Binary &node) { return binary(type(node.a), node.op, text(node.a), text(node.b)); },
      [&](const Compare &node) {
        const Text a = widened(type(node.a), text(node.a)), b = widened(type(node.b), text(node.b));
        switch (node.op) {
        case CompareOp::kEq: return infix("==", Precedence::kEquality, a, b);
        case CompareOp::kNe: return infix("!=", Precedence::kEquality, a, b);
        case CompareOp::kLt: return infix("<", Precedence::kRelational, a, b);
        case CompareOp::kLe: return infix("<=", Precedence::kRelational, a, b);
        }
        return refuse("a comparison");
      },
      [&](const Select &node) {
        return Text{text(node.cond).at_least(Precedence::kLogicalOr) + " ? " +
                        text(node.a).at_least(Precedence::kConditional) + " : " +
                        text(node.b).at_least(Precedence::kConditional),
                    Precedence::kConditional};
      },
      [&](const Fma &node) {
        return call("fmaf", {text(node.a), text(node.b), text(node.c)});
      },
      [&](const Cast &node) { return cast(type(node.a), node.type.scalar, text(node.a)); },
      [&](const Read &read) {
        const Text inside = element(read.buffer, read.indices);
        if (!is_valid(read.guard)) return inside;
        return Text{text(read.guard).at_least(Precedence::kLogicalOr) + " ? " + inside.text + " : " +
                        text(read.other).at_least(Precedence::kConditional),
                    Precedence::kConditional};
      },
      [&](const Reduce &) { return refuse("a reduction out of place"); },
      [&](const auto &other) { return refuse("`" + std::string(node_info(Expr(other)).name) + "`"); });
}

Text ExpressionWriter::element(BufferId id, const std::vector<ExprId> &indices) {
  const Buffer &buffer = kernel_.buffer(id);
  Text offset{"0"};
  for (size_t d = 0; d < indices.size(); ++d) {
    if (kernel_.constant(indices[d]) == 0) continue;
    Text term = text(indices[d]);
    if (kernel_.constant(buffer.strides[d]) != 1)
      term = infix("*", Precedence::kMultiplicative, term, text(buffer.strides[d]));
    offset = offset.text == "0" ? term : infix("+", Precedence::kAdditive, offset, term);
  }
  return {scope_.buffers.at(id) + "[" + offset.text + "]"};
}

Text ExpressionWriter::widened(Scalar type, Text value) {
  if (type == Scalar::kF16) return call("half_to_f32", {value});
  if (type == Scalar::kBF16) return call("bfloat_to_f32", {value});
  return value;
}

Text ExpressionWriter::narrowed(Scalar type, Text value) {
  if (type == Scalar::kF16) return call("f32_to_half", {value});
  if (type == Scalar::kBF16) return call("f32_to_bfloat", {value});
  return value;
}

Text ExpressionWriter::binary(Scalar type, BinaryOp op, const Text &a, const Text &b) {
  // These two associate: no parentheses on the right either.
  if (op == BinaryOp::kAnd)
    return {a.at_least(Precedence::kLogicalAnd) + " && " + b.at_least(Precedence::kLogicalAnd),
            Precedence::kLogicalAnd};
  if (op == BinaryOp::kOr) return {operand_of_or(a) + " || " + operand_of_or(b), Precedence::kLogicalOr};
  if (is_float(type)) return narrowed(type, float_binary(op, widened(type, a), widened(type, b)));
  if (type == Scalar::kIndex) return index_binary(op, a, b);
  const Text value = i32_binary(op, a, b);
  if (type == Scalar::kI32) return value;
  return {"(" + std::string(c_type(type, false)) + ")" + value.at_least(Precedence::kUnary), Precedence::kUnary};
}

Text ExpressionWriter::float_binary(BinaryOp op, const Text &a, const Text &b) {
  switch (op) {
  case BinaryOp::kAdd: return infix("+", Precedence::kAdditive, a, b);
  case BinaryOp::kSub: return infix("-", Precedence::kAdditive, a, b);
  case BinaryOp::kMul: return infix("*", Precedence::kMultiplicative, a, b);
  case BinaryOp::kDiv: return infix("/", Precedence::kMultiplicative, a, b);
  case BinaryOp::kMod: return call("floor_mod_f32", {a, b});
  case BinaryOp::kMin: return call("min_f32", {a, b});
  case BinaryOp::kMax: return call("max_f32", {a, b});
  default: return refuse("`and` of floats");
  }
}

Text ExpressionWriter::index_binary(BinaryOp op, const Text &a, const Text &b) {
  const bool wide = scope_.wide_index;
  switch (op) {
  case BinaryOp::kAdd: return infix("+", Precedence::kAdditive, a, b);
  case BinaryOp::kSub: return infix("-", Precedence::kAdditive, a, b);
  case BinaryOp::kMul: return infix("*", Precedence::kMultiplicative, a, b);
  case BinaryOp::kDiv: return call(wide ? "floor_div_i64" : "floor_div", {a, b});
  case BinaryOp::kMod: return call(wide ? "floor_mod_i64" : "floor_mod", {a, b});
  case BinaryOp::kMin: return call(wide ? "min_i64" : "min_i32", {a, b});
  case BinaryOp::kMax: return call(wide ? "max_i64" : "max_i32", {a, b});
  default: return refuse("`and` of indices");
  }
}

Text ExpressionWriter::i32_binary(BinaryOp op, const Text &a, const Text &b) {
  switch (op) {
  case BinaryOp::kAdd: return call("add_i32", {a, b});
  case BinaryOp::kSub: return call("sub_i32", {a, b});
  case BinaryOp::kMul: return call("mul_i32", {a, b});
  case BinaryOp::kDiv: return call("floor_div", {a, b});
  case BinaryOp::kMod: return call("floor_mod", {a, b});
  case BinaryOp::kMin: return call("min_i32", {a, b});
  case BinaryOp::kMax: return call("max_i32", {a, b});
  default: return refuse("`and` of integers");
  }
}

Text ExpressionWriter::unary(const Unary &node) {
  const Scalar type = kernel_.type_of(node.a).scalar;
  const Text operand = text(node.a);
  if (node.op == UnaryOp::kNot) return {"!" + operand.at_least(Precedence::kPrimary), Precedence::kUnary};
  if (!is_float(type)) {
    if (node.op == UnaryOp::kNeg) return binary(type, BinaryOp::kSub, {"0"}, operand);
    if (node.op != UnaryOp::kAbs) return refuse("`" + std::string(name_of(node.op)) + "` of integers");
    if (type == Scalar::kIndex)
      return binary(type, BinaryOp::kMax, operand, binary(type, BinaryOp::kSub, {"0"}, operand));
    const Text value = call("abs_i32", {operand});
    return type == Scalar::kI32 ? value
                                : Text{"(" + std::string(c_type(type, false)) + ")" + value.text, Precedence::kUnary};
  }
  const Text a = widened(type, operand);
  const auto one = [&](std::string_view name) { return narrowed(type, call(name, {a})); };
  switch (node.op) {
  case UnaryOp::kNeg: return narrowed(type, {"-" + a.at_least(Precedence::kPrimary), Precedence::kUnary});
  case UnaryOp::kAbs: return one("fabsf");
  case UnaryOp::kFloor: return one("floorf");
  case UnaryOp::kCeil: return one("ceilf");
  case UnaryOp::kRound: return one("rintf");
  case UnaryOp::kTrunc: return one("truncf");
  case UnaryOp::kSqrt: return one("sqrtf");
  case UnaryOp::kRsqrt: return one("rsqrt_f32");
  case UnaryOp::kExp: return one("expf");
  case UnaryOp::kLog: return one("logf");
  case UnaryOp::kTanh: return one("tanhf");
  case UnaryOp::kSigmoid: return one("sigmoid_f32");
  case UnaryOp::kErf: return one("erff");
  case UnaryOp::kNot: break;
  }
  return refuse("an operation");
}

Text ExpressionWriter::cast(Scalar from, Scalar to, Text value) {
  if (from == to) return value;
  if (is_small_float(from)) return cast(Scalar::kF32, to, widened(from, value));
  if (is_small_float(to)) return narrowed(to, cast(from, Scalar::kF32, value));
  if (to == Scalar::kF32) return {"(float)" + value.at_least(Precedence::kUnary), Precedence::kUnary};
  return to_integer(from, to, value);
}

Text ExpressionWriter::to_integer(Scalar from, Scalar to, Text value) {
  const bool wide = scope_.wide_index;
  if (to == Scalar::kBool) return refuse("conversions to bool");
  if (from == Scalar::kF32) {
    if (to == Scalar::kIndex) return call(wide ? "f32_to_i64" : "f32_to_i32", {value});
    return call("f32_to_" + std::string(name_of(to)), {value});
  }
  const bool widens = greatest_value(from) <= greatest_value(to) && least_value(from) >= least_value(to);
  const bool same_width =
      !wide && (from == Scalar::kIndex || from == Scalar::kI32) && (to == Scalar::kIndex || to == Scalar::kI32);
  if (widens || same_width)
    return {"(" + std::string(c_type(to, wide)) + ")" + value.at_least(Precedence::kUnary), Precedence::kUnary};
  if (from == Scalar::kIndex && wide) value = call("saturate_i32", {value});
  return to == Scalar::kI32 ? value : call("saturate_" + std::string(name_of(to)), {value});
}

Text ExpressionWriter::identity(Scalar type, ReduceOp op) {
  const auto of_type = [&](double real, int64_t whole) {
    return is_float(type) ? narrowed(type, float_literal(real)) : int_literal(whole);
  };
  switch (op) {
  case ReduceOp::kSum: return of_type(0, 0);
  case ReduceOp::kProd: return of_type(1, 1);
  case ReduceOp::kMin: return of_type(HUGE_VAL, is_float(type) ? 0 : greatest_value(type));
  case ReduceOp::kMax: return of_type(-HUGE_VAL, is_float(type) ? 0 : least_value(type));
  }
  return refuse("a reduction");
}

} // namespace sparkle::c
