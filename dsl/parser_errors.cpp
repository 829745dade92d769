// What the parser says of a mistake, and how the line would be right.
#include <array>

#include "dsl/limits.h"
#include "dsl/parser_impl.h"
#include "dsl/suggest.h"

namespace sparkle::dsl {
namespace {

/// Names of types elsewhere.
constexpr std::array<std::array<std::string_view, 2>, 14> kOtherNames = {{{"float", "f32"},
                                                                          {"float32", "f32"},
                                                                          {"single", "f32"},
                                                                          {"fp32", "f32"},
                                                                          {"float16", "f16"},
                                                                          {"half", "f16"},
                                                                          {"fp16", "f16"},
                                                                          {"bfloat16", "bf16"},
                                                                          {"int32", "i32"},
                                                                          {"int8", "i8"},
                                                                          {"char", "i8"},
                                                                          {"uint8", "u8"},
                                                                          {"byte", "u8"},
                                                                          {"uchar", "u8"}}};

std::string describe(const Token &token) {
  if (token.kind == TokenKind::kEnd) return "the end of the file";
  return "`" + std::string(token.text) + "`";
}

std::string type_meant_by(std::string_view name) {
  for (const auto &[other, ours] : kOtherNames)
    if (other == name) return std::string(ours);
  return nearest_name(name, {"f32", "f16", "bf16", "i32", "i8", "u8", "int", "bool"});
}

} // namespace

bool Parser::expect(std::string_view symbol, std::string_view where) {
  if (accept(symbol)) return true;
  if (given_up_) return false;
  // What is missing at the end of a line is shown there, not at the start of the next one.
  SourceRange range = peek().range;
  const uint32_t end = previous_end();
  if (source_.place(range.begin).line != source_.place(end).line) range = {end, end};
  auto &d = diagnostics_.error("expected-token", range,
                               "expected `" + std::string(symbol) + "` " + std::string(where) + ", found " +
                                   describe(peek()));
  if (symbol == ";") d.fixes.push_back({{end, end}, ";"});
  if (!at_symbol("=") || symbol == ";") return false;
  d.hint = "values are compared with `==`";
  d.fixes.push_back({peek().range, "=="});
  return false;
}

/// `words`: what may have been misspelt.
void Parser::error_expected(std::string_view code, std::string_view what, const std::vector<std::string> &words) {
  if (given_up_) return;
  auto &d = diagnostics_.error(std::string(code), peek().range,
                               "expected " + std::string(what) + ", found " + describe(peek()));
  if (peek().kind == TokenKind::kName) suggest(d, nearest_name(peek().text, words));
}

void Parser::suggest(Diagnostic &d, const std::string &word) const {
  if (word.empty()) return;
  d.hint = "did you mean `" + word + "`?";
  d.fixes.push_back({peek().range, word});
}

std::optional<Ident> Parser::expect_name(std::string_view what) {
  if (peek().kind == TokenKind::kName) {
    const Token &token = take();
    return Ident{std::string(token.text), token.range};
  }
  if (peek().kind == TokenKind::kKeyword) {
    auto &d = diagnostics_.error("reserved-word", peek().range,
                                 describe(peek()) + " is a word of the language, and can't be " + std::string(what));
    d.fixes.push_back({peek().range, std::string(peek().text) + "_"});
    return std::nullopt;
  }
  error_expected("expected-name", what);
  return std::nullopt;
}

std::optional<Elem> Parser::expect_elem() {
  if (elem_named(peek().text)) return elem_named(take().text);
  auto &d = diagnostics_.error("expected-type", peek().range, "expected an element type, found " + describe(peek()));
  d.hint = "types are f32, f16, bf16, i32, i8, u8, int and bool";
  if (peek().kind == TokenKind::kName) suggest(d, type_meant_by(peek().text));
  return std::nullopt;
}

// Ends the parse: after this every further message would be about the same place.
bool Parser::stop_too_deep() {
  diagnostics_.error("too-deep", peek().range,
                     "more than " + std::to_string(kMaxNesting) + " open brackets and operators at this place");
  at_ = tokens_.size() - 1;
  given_up_ = true;
  return false;
}

/// `a < b < c` was meant as `a < b && b < c`.
AstId Parser::report_chain(AstId lhs) {
  auto &d = diagnostics_.error("chained-comparison", peek().range, "comparisons do not chain");
  d.hint = "join them with `&&`, as in `a < b && b < c`";
  const auto *binary = std::get_if<AstBinary>(&exprs_[lhs].expr);
  if (binary == nullptr) return kNoId<AstId>;
  const SourceRange middle = exprs_[binary->rhs].range;
  const std::string text = source_.text().substr(middle.begin, middle.end - middle.begin);
  d.fixes.push_back({{peek().range.begin, peek().range.begin}, "&& " + text + " "});
  return kNoId<AstId>;
}

} // namespace sparkle::dsl
