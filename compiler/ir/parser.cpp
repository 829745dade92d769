#include "compiler/ir/parser.h"

#include <algorithm>

#include "compiler/ir/parser_impl.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/string_builder.h"

namespace sparkle {

Parser::Parser(const Source &source, Diagnostics &diagnostics) : source_(source), diagnostics_(diagnostics) {
  if (source.text().size() > kMaxIrBytes) {
    error("ir-limit", {}, "a text of more than " + std::to_string(kMaxIrBytes) + " bytes");
    failed_ = true;
    return;
  }
  tokens_ = tokenize(source.text());
}

Parser::Nesting::Nesting(Parser &parser) : parser_(parser) {
  if (++parser.nesting_ < kMaxIrNesting || parser.failed_) return;
  parser.error("ir-limit", parser.peek().range,
               "brackets or statements nest more than " + std::to_string(kMaxIrNesting) + " deep");
  parser.failed_ = true;
}

// ---- Tokens
// ----------------------------------------------------------------------------------------------------------

const Token &Parser::peek(size_t ahead) const {
  if (failed_ || at_ + ahead >= tokens_.size()) return end_;
  return tokens_[at_ + ahead];
}

Token Parser::take() {
  const Token &token = peek();
  if (token.kind == TokenKind::kError) {
    syntax_error(token.text);
    return end_;
  }
  Token taken = token;
  if (token.kind != TokenKind::kEnd) ++at_;
  return taken;
}

bool Parser::at(std::string_view text) const {
  const Token &token = peek();
  return (token.kind == TokenKind::kPunct || token.kind == TokenKind::kWord) && token.text == text;
}

bool Parser::accept(std::string_view text) {
  if (!at(text)) return false;
  take();
  return true;
}

void Parser::expect(std::string_view text) {
  if (!accept(text)) syntax_error("expected `" + std::string(text) + "`");
}

bool Parser::at_line_end() const { return open_ == 0 && peek().starts_line; }

bool Parser::accept_clause(std::string_view word) { return !at_line_end() && accept(word); }

void Parser::expect_line_end() {
  if (!peek().starts_line && peek().kind != TokenKind::kEnd) syntax_error("expected the end of the line");
}

void Parser::error(std::string code, SourceRange range, std::string text) {
  if (!failed_) diagnostics_.error(std::move(code), range, std::move(text));
}

void Parser::syntax_error(std::string text) {
  const Token &token = peek();
  error("ir-syntax", token.range, token.kind == TokenKind::kError ? token.text : std::move(text));
  failed_ = true;
}

std::string Parser::name() {
  if (peek().kind == TokenKind::kWord || peek().kind == TokenKind::kString) return take().text;
  syntax_error("expected a name");
  return {};
}

int64_t Parser::integer(int64_t least, int64_t greatest) {
  const SourceRange range = peek().range;
  const bool negative = accept("-");
  if (peek().kind != TokenKind::kInt) {
    syntax_error("expected a whole number");
    return least > 0 ? least : 0;
  }
  int64_t value = 0;
  const bool fits = parse_int((negative ? "-" : "") + take().text, value) && value >= least && value <= greatest;
  if (fits) return value;
  error("ir-value", range, "a number out of range");
  return std::clamp<int64_t>(0, least, greatest);
}

Scalar Parser::scalar() {
  Scalar result = Scalar::kF32;
  if (peek().kind != TokenKind::kWord || !parse_scalar(peek().text, result))
    syntax_error("expected an element type");
  else
    take();
  return result;
}

template <class Enum> Enum Parser::named(std::string_view what) {
  const auto value = parse_name<Enum>(peek().text);
  if (!value || peek().kind != TokenKind::kWord) {
    syntax_error("expected " + std::string(what));
    return Enum{};
  }
  take();
  return *value;
}

std::vector<int64_t> Parser::integers() {
  std::vector<int64_t> list;
  expect("[");
  if (!at("]")) {
    list.push_back(integer());
    while (accept(",")) list.push_back(integer());
  }
  expect("]");
  return list;
}

// ---- Program
// ---------------------------------------------------------------------------------------------------------

/// `name`, or `#3`. Without a table any number will do, and no name.
template <class Id, class Table> Id Parser::reference(const Table *table, std::string_view what) {
  const SourceRange range = peek().range;
  if (peek().kind == TokenKind::kNumber) {
    int64_t number = 0;
    const bool fits = parse_int(take().text, number) && number < int64_t{kInvalidIdValue};
    if (fits && (!table || static_cast<size_t>(number) < table->size())) return static_cast<Id>(number);
    error("ir-name", range, "no " + std::string(what) + " has this number");
    return kNoId<Id>;
  }
  const std::string wanted = name();
  if (table) {
    const auto found =
        std::find_if(table->begin(), table->end(), [&](const auto &item) { return item.name == wanted; });
    if (found != table->end()) return static_cast<Id>(found - table->begin());
  }
  error("ir-name", range, "no " + std::string(what) + " `" + wanted + "` is declared");
  return kNoId<Id>;
}

Extent Parser::extent() {
  if (peek().kind == TokenKind::kInt || at("-")) return {integer()};
  return {0, reference<SymbolId>(&program_->symbols, "symbol")};
}

Tensor Parser::tensor() {
  Tensor t;
  t.name = name();
  expect(":");
  t.element = scalar();
  expect("[");
  if (!at("]")) {
    t.extents.push_back(extent());
    while (accept(",")) t.extents.push_back(extent());
  }
  expect("]");
  t.role = named<Role>("a role");
  if (accept_clause("strides")) t.strides = integers();
  if (accept_clause("align")) t.alignment = small_integer(1, 1 << 20);
  return t;
}

void Parser::program_body(Program &program) {
  expect("{");
  while (!failed_ && !at("}")) {
    if (accept("symbol")) {
      Symbol symbol{name()};
      expect(">=");
      symbol.minimum = integer();
      program.symbols.add(std::move(symbol));
    } else if (accept("uniform")) {
      Uniform uniform{name()};
      expect(":");
      uniform.type = scalar();
      program.uniforms.add(std::move(uniform));
    } else if (accept("tensor")) {
      program.tensors.add(tensor());
    } else if (accept("flops")) {
      program.flops = integer();
      expect("executed");
      program.flops_executed = integer();
    } else if (accept("prepack")) {
      program.prepack.push_back(kernel());
    } else {
      program.kernels.push_back(kernel());
    }
    if (!at("}")) expect_line_end();
  }
  expect("}");
}

ParsedIr Parser::parse() {
  ParsedIr result;
  if (at("program")) {
    take();
    program_ = &result.program;
    if (peek().kind == TokenKind::kBuffer)
      result.program.name = take().text;
    else
      syntax_error("expected the program's name");
    program_body(result.program);
  } else {
    result.is_kernel = true;
    result.program.kernels.push_back(kernel());
    result.program.name = result.program.kernels.back().name;
  }
  if (peek().kind != TokenKind::kEnd) syntax_error("expected the end of the text");
  program_ = nullptr;
  return result;
}

// ---- Kernel
// ----------------------------------------------------------------------------------------------------------

Kernel Parser::kernel() {
  k_ = Kernel();
  vars_.clear();
  buffers_.clear();
  depths_.clear();
  kernel_head();
  expect("{");
  declarations();
  Block body;
  while (!failed_ && !at("}")) {
    if (peek().kind == TokenKind::kEnd) syntax_error("expected `}`");
    body.stmts.push_back(stmt());
    if (!at("}")) expect_line_end();
  }
  expect("}");
  k_.body = body.stmts.size() == 1 ? body.stmts.front() : k_.add_stmt(std::move(body));
  return std::move(k_);
}

void Parser::kernel_head() {
  if (!at("kernel")) return syntax_error("expected `kernel` or `program`");
  take();
  if (peek().kind != TokenKind::kBuffer) return syntax_error("expected the kernel's name");
  k_.name = take().text;
  expect("stage");
  k_.stage = named<Stage>("a stage");
  if (accept("index")) k_.index_bits = small_integer(1, 64);
  k_.strict = accept("strict");
}

void Parser::declarations() {
  while (!failed_) {
    if (accept("symbol"))
      declare_symbol();
    else if (accept("uniform"))
      declare_uniform();
    else if (accept("buffer"))
      declare_buffer();
    else
      return;
    if (!at("}")) expect_line_end();
  }
}

void Parser::declare_symbol() {
  if (peek().kind != TokenKind::kVar) return syntax_error("expected a variable");
  const Token token = take();
  const Type t = accept(":") ? type() : kIndexType;
  const VarId var = bind(token, t, VarKind::kSymbol);
  if (accept("=")) k_.var(var).symbol = reference<SymbolId>(program_ ? &program_->symbols : nullptr, "symbol");
}

void Parser::declare_uniform() {
  if (peek().kind != TokenKind::kVar) return syntax_error("expected a variable");
  const Token token = take();
  expect(":");
  const VarId var = bind(token, type(), VarKind::kUniform);
  if (accept("=")) k_.var(var).uniform = reference<UniformId>(program_ ? &program_->uniforms : nullptr, "uniform");
}

void Parser::declare_buffer() {
  if (peek().kind != TokenKind::kBuffer) return syntax_error("expected a buffer");
  const Token token = take();
  Buffer b;
  b.name = token.text;
  expect(":");
  b.element = scalar();
  b.extents = indices();
  b.level = named<MemoryLevel>("a memory level");
  b.role = named<Role>("a role");
  if (accept("=")) {
    expect("tensor");
    b.tensor = reference<TensorId>(program_ ? &program_->tensors : nullptr, "tensor");
  }
  const bool has_strides = accept_clause("strides");
  b.strides = has_strides ? indices() : dense(b, token.range);
  buffer_clauses(b);
  if (buffers_.count(token.text)) error("ir-name", token.range, "buffer `@" + token.text + "` is declared twice");
  buffers_.insert_or_assign(token.text, k_.add_buffer(std::move(b)));
}

void Parser::buffer_clauses(Buffer &b) {
  if (accept_clause("align")) b.alignment = small_integer(1, 1 << 20);
  b.no_alias = !accept_clause("alias");
  if (accept_clause("origin")) b.origin = name();
  if (accept_clause("fragment")) b.fragment = named<FragmentUse>("a fragment's use");
}

std::vector<ExprId> Parser::dense(const Buffer &buffer, SourceRange range) {
  std::vector<ExprId> strides(buffer.extents.size(), kNoId<ExprId>);
  std::optional<int64_t> stride = 1;
  for (size_t i = strides.size(); i-- > 0;) {
    if (!stride) error("ir-value", range, "strides are needed: an extent is not constant, or the size overflows");
    strides[i] = add(IntConst{kIndexType, stride.value_or(1)});
    const auto extent = k_.constant(buffer.extents[i]);
    stride = extent ? checked_mul(stride.value_or(1), *extent) : std::nullopt;
  }
  return strides;
}

// ---- Entry points
// ----------------------------------------------------------------------------------------------------

Result<ParsedIr> parse_ir(const Source &source, Diagnostics &diagnostics) {
  const int errors_before = diagnostics.error_count();
  Parser parser(source, diagnostics);
  ParsedIr result = parser.parse();
  const int errors = diagnostics.error_count() - errors_before;
  if (errors > 0) return Error{ErrorCode::kInvalidInput, std::to_string(errors) + " errors in the text of the IR"};
  return result;
}

Result<Program> parse_program(const Source &source, Diagnostics &diagnostics) {
  SPARKLE_TRY(ParsedIr parsed, parse_ir(source, diagnostics));
  if (!parsed.is_kernel) return std::move(parsed.program);
  diagnostics.error("ir-syntax", {0, 0}, "a kernel alone where a program is wanted");
  return Error{ErrorCode::kInvalidInput, "the text is not a program"};
}

Result<Kernel> parse_kernel(const Source &source, Diagnostics &diagnostics) {
  SPARKLE_TRY(ParsedIr parsed, parse_ir(source, diagnostics));
  if (parsed.is_kernel) return std::move(parsed.program.kernels.front());
  diagnostics.error("ir-syntax", {0, 0}, "a program where a kernel alone is wanted");
  return Error{ErrorCode::kInvalidInput, "the text is not a kernel"};
}

} // namespace sparkle
