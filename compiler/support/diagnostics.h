// Located messages about the user's text, and their rendering with caret or as JSON lines.
// Used by the DSL, by the IR, schedule and target-info parsers, and by the IR verifier (against printed IR).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sparkle {

/// Bytes [begin, end) of one source text. Both 0: no place known.
struct SourceRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const SourceRange &) const = default;
};

/// A text with a name, and where its lines start. Line and column count from 1; a column is a byte.
class Source {
public:
  Source(std::string name, std::string text);

  struct Place {
    int line = 1;
    int column = 1;
  };
  const std::string &name() const { return name_; }
  const std::string &text() const { return text_; }
  Place place(uint32_t offset) const;
  /// Without its line end.
  std::string_view line(int number) const;

private:
  std::string name_;
  std::string text_;
  std::vector<uint32_t> line_starts_;
};

/// Replacing the bytes of `range` by `replacement` would mend the mistake.
struct FixIt {
  SourceRange range;
  std::string replacement;
};

struct Note {
  SourceRange range;
  std::string text;
};

enum class Severity { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code; ///< Stable, lower case with dashes: `out-of-bounds`. Listed in diagnostics.def.
  SourceRange range;
  std::string text; ///< Lower case, no full stop; code in backticks; what was seen, then the rule.
  std::string hint; ///< Optional: the way out, often a line to paste.
  std::vector<Note> notes;
  std::vector<FixIt> fixes;
};

/// Collects diagnostics in order of discovery, up to a limit; more are counted, not kept.
class Diagnostics {
public:
  static constexpr int kMaxErrors = 20;

  /// Returns the stored diagnostic, so that notes, hint and fixes can be added to it.
  Diagnostic &error(std::string code, SourceRange range, std::string text);
  Diagnostic &warning(std::string code, SourceRange range, std::string text);

  bool has_errors() const { return error_count_ > 0; }
  int error_count() const { return error_count_; }
  /// True once kMaxErrors errors were reported: the caller should stop looking.
  bool full() const { return error_count_ >= kMaxErrors; }
  const std::vector<Diagnostic> &list() const { return list_; }

private:
  std::vector<Diagnostic> list_;
  Diagnostic overflow_; ///< Takes what is reported after the limit.
  int error_count_ = 0;
};

/// `file:line:col: error: text [code]`, the line, a caret line, then hint, fix and notes. Control bytes are escaped.
std::string render_text(const Diagnostics &diagnostics, const Source &source);

/// One JSON object a line: severity, code, file, place, length, message, hint, notes, fix (null, or one replacement).
std::string render_json(const Diagnostics &diagnostics, const Source &source);

/// Replaces control bytes and invalid UTF-8 by escapes, so that no input reaches a terminal raw.
std::string escape_control(std::string_view text);

} // namespace sparkle
