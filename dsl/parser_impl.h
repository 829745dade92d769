// Recursive descent over the tokens; two tokens of lookahead. Private to parser*.cpp.
// A function that fails has reported why and returns nothing (kNoId, nullopt, false); the statement level recovers.
#pragma once

#include <optional>

#include "dsl/ast.h"
#include "dsl/lexer.h"

namespace sparkle::dsl {

class Parser {
public:
  Parser(const Source &source, Diagnostics &diagnostics)
      : source_(source), diagnostics_(diagnostics), tokens_(lex(source, diagnostics)) {}

  File run();

private:
  // Tokens.
  const Token &peek(size_t ahead = 0) const;
  const Token &take();
  uint32_t previous_end() const;
  bool at_symbol(std::string_view symbol, size_t ahead = 0) const;
  bool at_keyword(std::string_view word, size_t ahead = 0) const;
  bool accept(std::string_view symbol);
  bool accept_keyword(std::string_view word);
  bool expect(std::string_view symbol, std::string_view where);
  std::optional<Ident> expect_name(std::string_view what);
  std::optional<Elem> expect_elem();
  void error_expected(std::string_view code, std::string_view what, const std::vector<std::string> &words = {});
  void suggest(Diagnostic &d, const std::string &word) const;
  bool stop_too_deep();
  SourceRange since(uint32_t begin) const { return {begin, previous_end()}; }
  bool stopped() const { return at_ + 1 >= tokens_.size() || diagnostics_.full(); }

  // Declarations: parser.cpp.
  bool parse_item(File &file);
  void skip_to_item();
  void skip_statement();
  void skip_header();
  std::optional<ConstDecl> parse_const();
  std::optional<FnDecl> parse_fn();
  std::optional<KernelDecl> parse_kernel();
  bool parse_kernel_header(KernelDecl &kernel);
  void parse_body(KernelDecl &kernel);
  std::optional<Param> parse_param();
  std::optional<Out> parse_out();
  std::optional<Fact> parse_fact();
  std::optional<TypeText> parse_type();
  bool parse_table(Table &table);
  std::optional<StatementText> parse_statement();
  std::optional<LetText> parse_let();
  std::optional<DefText> parse_def();
  std::optional<OutsideClause> parse_outside();
  bool parse_outside_list(std::vector<OutsideClause> &clauses);
  bool parse_names(std::vector<Ident> &names, std::string_view what);

  // Expressions: parser_expr.cpp.
  AstId parse_expr() { return parse_binary(0); }
  AstId parse_binary(int level);
  AstId report_chain(AstId lhs);
  AstId parse_unary();
  AstId parse_primary();
  AstId parse_number();
  AstId parse_name_or_read();
  AstId parse_call();
  AstId parse_reduce();
  std::optional<AstArgument> parse_argument();
  std::optional<Bind> parse_bind();
  bool parse_binds(std::vector<Bind> &binds);
  bool parse_expr_list(std::vector<AstId> &list, std::string_view close);
  bool starts_reduce() const;
  AstId add(AstExpr expr, uint32_t begin, std::initializer_list<AstId> children);
  AstId add(AstExpr expr, uint32_t begin, const std::vector<AstId> &children);

  const Source &source_;
  Diagnostics &diagnostics_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
  bool given_up_ = false; ///< A limit was exceeded: nothing more is said.
  IdTable<AstId, AstNode> exprs_;
};

} // namespace sparkle::dsl
