// Source text -> tokens. Never fails: what is not a token is reported and left out.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/support/diagnostics.h"

namespace sparkle::dsl {

enum class TokenKind { kName, kKeyword, kNumber, kSymbol, kEnd };

/// `text` points into the source, which must outlive the tokens.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  SourceRange range;
};

bool is_keyword(std::string_view word);

/// Splits a text of at most kMaxSourceBytes. The last token is kEnd.
std::vector<Token> lex(const Source &source, Diagnostics &diagnostics);

} // namespace sparkle::dsl
