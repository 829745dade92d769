#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "compiler/ir/numeric.h"
#include "compiler/ir/parser_impl.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

struct Operator {
  std::string_view text;
  int level; ///< As in printer_expr.cpp.
};
constexpr int kCompareLevel = 3;
constexpr Operator kOperators[] = {{"or", 1}, {"and", 2}, {"==", 3}, {"!=", 3}, {"<", 3}, {"<=", 3},
                                   {"+", 4},  {"-", 4},   {"*", 5},  {"/", 5},  {"%", 5}};

int level_of(const Token &token) {
  if (token.kind != TokenKind::kPunct && token.kind != TokenKind::kWord) return -1;
  for (const Operator &op : kOperators)
    if (op.text == token.text) return op.level;
  return -1;
}

bool parse_type(std::string_view text, Type &out) {
  if (parse_scalar(text, out.scalar)) return true;
  const size_t x = text.rfind('x');
  if (x == std::string_view::npos || !parse_scalar(text.substr(0, x), out.scalar)) return false;
  int lanes = 0;
  const char *end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data() + x + 1, end, lanes);
  if (failure != std::errc() || stop != end || lanes < 2 || lanes > kMaxIrLanes) return false;
  out.lanes = static_cast<uint16_t>(lanes);
  return true;
}

} // namespace

Type Parser::type() {
  Type result;
  if (peek().kind != TokenKind::kWord || !parse_type(peek().text, result)) {
    syntax_error("expected a type");
    return kIndexType;
  }
  take();
  return result;
}

/// Interns, and refuses trees so deep that walking them could exhaust the stack.
ExprId Parser::add(Expr e) {
  int depth = 0;
  const auto below = [&](ExprId id) {
    if (is_valid(id)) depth = std::max(depth, depths_[index_of(id)] + 1);
  };
  const auto all_below = [&](const std::vector<ExprId> &ids) { std::for_each(ids.begin(), ids.end(), below); };
  match(
      e, [](const IntConst &) {}, [](const FloatConst &) {}, [](const VarRef &) {}, [&](const Unary &n) { below(n.a); },
      [&](const Binary &n) {
        all_below({n.a, n.b});
      },
      [&](const Compare &n) {
        all_below({n.a, n.b});
      },
      [&](const Select &n) {
        all_below({n.cond, n.a, n.b});
      },
      [&](const Fma &n) {
        all_below({n.a, n.b, n.c});
      },
      [&](const Cast &n) { below(n.a); }, [&](const Bitcast &n) { below(n.a); }, [&](const Ramp &n) { below(n.base); },
      [&](const Broadcast &n) { below(n.a); }, [&](const Shuffle &n) { all_below(n.inputs); },
      [&](const ReduceLanes &n) { below(n.a); },
      [&](const Dot &n) {
        all_below({n.acc, n.a, n.b});
      },
      [&](const Read &n) {
        all_below(n.indices);
        all_below({n.guard, n.other});
      },
      [&](const Reduce &n) {
        for (const ReduceAxis &axis : n.axes) all_below({axis.begin, axis.end});
        all_below({n.body, n.filter});
      });
  if (depth > kMaxIrExprDepth && !failed_) {
    error("ir-limit", peek().range, "an expression nests more than " + std::to_string(kMaxIrExprDepth) + " deep");
    failed_ = true;
  }
  const ExprId id = k_.intern(std::move(e));
  depths_.resize(k_.expr_count(), 0);
  depths_[index_of(id)] = depth;
  return id;
}

ExprId Parser::binary(int least) {
  const Nesting nesting(*this);
  ExprId left = unary();
  for (int limit = 99;;) {
    const int level = level_of(peek());
    if (level < std::max(least, 1) || level > limit || at_line_end()) return left;
    const std::string op = take().text;
    const ExprId right = binary(level + 1);
    if (level == kCompareLevel) {
      left = add(Compare{*parse_name<CompareOp>(op), left, right});
      limit = kCompareLevel - 1; // Comparisons do not chain.
    } else {
      left = add(Binary{*parse_name<BinaryOp>(op), left, right});
    }
  }
}

