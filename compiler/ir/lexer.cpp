#include "compiler/ir/lexer.h"

#include <algorithm>
#include <array>

namespace sparkle {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_digit(c) || is_letter(c); }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

class Lexer {
public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token next();

private:
  char at(size_t offset = 0) const { return at_ + offset < text_.size() ? text_[at_ + offset] : '\0'; }
  void skip_blanks();
  Token finish(TokenKind kind, size_t skip);
  Token error(const char *what);
  Token word(TokenKind kind, size_t skip);
  Token quoted(TokenKind kind);
  Token name(TokenKind kind);
  Token number();
  Token punct();
  void digits() {
    while (is_digit(at())) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;
  bool starts_line_ = true;
};

void Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ';') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      continue;
    }
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return;
    starts_line_ = starts_line_ || c == '\n';
    ++at_;
  }
}

Token Lexer::finish(TokenKind kind, size_t skip) {
  Token token{kind, std::string(text_.substr(begin_ + skip, at_ - begin_ - skip)), {}, starts_line_};
  token.range = {static_cast<uint32_t>(begin_), static_cast<uint32_t>(at_)};
  starts_line_ = false;
  return token;
}

Token Lexer::error(const char *what) {
  Token token = finish(TokenKind::kError, 0);
  token.range.end = std::max(token.range.end, token.range.begin + 1);
  token.text = what;
  return token;
}

/// Letters and digits; a dot belongs to it when another letter or digit follows (`for.group`, `oc.0_2`, but not
/// `k..n`).
Token Lexer::word(TokenKind kind, size_t skip) {
  at_ += skip;
  if (!is_letter(at())) return error("expected a name");
  while (is_word(at()) || (at() == '.' && is_word(at(1)))) ++at_;
  return finish(kind, skip);
}

Token Lexer::quoted(TokenKind kind) {
  std::string name;
  for (++at_; at() != '"'; ++at_) {
    if (at_ >= text_.size() || at() == '\n') return error("a quoted name does not end on its line");
    if (at() != '\\') {
      name += at();
      continue;
    }
    const int high = at(1) == 'x' ? hex_digit(at(2)) : -1;
    const int low = high >= 0 ? hex_digit(at(3)) : -1;
    if (low < 0) return error("expected `\\x` and two digits after a backslash in a name");
    name += static_cast<char>(high * 16 + low);
    at_ += 3;
  }
  ++at_;
  Token token = finish(kind, 0);
  token.text = std::move(name);
  return token;
}

/// After `%` or `@`.
Token Lexer::name(TokenKind kind) {
  if (at(1) != '"') return word(kind, 1);
  ++at_;
  return quoted(kind);
}

Token Lexer::number() {
  if (at() == '0' && at(1) == 'x') {
    at_ += 2;
    while (hex_digit(at()) >= 0) ++at_;
    return finish(TokenKind::kInt, 0);
  }
  digits();
  bool is_float = false;
  if (at() == '.' && is_digit(at(1))) {
    is_float = true;
    ++at_;
    digits();
  }
  const bool has_sign = at(1) == '+' || at(1) == '-';
  if (at() == 'e' && is_digit(at(has_sign ? 2 : 1))) {
    is_float = true;
    at_ += has_sign ? 2 : 1;
    digits();
  }
  if (is_letter(at())) return error("a number runs into a letter");
  return finish(is_float ? TokenKind::kFloat : TokenKind::kInt, 0);
}

Token Lexer::punct() {
  static constexpr std::array<std::string_view, 5> kPairs = {"..", "==", "!=", "<=", ">="};
  static constexpr std::string_view kSingles = "()[]{},:=<+-*/%";
  if (std::find(kPairs.begin(), kPairs.end(), text_.substr(at_, 2)) != kPairs.end()) {
    at_ += 2;
    return finish(TokenKind::kPunct, 0);
  }
  if (kSingles.find(at()) == std::string_view::npos || at() == '\0') return error("a byte that begins no token");
  ++at_;
  return finish(TokenKind::kPunct, 0);
}

Token Lexer::next() {
  skip_blanks();
  begin_ = at_;
  if (at_ >= text_.size()) return finish(TokenKind::kEnd, 0);
  const char c = at();
  if (is_letter(c)) return word(TokenKind::kWord, 0);
  if (is_digit(c)) return number();
  if (c == '"') return quoted(TokenKind::kString);
  if (c == '@') return name(TokenKind::kBuffer);
  if (c == '%' && (is_letter(at(1)) || at(1) == '"')) return name(TokenKind::kVar);
  if (c == '#' && is_digit(at(1))) {
    ++at_;
    digits();
    return finish(TokenKind::kNumber, 1);
  }
  return punct();
}

} // namespace

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  Lexer lexer(text);
  do tokens.push_back(lexer.next());
  while (tokens.back().kind != TokenKind::kEnd && tokens.back().kind != TokenKind::kError);
  return tokens;
}

} // namespace sparkle
