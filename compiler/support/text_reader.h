// TextReader: tokens of the line-based text forms (schedules, target infos) with their places.
//
// A word is a run of letters, digits, `_`, `.`, `+`, `-`; a string stands in double quotes with the escapes \" \\ \n
// \xHH; any other printable byte is a token of its own. `#` starts a comment up to the end of the line. A line end is a
// token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/support/diagnostics.h"

namespace sparkle {

enum class TokenKind : uint8_t { kWord, kString, kMark, kLineEnd, kEnd, kBad };

struct TextToken {
  TokenKind kind = TokenKind::kEnd;
  std::string text; ///< Of a string: unescaped.
  SourceRange range;
  bool is(std::string_view other) const {
    return text == other && (kind == TokenKind::kWord || kind == TokenKind::kMark);
  }
  bool ends_line() const { return kind == TokenKind::kLineEnd || kind == TokenKind::kEnd; }
  /// For messages: `word`, `end of line`...
  std::string shown() const;
};

/// One token of look-ahead. Never fails: what cannot be read is a token of kind kBad.
class TextReader {
public:
  explicit TextReader(const Source &source);

  const TextToken &peek() const { return next_; }
  TextToken take();
  /// Takes the next token if it is this word or mark.
  bool take_if(std::string_view text);
  void skip_line_ends();
  /// Up to the line end, not beyond: where parsing goes on after an error.
  void skip_line();

private:
  TextToken read();
  TextToken read_string(uint32_t begin);
  std::optional<char> read_escape();
  TextToken token(TokenKind kind, uint32_t begin) const;
  const std::string &text_;
  uint32_t at_ = 0;
  TextToken next_;
};

/// `text` as it stands in these forms: a word where it is one, else a string.
std::string quote_word(std::string_view text);

} // namespace sparkle
