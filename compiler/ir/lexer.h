// Private to the parser: the tokens of the text form.
#pragma once

#include <string>
#include <vector>

#include "compiler/support/diagnostics.h"

namespace sparkle {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,   ///< `for.group`, `buffer`, `f32x16`
  kString, ///< A quoted name; `text` is without quotes and escapes.
  kVar,    ///< `%name`; `text` is the name.
  kBuffer, ///< `@name`
  kNumber, ///< `#3`; `text` is the digits.
  kInt,
  kFloat,
  kPunct, ///< `text` is the sign, of one or two characters.
  kError, ///< `text` says what is wrong.
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  SourceRange range;
  bool starts_line = false;
};

/// The last token is kEnd, or the first kError. `;` starts a comment that ends with the line.
std::vector<Token> tokenize(std::string_view text);

} // namespace sparkle
