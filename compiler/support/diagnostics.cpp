#include "compiler/support/diagnostics.h"

#include <algorithm>
#include <optional>

#include "compiler/support/string_builder.h"

namespace sparkle {
namespace {

constexpr size_t kShownLineBytes = 200; ///< A longer line is shown as a window around the caret.

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 1;
};

size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

/// The UTF-8 sequence at `at`, or nothing when it is not valid there (RFC 3629: no overlong forms, no surrogates).
std::optional<CodePoint> decode(std::string_view text, size_t at) {
  static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char lead = static_cast<unsigned char>(text[at]);
  const size_t length = sequence_length(lead);
  if (length == 0 || at + length > text.size()) return std::nullopt;
  if (length == 1) return CodePoint{lead, 1};
  uint32_t value = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const unsigned char next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (next & 0x3F);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[length] || value > 0x10FFFF || surrogate) return std::nullopt;
  return CodePoint{value, length};
}

/// Controls, and the marks that reorder text on screen (they could make a line look like another one).
bool is_unsafe(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

void append_hex(std::string &out, uint32_t value, int digits) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kHex[value >> shift & 15];
}

void append_escaped(std::string &out, uint32_t c) {
  switch (c) {
  case '\n': out += "\\n"; return;
  case '\r': out += "\\r"; return;
  case '\t': out += "\\t"; return;
  default: break;
  }
  out += c < 0x100 ? "\\x" : "\\u";
  append_hex(out, c, c < 0x100 ? 2 : 4);
}

std::string quote_json(std::string_view text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const auto point = decode(text, at);
    if (!point) {
      out += "\\ufffd";
      ++at;
      continue;
    }
    if (point->value == '"' || point->value == '\\') {
      out += '\\';
      out += static_cast<char>(point->value);
    } else if (is_unsafe(point->value)) {
      out += "\\u";
      append_hex(out, point->value, 4);
    } else {
      out += text.substr(at, point->bytes);
    }
    at += point->bytes;
  }
  return out + "\"";
}

/// Characters that `escaped` takes on a terminal: every code point counts as one.
size_t width(std::string_view escaped) {
  return static_cast<size_t>(std::count_if(escaped.begin(), escaped.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string shown(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '\t', ' ');
  return escape_control(spaced);
}

void render_caret(StringBuilder &out, const Source &source, SourceRange range) {
  const auto place = source.place(range.begin);
  std::string_view line = source.line(place.line);
  size_t begin = std::min<size_t>(static_cast<size_t>(place.column - 1), line.size());
  size_t length = range.end > range.begin ? range.end - range.begin : 1;
  if (line.size() > kShownLineBytes) {
    const size_t start = begin > kShownLineBytes / 2 ? begin - kShownLineBytes / 2 : 0;
    line = line.substr(start, kShownLineBytes);
    begin -= start;
  }
  length = std::max<size_t>(std::min(length, line.size() - begin), 1);
  const std::string number = std::to_string(place.line);
  const std::string margin(number.size() < 5 ? 5 - number.size() : 0, ' ');
  const size_t carets = std::max<size_t>(width(shown(line.substr(begin, length))), 1);
  out << margin << number << " | " << shown(line) << '\n';
  out << std::string(margin.size() + number.size(), ' ') << " | "
      << std::string(width(shown(line.substr(0, begin))), ' ') << std::string(carets, '^') << '\n';
}

void render_head(StringBuilder &out, const Source &source, SourceRange range, std::string_view kind) {
  const auto place = source.place(range.begin);
  out << escape_control(source.name()) << ':' << place.line << ':' << place.column << ": " << kind << ": ";
}

std::string_view name_of(Severity severity) { return severity == Severity::kError ? "error" : "warning"; }

/// All fixes as one: the bytes from the first to the last, with every replacement made.
std::optional<FixIt> combined_fix(const Diagnostic &d, const Source &source) {
  if (d.fixes.empty()) return std::nullopt;
  std::vector<FixIt> fixes = d.fixes;
  std::stable_sort(fixes.begin(), fixes.end(),
                   [](const FixIt &a, const FixIt &b) { return a.range.begin < b.range.begin; });
  const std::string_view text = source.text();
  FixIt all{{fixes.front().range.begin, fixes.front().range.begin}, {}};
  for (const FixIt &fix : fixes) {
    if (fix.range.begin < all.range.end || fix.range.end > text.size()) return std::nullopt;
    all.replacement += text.substr(all.range.end, fix.range.begin - all.range.end);
    all.replacement += fix.replacement;
    all.range.end = fix.range.end;
  }
  return all;
}

/// The line as it would be, to paste; nothing where it is long, or more than one.
void render_fix(StringBuilder &out, const Diagnostic &d, const Source &source) {
  const auto fix = combined_fix(d, source);
  if (!fix) return;
  const auto begin = source.place(fix->range.begin), end = source.place(fix->range.end);
  const std::string_view line = source.line(begin.line);
  if (begin.line != end.line || line.size() + fix->replacement.size() > kShownLineBytes) return;
  std::string mended(line.substr(0, static_cast<size_t>(begin.column - 1)));
  mended += fix->replacement;
  mended += line.substr(std::min(static_cast<size_t>(end.column - 1), line.size()));
  const size_t first = mended.find_first_not_of(" \t");
  if (first != std::string::npos) out << "      = fix: " << shown(mended.substr(first)) << '\n';
}

void render_one(StringBuilder &out, const Diagnostic &d, const Source &source) {
  render_head(out, source, d.range, name_of(d.severity));
  out << escape_control(d.text) << " [" << d.code << "]\n";
  render_caret(out, source, d.range);
  if (!d.hint.empty()) out << "      = hint: " << escape_control(d.hint) << '\n';
  render_fix(out, d, source);
  for (const Note &note : d.notes) {
    render_head(out, source, note.range, "note");
    out << escape_control(note.text) << '\n';
    render_caret(out, source, note.range);
  }
}

void json_range(StringBuilder &out, const Source &source, SourceRange range) {
  const auto begin = source.place(range.begin);
  const auto end = source.place(range.end);
  out << "\"line\":" << begin.line << ",\"column\":" << begin.column << ",\"end_line\":" << end.line
      << ",\"end_column\":" << end.column << ",\"length\":" << (range.end > range.begin ? range.end - range.begin : 0);
}

void json_one(StringBuilder &out, const Diagnostic &d, const Source &source) {
  out << "{\"severity\":\"" << name_of(d.severity) << "\",\"code\":" << quote_json(d.code)
      << ",\"file\":" << quote_json(source.name()) << ',';
  json_range(out, source, d.range);
  out << ",\"message\":" << quote_json(d.text) << ",\"hint\":" << quote_json(d.hint) << ",\"notes\":[";
  for (size_t i = 0; i < d.notes.size(); ++i) {
    out << (i > 0 ? ",{" : "{");
    json_range(out, source, d.notes[i].range);
    out << ",\"message\":" << quote_json(d.notes[i].text) << '}';
  }
  out << "],\"fix\":";
  if (const auto fix = combined_fix(d, source)) {
    out << "{\"range\":{";
    json_range(out, source, fix->range);
    out << "},\"replacement\":" << quote_json(fix->replacement) << '}';
  } else {
    out << "null";
  }
  out << "}\n";
}

} // namespace

Source::Source(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i)
    if (text_[i] == '\n') line_starts_.push_back(static_cast<uint32_t>(i + 1));
}

