// Text assembled piece by piece, for printers and code emitters. Locale-proof: numbers go through std::to_chars.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace sparkle {

class StringBuilder {
public:
  StringBuilder &operator<<(std::string_view text) {
    out_ += text;
    return *this;
  }
  StringBuilder &operator<<(char c) {
    out_ += c;
    return *this;
  }
  template <std::integral T>
  requires(!std::same_as<T, char> && !std::same_as<T, bool>) StringBuilder &operator<<(T value) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
    return *this;
  }
  /// Shortest decimal form that reads back as the same double.
  StringBuilder &operator<<(double value) {
    char digits[40];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
    return *this;
  }

  /// Ends the line, then starts the next one with the current indentation on its first `line`.
  template <class... Parts> StringBuilder &line(const Parts &...parts) {
    out_.append(static_cast<size_t>(indent_) * 2, ' ');
    (*this << ... << parts);
    out_ += '\n';
    return *this;
  }
  void indent() { ++indent_; }
  void dedent() { --indent_; }
  int indentation() const { return indent_; }

  const std::string &text() const { return out_; }
  std::string take() { return std::move(out_); }
  bool empty() const { return out_.empty(); }

private:
  std::string out_;
  int indent_ = 0;
};

/// True when every byte of `text` belongs to a whole number that fits; then `value` holds it.
inline bool parse_int(std::string_view text, int64_t &value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

} // namespace sparkle
