#include <algorithm>
#include <array>

#include "dsl/limits.h"
#include "dsl/parser_impl.h"

namespace sparkle::dsl {
namespace {

struct Operator {
  std::string_view text;
  BinaryOp op;
  int level; ///< 0 binds least.
};
constexpr int kComparisonLevel = 2, kUnaryLevel = 5;
constexpr std::array<Operator, 13> kOperators = {{{"||", BinaryOp::kOr, 0},
                                                  {"&&", BinaryOp::kAnd, 1},
                                                  {"==", BinaryOp::kEq, kComparisonLevel},
                                                  {"!=", BinaryOp::kNe, kComparisonLevel},
                                                  {"<", BinaryOp::kLt, kComparisonLevel},
                                                  {"<=", BinaryOp::kLe, kComparisonLevel},
                                                  {">", BinaryOp::kGt, kComparisonLevel},
                                                  {">=", BinaryOp::kGe, kComparisonLevel},
                                                  {"+", BinaryOp::kAdd, 3},
                                                  {"-", BinaryOp::kSub, 3},
                                                  {"*", BinaryOp::kMul, 4},
                                                  {"/", BinaryOp::kDiv, 4},
                                                  {"%", BinaryOp::kMod, 4}}};

const Operator *operator_at(const Token &token, int level) {
  if (token.kind != TokenKind::kSymbol) return nullptr;
  for (const Operator &candidate : kOperators)
    if (candidate.level == level && candidate.text == token.text) return &candidate;
  return nullptr;
}

std::optional<ReduceOp> reduction_named(std::string_view word) {
  for (auto op : {ReduceOp::kSum, ReduceOp::kProd, ReduceOp::kMax, ReduceOp::kMin, ReduceOp::kMean})
    if (name_of(op) == word) return op;
  return std::nullopt;
}

} // namespace

AstId Parser::add(AstExpr expr, uint32_t begin, const std::vector<AstId> &children) {
  int depth = 0;
  for (AstId child : children)
    if (is_valid(child)) depth = std::max(depth, exprs_[child].depth);
  const SourceRange range = since(begin);
  if (depth + 1 > kMaxExpressionDepth) {
    auto &d = diagnostics_.error("too-deep", range,
                                 "an expression more than " + std::to_string(kMaxExpressionDepth) + " operators deep");
    d.hint = "name a part of it with `let` or `fn`";
    at_ = tokens_.size() - 1;
    given_up_ = true;
    return kNoId<AstId>;
  }
  return exprs_.add({std::move(expr), range, depth + 1});
}

AstId Parser::add(AstExpr expr, uint32_t begin, std::initializer_list<AstId> children) {
  return add(std::move(expr), begin, std::vector<AstId>(children));
}

AstId Parser::parse_binary(int level) {
  if (level == kUnaryLevel) return parse_unary();
  const uint32_t begin = peek().range.begin;
  AstId lhs = parse_binary(level + 1);
  bool compared = false;
  while (is_valid(lhs)) {
    const Operator *found = operator_at(peek(), level);
    if (found == nullptr) break;
    if (compared) {
      return report_chain(lhs);
    }
    take();
    const AstId rhs = parse_binary(level + 1);
    if (!is_valid(rhs)) return rhs;
    lhs = add(AstBinary{found->op, lhs, rhs}, begin, {lhs, rhs});
    compared = level == kComparisonLevel;
  }
  return lhs;
}

AstId Parser::parse_unary() {
  const uint32_t begin = peek().range.begin;
  if (!at_symbol("-") && !at_symbol("!")) return parse_primary();
  if (nesting_ >= kMaxNesting) return stop_too_deep(), kNoId<AstId>;
  const UnaryOp op = take().text == "-" ? UnaryOp::kNegate : UnaryOp::kNot;
  ++nesting_;
  const AstId operand = parse_unary();
  --nesting_;
  if (!is_valid(operand)) return operand;
  return add(AstUnary{op, operand}, begin, {operand});
}

bool Parser::starts_reduce() const {
  return peek().kind == TokenKind::kKeyword && reduction_named(peek().text) && !at_symbol("(", 1);
}

AstId Parser::parse_primary() {
  const Token &token = peek();
  if (token.kind == TokenKind::kNumber) return parse_number();
  if (at_keyword("inf")) {
    take();
    return add(AstInf{}, token.range.begin, {});
  }
  if (nesting_ >= kMaxNesting) return stop_too_deep(), kNoId<AstId>;
  ++nesting_;
  AstId result = kNoId<AstId>;
  const bool callable = elem_named(token.text) || token.text == "min" || token.text == "max";
  if (accept("(")) {
    result = parse_expr();
    if (is_valid(result) && !expect(")", "to close the bracket")) result = kNoId<AstId>;
  } else if (starts_reduce())
    result = parse_reduce();
  else if (token.kind == TokenKind::kName && !at_symbol("(", 1))
    result = parse_name_or_read();
  else if (token.kind == TokenKind::kName || (token.kind == TokenKind::kKeyword && callable))
    result = parse_call();
  else if (token.kind == TokenKind::kKeyword && reduction_named(token.text)) {
    auto &d = diagnostics_.error("expected-token", peek(1).range,
                                 "expected `[` after `" + std::string(token.text) + "`: a reduction names its indices");
    d.hint = "write `" + std::string(token.text) + "[i](...)`";
  } else
    error_expected("expected-expression", "an expression");
  --nesting_;
  return result;
}

AstId Parser::parse_number() {
  const Token &token = take();
  if (!Rational::parse(token.text)) {
    diagnostics_
        .error("literal-range", token.range, "the number is too long, too large or too small to be kept exactly")
        .hint = "at most " + std::to_string(kMaxLiteralDigits) + " digits, exponents within " +
                std::to_string(kMaxLiteralExponent);
    return kNoId<AstId>;
  }
  return add(AstNumber{std::string(token.text)}, token.range.begin, {});
}

AstId Parser::parse_name_or_read() {
  const Token &token = take();
  if (!accept("[")) return add(AstName{std::string(token.text)}, token.range.begin, {});
  AstRead read{{std::string(token.text), token.range}, {}};
  if (!parse_expr_list(read.subscripts, "]") || !expect("]", "after the subscripts")) return kNoId<AstId>;
  const auto children = read.subscripts;
  return add(std::move(read), token.range.begin, children);
}

bool Parser::parse_expr_list(std::vector<AstId> &list, std::string_view close) {
  if (at_symbol(close)) {
    error_expected("expected-expression", "an expression");
    return false;
  }
  do {
    list.push_back(parse_expr());
    if (!is_valid(list.back())) return false;
  } while (accept(","));
  return true;
}

std::optional<AstArgument> Parser::parse_argument() {
  AstArgument argument;
  if (peek().kind == TokenKind::kName && at_symbol("=", 1)) {
    const Token &token = take();
    argument.name = Ident{std::string(token.text), token.range};
    take();
  }
  argument.value = parse_expr();
  if (!is_valid(argument.value)) return std::nullopt;
  return argument;
}

AstId Parser::parse_call() {
  const Token &token = take();
  AstCall call{{std::string(token.text), token.range}, {}};
  if (!expect("(", "after `" + std::string(token.text) + "`")) return kNoId<AstId>;
  std::vector<AstId> children;
  while (!at_symbol(")")) {
    auto argument = parse_argument();
    if (!argument) return kNoId<AstId>;
    children.push_back(argument->value);
    call.arguments.push_back(std::move(*argument));
    if (!accept(",")) break;
  }
  if (!expect(")", "after the arguments")) return kNoId<AstId>;
  return add(std::move(call), token.range.begin, children);
}

AstId Parser::parse_reduce() {
  const Token &token = take();
  AstReduce reduce{*reduction_named(token.text), std::nullopt, {}, kNoId<AstId>, kNoId<AstId>};
  if (accept(".")) {
    reduce.accumulator = expect_elem();
    if (!reduce.accumulator) return kNoId<AstId>;
  }
  if (!expect("[", "before the indices of a reduction") || !parse_binds(reduce.binds)) return kNoId<AstId>;
  if (accept_keyword("where")) {
    reduce.filter = parse_expr();
    if (!is_valid(reduce.filter)) return kNoId<AstId>;
  }
  if (!expect("]", "after the indices of a reduction")) return kNoId<AstId>;
  if (!expect("(", "before the body of a reduction")) return kNoId<AstId>;
  reduce.body = parse_expr();
  if (!is_valid(reduce.body) || !expect(")", "after the body of a reduction")) return kNoId<AstId>;
  std::vector<AstId> children = {reduce.filter, reduce.body};
  for (const Bind &bind : reduce.binds) children.insert(children.end(), {bind.begin, bind.end});
  return add(std::move(reduce), token.range.begin, children);
}

bool Parser::parse_binds(std::vector<Bind> &binds) {
  do {
    auto bind = parse_bind();
    if (!bind) return false;
    binds.push_back(std::move(*bind));
  } while (accept(","));
  return true;
}

std::optional<Bind> Parser::parse_bind() {
  Bind bind;
  auto name = expect_name("the name of an index");
  if (!name) return std::nullopt;
  bind.index = std::move(*name);
  if (!accept_keyword("in")) return bind;
  if (accept("..")) {
    bind.kind = RangeKind::kDemand;
    return bind;
  }
  bind.begin = parse_expr();
  if (!is_valid(bind.begin)) return std::nullopt;
  if (accept("..="))
    bind.kind = RangeKind::kClosed;
  else if (expect("..", "or `..=` inside a range"))
    bind.kind = RangeKind::kHalfOpen;
  else
    return std::nullopt;
  bind.end = parse_expr();
  if (!is_valid(bind.end)) return std::nullopt;
  return bind;
}

} // namespace sparkle::dsl