Source::Place Source::place(uint32_t offset) const {
  offset = std::min<uint32_t>(offset, static_cast<uint32_t>(text_.size()));
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<int>(after - line_starts_.begin());
  return {line, static_cast<int>(offset - line_starts_[static_cast<size_t>(line - 1)]) + 1};
}

std::string_view Source::line(int number) const {
  if (number < 1 || static_cast<size_t>(number) > line_starts_.size()) return {};
  const size_t begin = line_starts_[static_cast<size_t>(number - 1)];
  std::string_view rest = std::string_view(text_).substr(begin);
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

Diagnostic &Diagnostics::error(std::string code, SourceRange range, std::string text) {
  ++error_count_;
  Diagnostic fresh{Severity::kError, std::move(code), range, std::move(text), {}, {}, {}};
  if (error_count_ > kMaxErrors) return overflow_ = std::move(fresh);
  return list_.emplace_back(std::move(fresh));
}

Diagnostic &Diagnostics::warning(std::string code, SourceRange range, std::string text) {
  Diagnostic fresh{Severity::kWarning, std::move(code), range, std::move(text), {}, {}, {}};
  if (list_.size() >= size_t{2} * kMaxErrors) return overflow_ = std::move(fresh);
  return list_.emplace_back(std::move(fresh));
}

std::string render_text(const Diagnostics &diagnostics, const Source &source) {
  StringBuilder out;
  for (const Diagnostic &d : diagnostics.list()) render_one(out, d, source);
  const int more = diagnostics.error_count() - Diagnostics::kMaxErrors;
  if (more > 0) out << "stopped after " << Diagnostics::kMaxErrors << " errors; " << more << " more\n";
  return out.take();
}

std::string render_json(const Diagnostics &diagnostics, const Source &source) {
  StringBuilder out;
  for (const Diagnostic &d : diagnostics.list()) json_one(out, d, source);
  return out.take();
}

std::string escape_control(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const auto point = decode(text, at);
    if (!point) {
      append_escaped(out, static_cast<unsigned char>(text[at++]));
      continue;
    }
    if (is_unsafe(point->value))
      append_escaped(out, point->value);
    else
      out += text.substr(at, point->bytes);
    at += point->bytes;
  }
  return out;
}

} // namespace sparkle