ExprId Parser::unary() {
  if (at("-")) {
    take();
    const TokenKind next = peek().kind;
    if (next == TokenKind::kInt || next == TokenKind::kFloat || at("inf") || at("nan")) return literal(true);
    const Nesting nesting(*this);
    return add(Unary{UnaryOp::kNeg, unary()});
  }
  if (!accept("not")) return primary();
  const Nesting nesting(*this);
  return add(Unary{UnaryOp::kNot, unary()});
}

ExprId Parser::primary() {
  const Token &token = peek();
  switch (token.kind) {
  case TokenKind::kInt:
  case TokenKind::kFloat: return literal(false);
  case TokenKind::kVar: return variable(take());
  case TokenKind::kBuffer: {
    const BufferId from = buffer();
    return add(Read{from, indices()});
  }
  case TokenKind::kWord: return word();
  default: break;
  }
  if (at("(")) return parenthesis();
  syntax_error("expected an expression");
  return any_index();
}

/// `(expression)`, or a guarded read: `(@src[i] if guard else other)`.
ExprId Parser::parenthesis() {
  expect("(");
  ++open_;
  const ExprId inner = expr();
  ExprId result = inner;
  if (at("if")) {
    const auto *read = std::get_if<Read>(&k_.expr(inner));
    if (!read || is_valid(read->guard)) {
      syntax_error("only a read can have a guard");
      return inner;
    }
    Read guarded = *read;
    take();
    guarded.guard = expr();
    if (accept("else")) guarded.other = expr();
    result = add(std::move(guarded));
  }
  --open_;
  expect(")");
  return result;
}

ExprId Parser::variable(const Token &token) {
  const auto found = vars_.find(token.text);
  if (found != vars_.end()) return add(VarRef{found->second});
  error("ir-name", token.range, "no variable `%" + token.text + "` is bound before this");
  return any_index();
}

ExprId Parser::literal(bool negative) {
  if (peek().kind == TokenKind::kWord) return special_float(negative);
  const Token token = take();
  if (token.kind == TokenKind::kInt) return int_literal(token, negative);
  double value = 0;
  float narrow = 0;
  const char *begin = token.text.data();
  const char *end = begin + token.text.size();
  // Directly to f32, in one rounding; what overflows f32 is refused.
  if (std::from_chars(begin, end, narrow).ec != std::errc()) {
    std::from_chars(begin, end, value);
    if (value != 0) error("ir-value", token.range, "a constant beyond f32");
  }
  return float_literal(negative ? -narrow : narrow);
}

ExprId Parser::float_literal(double value) {
  const SourceRange range = peek().range;
  const Type t = accept(":") ? type() : kF32Type;
  if (!is_float(t.scalar)) {
    error("ir-value", range, "a fraction of type " + to_string(t));
    return any_index();
  }
  return add(FloatConst{t, round_to(t.scalar, value)});
}

ExprId Parser::special_float(bool negative) {
  const Token head = take();
  double value = std::numeric_limits<double>::infinity();
  if (head.text == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
    if (accept("(")) {
      const Token digits = take();
      uint64_t bits = 0;
      const std::string_view hex = std::string_view(digits.text).substr(std::min<size_t>(2, digits.text.size()));
      const auto failure = std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16).ec;
      value = std::bit_cast<double>(bits);
      if (failure != std::errc() || value == value) error("ir-value", digits.range, "expected the bits of a NaN");
      expect(")");
    }
  }
  const Type t = accept(":") ? type() : kF32Type;
  if (!is_float(t.scalar)) error("ir-value", head.range, "`" + head.text + "` of type " + to_string(t));
  return add(FloatConst{t, negative ? -value : value});
}

ExprId Parser::int_literal(const Token &token, bool negative) {
  const std::string digits = (negative ? "-" : "") + token.text;
  int64_t value = 0;
  const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || stop != digits.data() + digits.size())
    error("ir-value", token.range, "`" + digits + "` is not a whole number of 64 bits");
  const Type t = accept(":") ? type() : kIndexType;
  if (is_float(t.scalar)) return add(FloatConst{t, round_to(t.scalar, static_cast<double>(value))});
  if (value < least_value(t.scalar) || value > greatest_value(t.scalar))
    error("ir-value", token.range, "`" + digits + "` does not fit in " + to_string(t));
  return add(IntConst{t, value});
}

