#include "tools/aot/c_names.h"

#include <algorithm>

namespace sparkle::aot {
namespace {

/// C23 and C++23 keywords and alternative tokens that are identifiers of our language.
constexpr std::string_view kKeywords[] = {
    "alignas",      "alignof",       "and",         "and_eq",   "asm",       "auto",
    "bitand",       "bitor",         "bool",        "break",    "case",      "catch",
    "char",         "class",         "compl",       "concept",  "const",     "consteval",
    "constexpr",    "constinit",     "const_cast",  "continue", "co_await",  "co_return",
    "co_yield",     "decltype",      "default",     "delete",   "do",        "double",
    "dynamic_cast", "else",          "enum",        "explicit", "export",    "extern",
    "false",        "float",         "for",         "friend",   "goto",      "if",
    "inline",       "int",           "long",        "mutable",  "namespace", "new",
    "noexcept",     "not",           "not_eq",      "nullptr",  "operator",  "or",
    "or_eq",        "private",       "protected",   "public",   "register",  "reinterpret_cast",
    "requires",     "restrict",      "return",      "short",    "signed",    "sizeof",
    "static",       "static_assert", "static_cast", "struct",   "switch",    "template",
    "this",         "thread_local",  "throw",       "true",     "try",       "typedef",
    "typeid",       "typename",      "typeof",      "union",    "unsigned",  "using",
    "virtual",      "void",          "volatile",    "wchar_t",  "while",     "xor",
    "xor_eq"};

bool is_keyword(std::string_view name) { return std::ranges::find(kKeywords, name) != std::end(kKeywords); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

} // namespace

Status check_c_name(const std::string &name) {
  const bool is_word = !name.empty() && !is_digit(name[0]) &&
                       std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
  // Names with a leading or a double underscore belong to the compiler.
  const bool is_reserved = name.starts_with('_') || name.find("__") != std::string::npos;
  if (is_word && !is_reserved && !is_keyword(name) && name != "main") return ok();
  return Error{ErrorCode::kInvalidInput,
               "functions in C cannot be called `" + name + "`; --name gives them another name"};
}

std::string c_parameter(const std::string &name) {
  const bool is_taken = name == "packed" || name == "workspace";
  return is_taken || is_keyword(name) ? name + "_" : name;
}

std::string c_macro(std::string_view name) {
  std::string out;
  for (const char c : name) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string_view c_type(Scalar scalar) {
  switch (scalar) {
  case Scalar::kF32: return "float";
  case Scalar::kI32: return "int32_t";
  case Scalar::kI8: return "int8_t";
  case Scalar::kU8:
  case Scalar::kBool: return "uint8_t";
  case Scalar::kF16:
  case Scalar::kBF16: return "uint16_t";
  case Scalar::kIndex: return "int64_t";
  }
  return "uint8_t";
}

} // namespace sparkle::aot
