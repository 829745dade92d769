#include "compiler/support/text_reader.h"

#include <algorithm>
#include <charconv>

namespace sparkle {
namespace {

// Not <cctype>: that depends on the locale.
bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '+' || c == '-';
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

void append_byte(std::string &out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (is_control(c)) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  } else {
    out += c;
  }
}

} // namespace

std::string TextToken::shown() const {
  switch (kind) {
  case TokenKind::kLineEnd: return "the end of the line";
  case TokenKind::kEnd: return "the end of the text";
  case TokenKind::kString: return "a string";
  case TokenKind::kWord:
  case TokenKind::kMark:
  case TokenKind::kBad: break;
  }
  return "`" + text + "`";
}

TextReader::TextReader(const Source &source) : text_(source.text()) { next_ = read(); }

TextToken TextReader::take() {
  TextToken taken = std::move(next_);
  next_ = read();
  return taken;
}

bool TextReader::take_if(std::string_view text) {
  if (!next_.is(text)) return false;
  take();
  return true;
}

void TextReader::skip_line_ends() {
  while (next_.kind == TokenKind::kLineEnd) take();
}

void TextReader::skip_line() {
  while (!next_.ends_line()) take();
}

TextToken TextReader::token(TokenKind kind, uint32_t begin) const {
  return {kind, text_.substr(begin, at_ - begin), {begin, at_}};
}

TextToken TextReader::read() {
  const auto size = static_cast<uint32_t>(text_.size());
  while (at_ < size && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  if (at_ < size && text_[at_] == '#') at_ = static_cast<uint32_t>(std::min<size_t>(text_.find('\n', at_), size));
  const uint32_t begin = at_;
  if (at_ == size) return {TokenKind::kEnd, {}, {begin, begin}};
  const char c = text_[at_++];
  if (c == '\n') return {TokenKind::kLineEnd, {}, {begin, begin + 1}};
  if (c == '"') return read_string(begin);
  if (is_word_byte(c)) {
    while (at_ < size && is_word_byte(text_[at_])) ++at_;
    return token(TokenKind::kWord, begin);
  }
  const bool printable = !is_control(c) && static_cast<unsigned char>(c) < 0x80;
  return token(printable ? TokenKind::kMark : TokenKind::kBad, begin);
}

TextToken TextReader::read_string(uint32_t begin) {
  std::string value;
  while (at_ < text_.size() && text_[at_] != '\n') {
    const char c = text_[at_++];
    if (c == '"') return {TokenKind::kString, std::move(value), {begin, at_}};
    const auto byte = c == '\\' ? read_escape() : std::optional<char>(c);
    if (!byte) break;
    value += *byte;
  }
  return token(TokenKind::kBad, begin);
}

std::optional<char> TextReader::read_escape() {
  if (at_ >= text_.size()) return std::nullopt;
  const char c = text_[at_++];
  if (c == '"' || c == '\\') return c;
  if (c == 'n') return '\n';
  if (c != 'x' || at_ + 2 > text_.size()) return std::nullopt;
  unsigned value = 0;
  const char *digits = text_.data() + at_;
  auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
  if (error != std::errc() || end != digits + 2) return std::nullopt;
  at_ += 2;
  return static_cast<char>(value);
}

std::string quote_word(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_word_byte)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) append_byte(out, c);
  return out + "\"";
}

} // namespace sparkle
