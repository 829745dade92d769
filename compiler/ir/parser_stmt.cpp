#include <charconv>
#include <limits>

#include "compiler/ir/parser_impl.h"

namespace sparkle {

StmtId Parser::finish(Stmt stmt) {
  const uint32_t end = at_ > 0 ? tokens_[at_ - 1].range.end : stmt_begin_;
  return k_.add_stmt(std::move(stmt), {stmt_begin_, end});
}

/// A later binding of the same name hides the earlier one; add_var gives it another name.
VarId Parser::bind(const Token &token, Type type, VarKind kind) {
  Variable variable{token.text, type, kind, {}, 0};
  const size_t dot = token.text.rfind('.');
  int64_t split = 0;
  if (dot != std::string::npos && dot > 0) {
    const std::string rest = token.text.substr(dot + 1);
    const std::string digits = rest.substr(0, rest.find('_'));
    const char *end = digits.data() + digits.size();
    const auto [stop, failure] = std::from_chars(digits.data(), end, split);
    if (failure == std::errc() && stop == end && split <= std::numeric_limits<int>::max()) {
      variable.dim = token.text.substr(0, dot);
      variable.split = static_cast<int>(split);
    }
  }
  const VarId id = k_.add_var(std::move(variable));
  vars_.insert_or_assign(token.text, id);
  return id;
}

BufferId Parser::buffer() {
  if (peek().kind != TokenKind::kBuffer) {
    syntax_error("expected a buffer");
    return k_.add_buffer(Buffer{}); // Thrown away with the rest; ids stay valid meanwhile.
  }
  const Token token = take();
  const auto found = buffers_.find(token.text);
  if (found != buffers_.end()) return found->second;
  error("ir-name", token.range, "no buffer `@" + token.text + "` is declared");
  Buffer unknown;
  unknown.name = token.text;
  return k_.add_buffer(std::move(unknown));
}

std::vector<ExprId> Parser::indices() {
  std::vector<ExprId> list;
  expect("[");
  ++open_;
  if (!at("]")) {
    list.push_back(expr());
    while (accept(",")) list.push_back(expr());
  }
  --open_;
  expect("]");
  return list;
}

ExprId Parser::optional_clause(std::string_view word) { return accept_clause(word) ? expr() : kNoId<ExprId>; }

/// `{ statements }`. A body of one statement is that statement.
StmtId Parser::block(bool is_body) {
  const Nesting nesting(*this);
  const uint32_t begin = peek().range.begin;
  expect("{");
  Block result;
  while (!failed_ && !at("}")) {
    if (peek().kind == TokenKind::kEnd) {
      syntax_error("expected `}`");
      break;
    }
    result.stmts.push_back(stmt());
    if (!at("}")) expect_line_end();
  }
  expect("}");
  if (is_body && result.stmts.size() == 1) return result.stmts.front();
  return k_.add_stmt(std::move(result), {begin, begin + 1});
}

StmtId Parser::stmt() {
  stmt_begin_ = peek().range.begin;
  if (at("{")) return block(false);
  if (peek().kind == TokenKind::kVar) return binding();
  if (peek().kind == TokenKind::kWord) return stmt_word(peek().text);
  syntax_error("expected a statement");
  return k_.add_stmt(Block{});
}

StmtId Parser::stmt_word(const std::string &text) {
  const std::string word = text;
  const size_t dot = word.find('.');
  const std::string head = word.substr(0, dot);
  const std::string tail = dot == std::string::npos ? "" : word.substr(dot + 1);
  const auto kind = tail.empty() ? LoopKind::kSerial : parse_name<LoopKind>(tail);
  const auto scope = parse_name<BarrierScope>(tail);
  if (head == "prefetch") return prefetch();
  if (head == "for" && kind) {
    take();
    return loop(*kind);
  }
  if (head == "fragment") {
    take();
    return fragment(tail);
  }
  if (head == "barrier" && scope) {
    take();
    return finish(Barrier{*scope});
  }
  if (word == "if") return branch();
  if (word == "copy") return copy();
  if (word == "store" || word == "store.streaming") {
    take();
    return store(tail.empty() ? StoreKind::kPlain : StoreKind::kStreaming);
  }
  if (word == "alloc") {
    take();
    return finish(Alloc{buffer()});
  }
  syntax_error("expected a statement, not `" + word + "`");
  return k_.add_stmt(Block{});
}

StmtId Parser::loop(LoopKind kind) {
  const uint32_t begin_at = stmt_begin_;
  if (peek().kind != TokenKind::kVar) {
    syntax_error("expected the loop's variable");
    return k_.add_stmt(Block{});
  }
  const Token token = take();
  const Type t = accept(":") ? type() : kIndexType;
  expect("in");
  const ExprId begin = expr();
  expect("..");
  const ExprId end = expr();
  const uint32_t head_end = tokens_[at_ > 0 ? at_ - 1 : 0].range.end;
  const VarId var = bind(token, t, VarKind::kLoop);
  const StmtId body = block(true);
  return k_.add_stmt(For{var, begin, end, kind, body}, {begin_at, head_end});
}

StmtId Parser::branch() {
  const uint32_t begin_at = stmt_begin_;
  take();
  const ExprId cond = expr();
  const uint32_t head_end = tokens_[at_ > 0 ? at_ - 1 : 0].range.end;
  If s{cond, block(true)};
  if (accept_clause("else")) s.else_body = block(true);
  return k_.add_stmt(s, {begin_at, head_end});
}

/// `%x: type = expression`, or `%x: type = load @a[i] if mask else other`.
StmtId Parser::binding() {
  const Token token = take();
  expect(":");
  const Type t = type();
  expect("=");
  if (!accept("load")) {
    const ExprId value = expr();
    return finish(Let{bind(token, t, VarKind::kValue), value});
  }
  Load load{kNoId<VarId>, buffer(), indices()};
  load.mask = optional_clause("if");
  load.other = optional_clause("else");
  load.var = bind(token, t, VarKind::kValue);
  return finish(std::move(load));
}

StmtId Parser::store(StoreKind kind) {
  Store s{buffer(), indices(), kNoId<ExprId>, kNoId<ExprId>, kind};
  expect("=");
  s.value = expr();
  s.mask = optional_clause("if");
  return finish(std::move(s));
}

/// `copy[%a in 0..16] @dst[..] = @src[..] if guard else other lanes 4 buffers 2 ahead 1`
StmtId Parser::copy() {
  take();
  Copy s;
  expect("[");
  ++open_;
  while (peek().kind == TokenKind::kVar) {
    const Token token = take();
    expect("in");
    if (integer() != 0) error("ir-value", token.range, "an axis of a copy starts at 0");
    expect("..");
    const int64_t extent = integer();
    s.axes.push_back({bind(token, kIndexType, VarKind::kAxis), extent});
    if (!accept(",")) break;
  }
  --open_;
  expect("]");
  s.dst = buffer();
  s.dst_indices = indices();
  expect("=");
  s.src = buffer();
  s.src_indices = indices();
  s.guard = optional_clause("if");
  s.other = optional_clause("else");
  if (accept_clause("lanes")) s.lanes = small_integer(0, kMaxIrLanes);
  if (accept_clause("buffers")) s.buffers = small_integer(0, 64);
  if (accept_clause("ahead")) s.fetch_ahead = small_integer(0, 64);
  return finish(std::move(s));
}

StmtId Parser::prefetch() {
  const Token head = take();
  constexpr std::string_view kPrefix = "prefetch.l";
  int64_t cache = 0;
  const bool has_level = head.text.starts_with(kPrefix);
  const char *begin = head.text.data() + (has_level ? kPrefix.size() : 0);
  const char *end = head.text.data() + head.text.size();
  const auto [stop, failure] = std::from_chars(begin, end, cache);
  if (!has_level || failure != std::errc() || stop != end || cache < 1 || cache > 9)
    error("ir-value", head.range, "expected `prefetch.l1` to `prefetch.l9`");
  Prefetch s{buffer(), indices(), static_cast<int>(cache)};
  return finish(std::move(s));
}

StmtId Parser::fragment(const std::string &what) {
  if (what == "fill") {
    const BufferId target = buffer();
    expect("=");
    return finish(FragmentFill{target, expr()});
  }
  if (what == "load" || what == "store") {
    FragmentMove s{what == "store", buffer(), kNoId<BufferId>, {}};
    if (s.is_store) {
      s.buffer = s.fragment;
      s.indices = indices();
      expect("=");
      s.fragment = buffer();
    } else {
      expect("=");
      s.buffer = buffer();
      s.indices = indices();
    }
    s.transposed = accept_clause("transposed");
    return finish(std::move(s));
  }
  if (what != "mma") {
    syntax_error("expected `fragment.fill`, `.load`, `.store` or `.mma`");
    return k_.add_stmt(Block{});
  }
  FragmentMma s{buffer(), {}, {}, {}};
  expect("=");
  s.a = buffer();
  expect("*");
  s.b = buffer();
  expect("+");
  s.c = buffer();
  return finish(s);
}

} // namespace sparkle
