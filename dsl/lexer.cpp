#include "dsl/lexer.h"

#include <algorithm>
#include <array>

namespace sparkle::dsl {
namespace {

constexpr std::array kKeywords = {"bf16", "bool", "const",   "f16",  "f32",    "fn",  "i32",  "i8",
                                  "in",   "inf",  "inout",   "int",  "kernel", "let", "max",  "mean",
                                  "min",  "on",   "outside", "prod", "sum",    "u8",  "where"};
// Longest first, so that `..=` is not read as `..` and `=`.
constexpr std::array<std::string_view, 32> kSymbols = {
    "..=", "..", "->", "==", "!=", "<=", ">=", "&&", "||", "+=", "(", ")", "[", "]", "{",
    "}",   ",",  ";",  ":",  "=",  "<",  ">",  "+",  "-",  "*",  "/", "%", "!", "."};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Lexer {
public:
  Lexer(const Source &source, Diagnostics &diagnostics) : text_(source.text()), diagnostics_(diagnostics) {}

  std::vector<Token> run() {
    while (skip_blank(), at_ < text_.size() && !diagnostics_.full()) read_token();
    const auto end = static_cast<uint32_t>(text_.size());
    tokens_.push_back({TokenKind::kEnd, {}, {end, end}});
    return std::move(tokens_);
  }

private:
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_blank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        ++at_;
      else if (c == '/' && peek(1) == '/')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        return;
    }
  }

  void read_token() {
    if (is_letter(peek())) return read_word();
    if (is_digit(peek())) return read_number();
    for (std::string_view symbol : kSymbols) {
      if (symbol.empty() || !text_.substr(at_).starts_with(symbol)) continue;
      return push(TokenKind::kSymbol, at_ + symbol.size());
    }
    read_garbage();
  }

  void push(TokenKind kind, size_t end) {
    tokens_.push_back({kind, text_.substr(at_, end - at_), range_to(end)});
    at_ = end;
  }
  SourceRange range_to(size_t end) const { return {static_cast<uint32_t>(at_), static_cast<uint32_t>(end)}; }

  void read_word() {
    size_t end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    push(is_keyword(text_.substr(at_, end - at_)) ? TokenKind::kKeyword : TokenKind::kName, end);
  }

  size_t skip_digits(size_t at) const {
    while (at < text_.size() && is_digit(text_[at])) ++at;
    return at;
  }

  void read_number() {
    size_t end = skip_digits(at_);
    const auto at = [&](size_t i) { return i < text_.size() ? text_[i] : '\0'; };
    if (at(end) == '.' && is_digit(at(end + 1))) end = skip_digits(end + 1);
    if (at(end) == 'e' || at(end) == 'E') {
      const size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
      if (is_digit(at(end + 1 + sign))) end = skip_digits(end + 1 + sign);
    }
    if (!is_letter(at(end))) return push(TokenKind::kNumber, end);
    size_t tail = end;
    while (is_letter(at(tail)) || is_digit(at(tail))) ++tail;
    auto &d = diagnostics_.error("bad-number", range_to(tail),
                                 "`" + std::string(text_.substr(at_, tail - at_)) + "` is neither a number nor a name");
    d.hint = "numbers are decimal, as in `12`, `0.5`, `1e-5`; names do not start with a digit";
    push(TokenKind::kNumber, end);
    at_ = tail;
  }

  // One report for a run of bytes that start no token, so that a binary file does not fill the screen.
  void read_garbage() {
    size_t end = at_ + 1;
    const auto starts_token = [&](char c) {
      return is_letter(c) || is_digit(c) || c == ' ' || c == '\n' || c == '\t' || c == '\r' ||
             std::any_of(kSymbols.begin(), kSymbols.end(), [&](auto s) { return !s.empty() && s[0] == c; });
    };
    while (end < text_.size() && !starts_token(text_[end])) ++end;
    const std::string seen(text_.substr(at_, std::min<size_t>(end - at_, 16)));
    auto &d = diagnostics_.error("bad-character", range_to(end), "`" + seen + "` has no meaning here");
    if (seen == "&" || seen == "|") {
      d.hint = "logical operators are written twice";
      d.fixes.push_back({range_to(end), seen + seen});
    }
    at_ = end;
  }

  std::string_view text_;
  Diagnostics &diagnostics_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

} // namespace

bool is_keyword(std::string_view word) {
  return std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}

std::vector<Token> lex(const Source &source, Diagnostics &diagnostics) { return Lexer(source, diagnostics).run(); }

} // namespace sparkle::dsl
