#include "dsl/parser.h"

#include <algorithm>

#include "dsl/limits.h"
#include "dsl/parser_impl.h"

namespace sparkle::dsl {
namespace {

std::optional<OutsideMode> mode_named(std::string_view word) {
  for (auto mode :
       {OutsideMode::kClamp, OutsideMode::kMirror, OutsideMode::kReflect, OutsideMode::kWrap, OutsideMode::kSkip})
    if (name_of(mode) == word) return mode;
  return std::nullopt;
}

} // namespace

const Token &Parser::peek(size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

const Token &Parser::take() {
  const Token &token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

uint32_t Parser::previous_end() const { return at_ == 0 ? 0 : tokens_[at_ - 1].range.end; }

bool Parser::at_symbol(std::string_view symbol, size_t ahead) const {
  return peek(ahead).kind == TokenKind::kSymbol && peek(ahead).text == symbol;
}
bool Parser::at_keyword(std::string_view word, size_t ahead) const {
  return peek(ahead).kind == TokenKind::kKeyword && peek(ahead).text == word;
}
bool Parser::accept(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  take();
  return true;
}
bool Parser::accept_keyword(std::string_view word) {
  if (!at_keyword(word)) return false;
  take();
  return true;
}

File Parser::run() {
  File file;
  file.source_name = source_.name();
  while (peek().kind != TokenKind::kEnd && !diagnostics_.full())
    if (!parse_item(file)) skip_to_item();
  file.exprs = std::move(exprs_);
  return file;
}

bool Parser::parse_item(File &file) {
  const auto keep = [&](auto item) {
    if (!item) return false;
    file.items.emplace_back(std::move(*item));
    return true;
  };
  if (at_keyword("const")) return keep(parse_const());
  if (at_keyword("fn")) return keep(parse_fn());
  if (at_keyword("kernel")) return keep(parse_kernel());
  error_expected("expected-item", "`kernel`, `fn` or `const`", {"kernel", "fn", "const"});
  take();
  return false;
}

void Parser::skip_to_item() {
  while (!stopped() && !at_keyword("kernel") && !at_keyword("fn") && !at_keyword("const")) take();
  if (stopped() && !diagnostics_.full()) at_ = tokens_.size() - 1;
}

void Parser::skip_statement() {
  while (!stopped() && !at_symbol("}") && !at_keyword("let") && !at_keyword("kernel") && !at_keyword("fn"))
    if (take().text == ";") return;
}

void Parser::skip_header() {
  while (!stopped() && !at_symbol("{") && !at_keyword("kernel") && !at_keyword("fn")) take();
}

std::optional<ConstDecl> Parser::parse_const() {
  ConstDecl decl;
  const uint32_t begin = take().range.begin;
  auto name = expect_name("the name of a constant");
  if (!name || !expect(":", "after the name of a constant")) return std::nullopt;
  auto type = parse_type();
  if (!type || !expect("=", "before the value of a constant") || !parse_table(decl.table)) return std::nullopt;
  if (!expect(";", "after a constant")) return std::nullopt;
  decl.name = std::move(*name);
  decl.type = std::move(*type);
  decl.range = since(begin);
  return decl;
}

bool Parser::parse_table(Table &table) {
  const uint32_t begin = peek().range.begin;
  if (!accept("[")) {
    table.leaf = parse_expr();
    table.range = since(begin);
    return is_valid(table.leaf);
  }
  if (nesting_ >= kMaxNesting) return stop_too_deep();
  ++nesting_;
  do {
    if (!parse_table(table.rows.emplace_back())) return false;
  } while (accept(","));
  --nesting_;
  if (!expect("]", "after the rows of a table")) return false;
  table.range = since(begin);
  return true;
}

std::optional<FnDecl> Parser::parse_fn() {
  const uint32_t begin = take().range.begin;
  FnDecl decl;
  auto name = expect_name("the name of a function");
  if (!name || !expect("(", "after the name of a function")) return std::nullopt;
  do {
    auto param = expect_name("the name of a parameter");
    if (!param || !expect(":", "after the name of a parameter")) return std::nullopt;
    auto elem = expect_elem();
    if (!elem) return std::nullopt;
    decl.params.push_back({std::move(*param), *elem});
  } while (accept(","));
  if (!expect(")", "after the parameters") || !expect("->", "before the type of the result")) return std::nullopt;
  auto result = expect_elem();
  if (!result || !expect("=", "before the body of a function")) return std::nullopt;
  decl.body = parse_expr();
  if (!is_valid(decl.body) || !expect(";", "after the body of a function")) return std::nullopt;
  decl.name = std::move(*name);
  decl.result = *result;
  decl.range = since(begin);
  return decl;
}

std::optional<KernelDecl> Parser::parse_kernel() {
  KernelDecl kernel;
  const uint32_t begin = take().range.begin;
  // A broken signature does not hide the mistakes of the body.
  const bool sound = parse_kernel_header(kernel);
  if (!sound) skip_header();
  if ((!sound && !at_symbol("{")) || !expect("{", "before the body of a kernel")) return std::nullopt;
  parse_body(kernel);
  if (!expect("}", "after the body of a kernel")) return std::nullopt;
  kernel.range = since(begin);
  return kernel;
}

bool Parser::parse_kernel_header(KernelDecl &kernel) {
  auto name = expect_name("the name of a kernel");
  if (!name || !expect("(", "after the name of a kernel")) return false;
  kernel.name = std::move(*name);
  while (!at_symbol(")")) {
    auto param = parse_param();
    if (!param) return false;
    kernel.params.push_back(std::move(*param));
    if (!accept(",")) break;
  }
  if (!expect(")", "after the parameters")) return false;
  if (accept("->")) {
    do {
      auto out = parse_out();
      if (!out) return false;
      kernel.outs.push_back(std::move(*out));
    } while (accept(","));
  }
  if (!accept_keyword("where")) return true;
  do {
    auto fact = parse_fact();
    if (!fact) return false;
    kernel.facts.push_back(std::move(*fact));
  } while (accept(","));
  return true;
}

void Parser::parse_body(KernelDecl &kernel) {
  while (!stopped() && !at_symbol("}")) {
    const size_t before = at_;
    auto statement = parse_statement();
    if (statement) {
      kernel.body.push_back(std::move(*statement));
      continue;
    }
    nesting_ = 0;
    if (at_keyword("kernel") || at_keyword("fn")) return;
    if (at_ == before) take();
    skip_statement();
  }
}

std::optional<Param> Parser::parse_param() {
  Param param;
  const uint32_t begin = peek().range.begin;
  if (accept_keyword("const"))
    param.kind = ParamKind::kConst;
  else if (accept_keyword("inout"))
    param.kind = ParamKind::kInOut;
  auto name = expect_name("the name of a parameter");
  if (!name || !expect(":", "after the name of a parameter")) return std::nullopt;
  auto type = parse_type();
  if (!type || !parse_outside_list(param.outside)) return std::nullopt;
  if (accept("=")) {
    param.default_value = parse_expr();
    if (!is_valid(param.default_value)) return std::nullopt;
  }
  param.name = std::move(*name);
  param.type = std::move(*type);
  param.range = since(begin);
  return param;
}

std::optional<Out> Parser::parse_out() {
  auto name = expect_name("the name of an output");
  if (!name || !expect(":", "after the name of an output")) return std::nullopt;
  auto type = parse_type();
  if (!type) return std::nullopt;
  return Out{std::move(*name), std::move(*type)};
}

std::optional<Fact> Parser::parse_fact() {
  Fact fact;
  const uint32_t begin = peek().range.begin;
  if (peek().kind == TokenKind::kName && at_symbol("=", 1)) {
    const Token &token = take();
    fact.defines = Ident{std::string(token.text), token.range};
    take();
  }
  fact.expr = parse_expr();
  if (!is_valid(fact.expr)) return std::nullopt;
  fact.range = since(begin);
  return fact;
}

std::optional<TypeText> Parser::parse_type() {
  TypeText type;
  const uint32_t begin = peek().range.begin;
  const auto elem = expect_elem();
  if (!elem) return std::nullopt;
  type.elem = *elem;
  if (accept("[") && (!parse_expr_list(type.extents, "]") || !expect("]", "after the extents"))) return std::nullopt;
  type.range = since(begin);
  return type;
}

std::optional<StatementText> Parser::parse_statement() {
  const auto wrap = [](auto statement) -> std::optional<StatementText> {
    if (!statement) return std::nullopt;
    return StatementText{std::move(*statement)};
  };
  if (at_keyword("const")) return wrap(parse_const());
  if (at_keyword("let")) return wrap(parse_let());
  if (peek().kind == TokenKind::kName) return wrap(parse_def());
  error_expected("expected-statement", "`let`, `const` or the name of an output", {"let", "const"});
  return std::nullopt;
}

bool Parser::parse_names(std::vector<Ident> &names, std::string_view what) {
  do {
    auto name = expect_name(what);
    if (!name) return false;
    names.push_back(std::move(*name));
  } while (accept(","));
  return true;
}

std::optional<LetText> Parser::parse_let() {
  LetText let;
  const uint32_t begin = take().range.begin;
  if (!parse_names(let.names, "the name of an intermediate")) return std::nullopt;
  if (accept("[")) {
    let.has_indices = true;
    if (!parse_binds(let.binds) || !expect("]", "after the indices")) return std::nullopt;
  }
  if (!parse_outside_list(let.outside) || !expect("=", "before the value")) return std::nullopt;
  let.value = parse_expr();
  if (!is_valid(let.value) || !expect(";", "after a statement")) return std::nullopt;
  let.range = since(begin);
  return let;
}

std::optional<DefText> Parser::parse_def() {
  DefText def;
  const Token &name = take();
  def.target = {std::string(name.text), name.range};
  if (accept("[") && (!parse_expr_list(def.subscripts, "]") || !expect("]", "after the indices"))) return std::nullopt;
  if (accept("+="))
    def.accumulate = true;
  else if (!expect("=", "or `+=` before the value"))
    return std::nullopt;
  def.value = parse_expr();
  if (!is_valid(def.value) || !expect(";", "after a statement")) return std::nullopt;
  def.range = since(name.range.begin);
  return def;
}

bool Parser::parse_outside_list(std::vector<OutsideClause> &clauses) {
  while (at_keyword("outside")) {
    auto clause = parse_outside();
    if (!clause) return false;
    clauses.push_back(std::move(*clause));
  }
  return true;
}

std::optional<OutsideClause> Parser::parse_outside() {
  OutsideClause clause;
  const uint32_t begin = take().range.begin;
  const auto mode = peek().kind == TokenKind::kName && !at_symbol("(", 1) && !at_symbol("[", 1)
                        ? mode_named(peek().text)
                        : std::nullopt;
  if (mode) {
    clause.mode = *mode;
    take();
  } else {
    clause.value = parse_unary();
    if (!is_valid(clause.value)) return std::nullopt;
  }
  if (accept_keyword("on")) {
    if (!expect("(", "after `on`") || !parse_names(clause.on, "the name of a dimension")) return std::nullopt;
    if (!expect(")", "after the names of dimensions")) return std::nullopt;
  }
  clause.range = since(begin);
  return clause;
}

Result<File> parse(const Source &source, Diagnostics &diagnostics) {
  const Error failed{ErrorCode::kInvalidInput, source.name() + " has errors"};
  if (source.text().size() > kMaxSourceBytes) {
    diagnostics.error("source-too-large", {0, 0},
                      "the text has " + std::to_string(source.text().size()) + " bytes; " +
                          std::to_string(kMaxSourceBytes) + " are the limit");
    return failed;
  }
  File file = Parser(source, diagnostics).run();
  if (diagnostics.has_errors()) return failed;
  return file;
}

} // namespace sparkle::dsl