ExprId Parser::word() {
  if (at("inf") || at("nan")) return special_float(false);
  const Token head = take();
  if (head.text == "true" || head.text == "false") return add(IntConst{kBoolType, head.text == "true"});
  if (at("[")) {
    if (const auto op = parse_name<ReduceOp>(head.text)) return reduce(*op);
  }
  return call(head);
}

ExprId Parser::call(const Token &head) {
  constexpr std::string_view kBits = "bits_";
  if (!at("(")) {
    syntax_error("expected `(` after `" + head.text + "`");
    return any_index();
  }
  take();
  ++open_;
  ExprId result = any_index();
  Type t;
  if (head.text == "ramp") {
    result = ramp();
  } else if (head.text == "broadcast") {
    result = broadcast();
  } else if (head.text == "shuffle") {
    result = shuffle();
  } else if (parse_type(head.text, t)) {
    result = add(Cast{t, expr()});
  } else if (head.text.starts_with(kBits) && parse_type(std::string_view(head.text).substr(kBits.size()), t)) {
    result = add(Bitcast{t, expr()});
  } else {
    std::vector<ExprId> arguments = {expr()};
    while (accept(",")) arguments.push_back(expr());
    result = call_op(head.text, arguments, head.range);
  }
  --open_;
  expect(")");
  return result;
}

ExprId Parser::call_op(const std::string &head, const std::vector<ExprId> &a, SourceRange range) {
  constexpr std::string_view kLanes = "_lanes";
  if (head.ends_with(kLanes) && a.size() == 1)
    if (const auto op = parse_name<ReduceOp>(head.substr(0, head.size() - kLanes.size())))
      return add(ReduceLanes{*op, a[0]});
  if (const auto op = parse_name<UnaryOp>(head); op && a.size() == 1) return add(Unary{*op, a[0]});
  if (a.size() == 2 && head == "min") return add(Binary{BinaryOp::kMin, a[0], a[1]});
  if (a.size() == 2 && head == "max") return add(Binary{BinaryOp::kMax, a[0], a[1]});
  if (a.size() == 3 && head == "select") return add(Select{a[0], a[1], a[2]});
  if (a.size() == 3 && head == "fma") return add(Fma{a[0], a[1], a[2]});
  if (a.size() == 3 && head == "dot") return add(Dot{a[0], a[1], a[2]});
  error("ir-name", range, "no function `" + head + "` of " + std::to_string(a.size()) + " arguments");
  return any_index();
}

ExprId Parser::ramp() {
  const ExprId base = expr();
  expect(",");
  const int64_t stride = integer();
  expect(",");
  return add(Ramp{base, stride, small_integer(1, kMaxIrLanes)});
}

ExprId Parser::broadcast() {
  const ExprId a = expr();
  expect(",");
  return add(Broadcast{a, small_integer(1, kMaxIrLanes)});
}

ExprId Parser::shuffle() {
  Shuffle e;
  e.inputs = indices();
  expect(",");
  for (int64_t lane : integers()) {
    if (lane < 0 || lane > std::numeric_limits<int>::max())
      error("ir-value", peek().range, "a lane number out of range");
    e.indices.push_back(static_cast<int>(lane));
  }
  if (e.indices.size() > static_cast<size_t>(kMaxIrLanes)) {
    error("ir-limit", peek().range, "more than " + std::to_string(kMaxIrLanes) + " lanes");
    e.indices.clear();
  }
  return add(std::move(e));
}

/// `sum[%k in 0..3, %c in 0..64 where cond](body)`
ExprId Parser::reduce(ReduceOp op) {
  Reduce e{op, {}, kNoId<ExprId>};
  expect("[");
  ++open_;
  while (peek().kind == TokenKind::kVar) {
    const Token token = take();
    expect("in");
    const ExprId begin = expr();
    expect("..");
    e.axes.push_back({bind(token, kIndexType, VarKind::kAxis), begin, expr()});
    if (!accept(",")) break;
  }
  if (accept("where")) e.filter = expr();
  expect("]");
  expect("(");
  e.body = expr();
  --open_;
  expect(")");
  return add(std::move(e));
}

} // namespace sparkle
