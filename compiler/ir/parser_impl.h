// Private to the parser: recursive descent. After the first syntax error every token reads as the end of the text, so
// that all loops stop; what is built by then is thrown away.
#pragma once

#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/ir/lexer.h"
#include "compiler/ir/parser.h"

namespace sparkle {

class Parser {
public:
  Parser(const Source &source, Diagnostics &diagnostics);

  ParsedIr parse();
  bool failed() const { return failed_; }

private:
  // Tokens
  const Token &peek(size_t ahead = 0) const;
  Token take();
  bool at(std::string_view text) const; ///< A sign or an unquoted word.
  bool accept(std::string_view text);
  void expect(std::string_view text);
  /// accept() of a clause's first word, which must stand on the same line.
  bool accept_clause(std::string_view word);
  bool at_line_end() const; ///< Outside brackets, a token that starts a line ends what came before.
  void expect_line_end();
  void syntax_error(std::string text);
  void error(std::string code, SourceRange range, std::string text);
  std::string name();
  int64_t integer(int64_t least = std::numeric_limits<int64_t>::min(),
                  int64_t greatest = std::numeric_limits<int64_t>::max());
  int small_integer(int least, int greatest) { return static_cast<int>(integer(least, greatest)); }
  Type type();
  Scalar scalar();
  template <class Enum> Enum named(std::string_view what);

  // Program and kernel (parser.cpp)
  void program_body(Program &program);
  Tensor tensor();
  std::vector<int64_t> integers();
  Extent extent();
  template <class Id, class Table> Id reference(const Table *table, std::string_view what);
  Kernel kernel();
  void kernel_head();
  void declarations();
  void declare_symbol();
  void declare_uniform();
  void declare_buffer();
  void buffer_clauses(Buffer &buffer);
  std::vector<ExprId> dense(const Buffer &buffer, SourceRange range);

  // Statements (parser_stmt.cpp)
  StmtId block(bool is_body);
  StmtId stmt();
  StmtId stmt_word(const std::string &word);
  StmtId loop(LoopKind kind);
  StmtId branch();
  StmtId binding();
  StmtId store(StoreKind kind);
  StmtId copy();
  StmtId prefetch();
  StmtId fragment(const std::string &what);
  StmtId finish(Stmt stmt);
  VarId bind(const Token &token, Type type, VarKind kind);
  BufferId buffer();
  std::vector<ExprId> indices();
  ExprId optional_clause(std::string_view word);

  // Expressions (parser_expr.cpp)
  ExprId expr() { return binary(0); }
  ExprId binary(int least);
  ExprId unary();
  ExprId primary();
  ExprId parenthesis();
  ExprId literal(bool negative);
  ExprId int_literal(const Token &token, bool negative);
  ExprId float_literal(double value);
  ExprId special_float(bool negative);
  ExprId word();
  ExprId call(const Token &head);
  ExprId call_op(const std::string &head, const std::vector<ExprId> &arguments, SourceRange range);
  ExprId ramp();
  ExprId broadcast();
  ExprId shuffle();
  ExprId reduce(ReduceOp op);
  ExprId variable(const Token &token);
  ExprId add(Expr expr);
  /// What an expression with a mistake in it stands for until the parse ends.
  ExprId any_index() { return add(IntConst{kIndexType, 0}); }

  /// Counts nesting; at the limit, ends the parse.
  class Nesting {
  public:
    explicit Nesting(Parser &parser);
    ~Nesting() { --parser_.nesting_; }

  private:
    Parser &parser_;
  };

  const Source &source_;
  Diagnostics &diagnostics_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  Token end_; ///< What peek() shows after a syntax error.
  bool failed_ = false;
  int nesting_ = 0;
  int open_ = 0; ///< Brackets: line ends mean nothing inside.

  const Program *program_ = nullptr;
  Kernel k_;
  std::unordered_map<std::string, VarId> vars_;
  std::unordered_map<std::string, BufferId> buffers_;
  std::vector<int> depths_; ///< By expression id.
  uint32_t stmt_begin_ = 0;
};

} // namespace sparkle
