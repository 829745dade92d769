#include "dsl/lexer.h"

#include <gtest/gtest.h>

namespace sparkle::dsl {
namespace {

std::string words(const std::string &text, std::string *codes = nullptr) {
  Source source("t.spk", text);
  Diagnostics diagnostics;
  std::string all;
  for (const Token &token : lex(source, diagnostics))
    if (token.kind != TokenKind::kEnd) all += (all.empty() ? "" : " ") + std::string(token.text);
  for (const Diagnostic &d : diagnostics.list())
    if (codes != nullptr) *codes += d.code + ";";
  return all;
}

TEST(Lexer, SplitsAtTheLongestSymbol) {
  EXPECT_EQ(words("a..=b"), "a ..= b");
  EXPECT_EQ(words("0..K"), "0 .. K");
  EXPECT_EQ(words("1.5..2"), "1.5 .. 2");
  EXPECT_EQ(words("a<=b<c&&d||!e"), "a <= b < c && d || ! e");
  EXPECT_EQ(words("c+=x->y"), "c += x -> y");
  EXPECT_EQ(words("sum.f16[k]"), "sum . f16 [ k ]");
}

TEST(Lexer, ReadsNumbers) {
  EXPECT_EQ(words("1e-5 2E+3 0.25 1e"), "1e-5 2E+3 0.25 1");
  std::string codes;
  EXPECT_EQ(words("1e", &codes), "1");
  EXPECT_EQ(codes, "bad-number;");
}

TEST(Lexer, LeavesCommentsOut) { EXPECT_EQ(words("a // b @ \xFF\nc//"), "a c"); }

TEST(Lexer, TellsKeywordsFromNames) {
  EXPECT_TRUE(is_keyword("outside"));
  EXPECT_FALSE(is_keyword("clamp"));
  EXPECT_FALSE(is_keyword("skip"));
  EXPECT_FALSE(is_keyword(""));
}

TEST(Lexer, SurvivesEveryByte) {
  std::string text;
  for (int c = 0; c < 256; ++c) text += std::string("a ") + static_cast<char>(c) + " b ";
  std::string codes;
  words(text, &codes);
  EXPECT_NE(codes.find("bad-character;"), std::string::npos);
}

} // namespace
} // namespace sparkle::dsl
