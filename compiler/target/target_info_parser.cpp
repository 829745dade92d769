// Parser of TargetInfo's text form. One statement a line; after an error it goes on with the next line.
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "compiler/support/string_builder.h"
#include "compiler/support/text_reader.h"
#include "compiler/target/target_info.h"
#include "compiler/target/target_info_fields.h"

namespace sparkle {
namespace {

constexpr double kLargestReal = 1e18;
/// Byte counts stay far from overflow, so that sums of a few of them are safe everywhere.
constexpr int64_t kLargestInteger = int64_t{1} << 56;

/// Reads one value into the field it is called with; `problem` stays empty when that worked.
struct ValueReader {
  const TextToken &token;
  double least;
  std::string problem;

  void operator()(std::string &field) {
    if (token.kind == TokenKind::kWord || token.kind == TokenKind::kString)
      field = token.text;
    else
      problem = "a word or a string";
  }
  void operator()(bool &field) {
    if (token.is("true") || token.is("false"))
      field = token.text == "true";
    else
      problem = "`true` or `false`";
  }
  void operator()(Sharing &field) {
    for (const Sharing sharing : {Sharing::kWorker, Sharing::kGroup, Sharing::kDevice}) {
      if (!token.is(name_of(sharing))) continue;
      field = sharing;
      return;
    }
    problem = "`worker`, `group` or `device`";
  }
  void operator()(int64_t &field) { read_integer(field, kLargestInteger); }
  void operator()(int &field) {
    int64_t value = field;
    read_integer(value, std::numeric_limits<int>::max());
    field = static_cast<int>(value);
  }
  void operator()(double &field) {
    double value = 0;
    const char *end = token.text.data() + token.text.size();
    auto [stop, error] = std::from_chars(token.text.data(), end, value);
    const bool is_number =
        token.kind == TokenKind::kWord && error == std::errc() && stop == end && std::isfinite(value);
    if (is_number && value >= least && value <= kLargestReal)
      field = value;
    else
      problem = least > 0 ? "a number above 0" : "a number from 0";
  }

private:
  void read_integer(int64_t &field, int64_t greatest) {
    int64_t value = 0;
    if (token.kind == TokenKind::kWord && parse_int(token.text, value) && value >= static_cast<int64_t>(least) &&
        value <= greatest) {
      field = value;
      return;
    }
    StringBuilder out;
    out << "a whole number from " << static_cast<int64_t>(least) << " to " << greatest;
    problem = out.take();
  }
};

class Parser {
public:
  Parser(const Source &source, Diagnostics &diagnostics) : reader_(source), diagnostics_(diagnostics) {}

  TargetInfo parse() {
    TargetInfo info;
    for (reader_.skip_line_ends(); reader_.peek().kind != TokenKind::kEnd; reader_.skip_line_ends()) {
      if (diagnostics_.full()) break;
      statement(info);
    }
    check(info);
    return info;
  }

private:
  void statement(TargetInfo &info) {
    const TextToken key = reader_.take();
    if (key.is("memory")) return memory(info);
    if (key.is("matrix_unit")) return matrix_unit(info, key.range);
    field(key, seen_, [&](auto &&f) { for_each_field(info, f); });
  }

  void memory(TargetInfo &info) {
    MemoryInfo memory;
    const TextToken name = reader_.peek();
    if (name.kind != TokenKind::kWord && name.kind != TokenKind::kString) return syntax(name, "the name of the memory");
    memory.name = reader_.take().text;
    block([&](auto &&f) { for_each_memory_field(memory, f); });
    info.memories.push_back(std::move(memory));
  }

  void matrix_unit(TargetInfo &info, SourceRange place) {
    MatrixUnit unit;
    const int errors_before = diagnostics_.error_count();
    block([&](auto &&f) { for_each_matrix_field(unit, f); });
    const bool has_shape = unit.m > 0 && unit.n > 0 && unit.k > 0;
    if (!has_shape && diagnostics_.error_count() == errors_before) {
      diagnostics_.error("target-info-key", place, "a matrix unit needs `m`, `n` and `k`");
    }
    info.matrix_units.push_back(std::move(unit));
  }

  /// `{`, one field a line, `}`.
  template <class Fields> void block(Fields &&fields) {
    if (!reader_.take_if("{")) return syntax(reader_.peek(), "`{`");
    std::set<std::string> seen;
    for (reader_.skip_line_ends(); !diagnostics_.full(); reader_.skip_line_ends()) {
      if (reader_.peek().is("}")) break;
      if (reader_.peek().kind == TokenKind::kEnd) return syntax(reader_.peek(), "`}`");
      field(reader_.take(), seen, fields);
    }
    reader_.take_if("}");
    end_of_line();
  }

  template <class Fields> void field(const TextToken &key, std::set<std::string> &seen, Fields &&fields) {
    if (key.kind != TokenKind::kWord) return syntax(key, "a key");
    bool known = false;
    fields([&](std::string_view name, auto &value, double least) {
      if (!key.is(name)) return;
      known = true;
      read_value(key, value, least);
    });
    if (!known) return unknown_key(key);
    if (!seen.insert(key.text).second) {
      diagnostics_.error("target-info-key", key.range,
                         "`" + key.text + "` is given twice; a key stands once in its block");
    }
  }

  template <class T> void read_value(const TextToken &key, T &value, double least) {
    const TextToken token = reader_.peek();
    if (token.ends_line()) return syntax(token, "a value for `" + key.text + "`");
    ValueReader read{token, least, {}};
    read(value);
    if (!read.problem.empty()) {
      diagnostics_.error("target-info-value", token.range,
                         token.shown() + " is no value of `" + key.text + "`; it takes " + read.problem);
      return reader_.skip_line();
    }
    reader_.take();
    if (key.is("max_workers")) max_workers_range_ = token.range;
    end_of_line();
  }

  void unknown_key(const TextToken &key) {
    diagnostics_.error("target-info-key", key.range, "`" + key.text + "` is not a key of a target info");
    reader_.skip_line();
  }

  void check(const TargetInfo &info) {
    if (info.max_workers % info.team_workers == 0) return;
    diagnostics_.error("target-info-value", max_workers_range_, "`max_workers` must be a multiple of `team_workers`");
  }

  void end_of_line() {
    if (!reader_.peek().ends_line() && !reader_.peek().is("}")) syntax(reader_.peek(), "the end of the line");
  }

  void syntax(const TextToken &token, const std::string &wanted) {
    diagnostics_.error("target-info-syntax", token.range, "found " + token.shown() + " where " + wanted + " should be");
    reader_.skip_line();
  }

  TextReader reader_;
  Diagnostics &diagnostics_;
  std::set<std::string> seen_;
  SourceRange max_workers_range_;
};

} // namespace

Result<TargetInfo> parse_target_info(const Source &source, Diagnostics &diagnostics) {
  const int errors_before = diagnostics.error_count();
  TargetInfo info = Parser(source, diagnostics).parse();
  if (diagnostics.error_count() > errors_before) {
    return Error{ErrorCode::kInvalidInput, "the target info `" + source.name() + "` has errors"};
  }
  return info;
}

} // namespace sparkle
