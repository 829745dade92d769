// Parser of the schedule's text form. One statement a line; after an error it goes on with the next line.
#include <algorithm>
#include <limits>
#include <set>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/schedule_words.h"
#include "compiler/support/string_builder.h"
#include "compiler/support/text_reader.h"

namespace sparkle {
namespace {

constexpr int64_t kGreatestFactor = std::numeric_limits<int32_t>::max();
constexpr int64_t kGreatestLanes = 64;
constexpr int64_t kGreatestCacheLevel = 4;
constexpr int64_t kGreatestSplit = 15; ///< Of a reference `dim.N`.

struct Bounds {
  int64_t least;
  int64_t greatest;
};

class Parser {
public:
  Parser(const Source &source, Diagnostics &diagnostics) : reader_(source), diagnostics_(diagnostics) {}

  Schedule parse() {
    for (reader_.skip_line_ends(); reader_.peek().kind != TokenKind::kEnd; reader_.skip_line_ends()) {
      if (diagnostics_.full()) break;
      kernel();
    }
    return std::move(schedule_);
  }

private:
  void kernel() {
    if (!reader_.take_if("kernel")) return syntax("`kernel`");
    const SourceRange place = reader_.peek().range;
    KernelSchedule kernel;
    if (!name(kernel.kernel, "the name of an output or `let`")) return skip_block();
    if (schedule_.find(kernel.kernel)) duplicate(place, "kernel `" + kernel.kernel + "` has an entry already");
    if (!reader_.take_if("{")) {
      syntax("`{`");
      return skip_block();
    }
    seen_.clear();
    for (reader_.skip_line_ends(); !reader_.peek().is("}") && !diagnostics_.full(); reader_.skip_line_ends()) {
      if (reader_.peek().kind == TokenKind::kEnd) return syntax("`}`");
      if (statement(kernel))
        end_of_statement();
      else
        skip_statement();
    }
    reader_.take_if("}");
    if (!reader_.peek().ends_line()) syntax("the end of the line");
    schedule_.kernels.push_back(std::move(kernel));
  }

  void skip_statement() {
    while (!reader_.peek().is("}") && !reader_.peek().ends_line()) reader_.take();
  }

  void skip_block() {
    while (!reader_.peek().is("}") && reader_.peek().kind != TokenKind::kEnd) reader_.take();
    reader_.take_if("}");
  }

  // Every function below that returns bool has reported its error when it returns false.

  bool statement(KernelSchedule &kernel) {
    const TextToken word = reader_.take();
    if (word.is("fuse")) return fuse(kernel);
    if (word.is("split")) return split(kernel);
    if (word.is("stage")) return stage(kernel);
    if (word.is("prefetch")) return prefetch(kernel);
    if (word.is("order")) return once(word) && order(kernel);
    if (word.is("partition")) return once(word) && partition(kernel);
    if (word.is("place")) return once(word) && place(kernel);
    if (word.is("clip")) return once(word) && choice(kernel.clip, "on", "off", true, false);
    if (word.is("store"))
      return once(word) && choice(kernel.store, "plain", "streaming", StoreKind::kPlain, StoreKind::kStreaming);
    if (word.is("split_reduction"))
      return once(word) && number(kernel.split_reduction, "split_reduction", {1, kGreatestFactor});
    return fail(
        word,
        "`fuse`, `split`, `order`, `stage`, `prefetch`, `partition`, `place`, `clip`, `split_reduction` or `store`");
  }

  bool place(KernelSchedule &kernel) {
    const TextToken word = next();
    if (!word.is("stored") && !word.is("inline") && !word.is("at")) return fail(word, "`stored`, `inline` or `at`");
    kernel.placement = word.is("inline") ? Placement::kInline : word.is("at") ? Placement::kAt : Placement::kStored;
    if (kernel.placement != Placement::kAt) return true;
    if (!loop(kernel.at.loop)) return false;
    if (!reader_.take_if("of")) return fail(reader_.peek(), "`of`");
    if (!name(kernel.at.consumer, "the name of an output or `let`")) return false;
    return !reader_.take_if("skew") || skews(kernel.at.skew);
  }

  bool skews(std::vector<int64_t> &list) {
    do {
      if (!number(list.emplace_back(), "skew", {0, kGreatestSkew})) return false;
    } while (reader_.peek().kind == TokenKind::kWord);
    while (!list.empty() && list.back() == 0) list.pop_back(); // As if they were not there.
    return true;
  }

  bool fuse(KernelSchedule &kernel) {
    const SourceRange place = reader_.peek().range;
    std::string dim;
    if (!name(dim, "the name of the fused dimension")) return false;
    if (!reader_.take_if("=")) return fail(reader_.peek(), "`=`");
    DimSchedule &entry = dim_entry(kernel, dim);
    if (!entry.fused.empty()) return duplicate(place, "`" + dim + "` is fused twice");
    return names(entry.fused, "the name of a dimension");
  }

  bool split(KernelSchedule &kernel) {
    const SourceRange place = reader_.peek().range;
    std::string dim;
    if (!name(dim, "the name of a dimension")) return false;
    if (!reader_.take_if(":")) return fail(reader_.peek(), "`:`");
    if (!seen_.insert("split " + dim).second) return duplicate(place, "`" + dim + "` is split twice");
    DimSchedule &entry = dim_entry(kernel, dim);
    if (reader_.peek().ends_line()) return true;
    do {
      if (!split_item(entry)) return false;
    } while (reader_.take_if(","));
    return true;
  }

  bool split_item(DimSchedule &entry) {
    const TextToken word = next();
    const auto kind = loop_kind(word);
    if (!kind) return fail(word, "`group`, `team`, `worker`, `serial`, `unrolled` or `lane`");
    Split split{*kind, 0};
    if (reader_.peek().kind == TokenKind::kWord) {
      if (!number(split.factor, "a factor", {1, kGreatestFactor})) return false;
    } else if (!entry.splits.empty()) {
      return bad_value(word.range, "split `" + word.text + "` has no factor; only the first one may leave it out");
    }
    entry.splits.push_back(split);
    return true;
  }

  bool order(KernelSchedule &kernel) {
    const SourceRange place = reader_.peek().range;
    if (!loops(kernel.order)) return false;
    for (size_t i = 0; i < kernel.order.size(); ++i) {
      const auto end = kernel.order.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::find(kernel.order.begin(), end, *end) == end) continue;
      return duplicate({place.begin, last_end_}, "loop `" + kernel.order[i].text() + "` stands twice in the order");
    }
    return true;
  }

  bool partition(KernelSchedule &kernel) { return names(kernel.partition, "the name of a dimension"); }

  bool stage(KernelSchedule &kernel) {
    Staging staging;
    if (!name(staging.tensor, "the name of a tensor")) return false;
    const TextToken level = next();
    if (level.is("register"))
      staging.level = MemoryLevel::kRegister;
    else if (level.is("near"))
      staging.level = MemoryLevel::kNear;
    else if (level.is("far"))
      staging.level = MemoryLevel::kFar;
    else
      return fail(level, "`register`, `near` or `far`");

    std::set<std::string> seen;
    while (is_option()) {
      if (!new_option(seen) || !staging_option(staging)) return false;
    }
    if (staging.layout.empty()) return fail(reader_.peek(), "`layout` and its loops");
    const bool is_far = staging.level == MemoryLevel::kFar;
    if (is_far && staging.at) return bad_value(level.range, "a far staging is made before the kernel; it has no `at`");
    if (!is_far && !staging.at) return bad_value(level.range, "a " + level.text + " staging needs `at` and a loop");
    kernel.stagings.push_back(std::move(staging));
    return true;
  }

  bool staging_option(Staging &staging) {
    const TextToken word = reader_.take();
    if (word.is("at")) return loop(staging.at.emplace());
    if (word.is("layout")) return loops(staging.layout);
    if (word.is("walk")) return loops(staging.walk);
    if (word.is("skew")) return number(staging.skew, "skew", {0, kGreatestFactor});
    if (word.is("lanes")) return number(staging.lanes, "lanes", {1, kGreatestLanes});
    if (word.is("buffers")) return number(staging.buffers, "buffers", {1, 2});
    if (word.is("ahead")) return number(staging.ahead, "ahead", {0, 1});
    return fail(word, "an option of `stage`");
  }

  bool prefetch(KernelSchedule &kernel) {
    PrefetchHint hint;
    if (!name(hint.tensor, "the name of a tensor")) return false;
    if (!reader_.take_if("at")) return fail(reader_.peek(), "`at`");
    if (!loop(hint.at)) return false;
    std::set<std::string> seen;
    while (is_option()) {
      if (!new_option(seen)) return false;
      const TextToken word = reader_.take();
      const bool is_distance = word.is("distance");
      if (!is_distance && !word.is("cache")) return fail(word, "`distance` or `cache`");
      if (is_distance && !number(hint.distance, "distance", {1, kGreatestFactor})) return false;
      if (!is_distance && !number(hint.cache, "cache", {1, kGreatestCacheLevel})) return false;
    }
    kernel.prefetches.push_back(std::move(hint));
    return true;
  }

  template <class T> bool choice(T &field, std::string_view a, std::string_view b, T value_a, T value_b) {
    const TextToken word = next();
    if (!word.is(a) && !word.is(b)) return fail(word, "`" + std::string(a) + "` or `" + std::string(b) + "`");
    field = word.is(a) ? value_a : value_b;
    return true;
  }

  template <class T> bool number(T &field, std::string_view what, Bounds bounds) {
    const TextToken token = reader_.peek();
    if (token.kind != TokenKind::kWord) return fail(token, "a number");
    int64_t value = 0;
    if (!parse_int(token.text, value) || value < bounds.least || value > bounds.greatest) {
      StringBuilder text;
      text << token.shown() << " does not fit " << what << "; it takes a whole number from " << bounds.least << " to "
           << bounds.greatest;
      return bad_value(token.range, text.take());
    }
    field = static_cast<T>(value);
    take();
    return true;
  }

  bool loop(LoopRef &ref) {
    const TextToken token = reader_.peek();
    if (token.kind != TokenKind::kWord || is_option_word(token.text)) return fail(token, "a loop");
    ref = {token.text, 0};
    if (const size_t dot = token.text.rfind('.'); dot != std::string::npos) {
      int64_t split = 0;
      const bool is_number = parse_int(std::string_view(token.text).substr(dot + 1), split);
      if (!is_number || split < 0 || split > kGreatestSplit || dot == 0) {
        return bad_value(token.range, token.shown() + " is no loop; loops are written `dim` or `dim.split`");
      }
      ref = {token.text.substr(0, dot), static_cast<int>(split)};
    }
    take();
    return true;
  }

  bool loops(std::vector<LoopRef> &list) {
    do {
      if (!loop(list.emplace_back())) return false;
    } while (reader_.peek().kind == TokenKind::kWord && !is_option());
    return true;
  }

  bool name(std::string &field, std::string_view what) {
    const TextToken &token = reader_.peek();
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kString) return fail(token, what);
    field = take().text;
    return true;
  }

  bool names(std::vector<std::string> &list, std::string_view what) {
    do {
      const SourceRange place = reader_.peek().range;
      std::string next;
      if (!name(next, what)) return false;
      if (std::find(list.begin(), list.end(), next) != list.end())
        return duplicate(place, "`" + next + "` stands twice");
      list.push_back(std::move(next));
    } while (reader_.peek().kind == TokenKind::kWord || reader_.peek().kind == TokenKind::kString);
    return true;
  }

  bool is_option() const { return reader_.peek().kind == TokenKind::kWord && is_option_word(reader_.peek().text); }

  bool new_option(std::set<std::string> &seen) {
    const TextToken &word = reader_.peek();
    return seen.insert(word.text).second || duplicate(word.range, "`" + word.text + "` is given twice");
  }

  bool once(const TextToken &word) {
    return seen_.insert(word.text).second || duplicate(word.range, "`" + word.text + "` stands twice in one kernel");
  }

  static std::optional<LoopKind> loop_kind(const TextToken &word) {
    for (const LoopKind kind : {LoopKind::kGroup, LoopKind::kTeam, LoopKind::kWorker, LoopKind::kSerial,
                                LoopKind::kUnrolled, LoopKind::kLane}) {
      if (word.is(name_of(kind))) return kind;
    }
    return std::nullopt;
  }

  static DimSchedule &dim_entry(KernelSchedule &kernel, const std::string &dim) {
    for (DimSchedule &entry : kernel.dims) {
      if (entry.dim == dim) return entry;
    }
    return kernel.dims.emplace_back(DimSchedule{dim, {}, {}});
  }

  void end_of_statement() {
    if (!reader_.peek().ends_line() && !reader_.peek().is("}")) syntax("the end of the line");
  }

  /// Leaves a line end where it is, so that going on after an error loses no line.
  TextToken next() { return reader_.peek().ends_line() ? reader_.peek() : reader_.take(); }

  TextToken take() {
    last_end_ = reader_.peek().range.end;
    return reader_.take();
  }

  void syntax(std::string_view wanted) {
    fail(reader_.peek(), wanted);
    reader_.skip_line();
  }

  bool fail(const TextToken &token, std::string_view wanted) {
    diagnostics_.error("schedule-syntax", token.range,
                       "found " + token.shown() + " where " + std::string(wanted) + " should be");
    return false;
  }
  bool bad_value(SourceRange range, std::string text) {
    diagnostics_.error("schedule-value", range, std::move(text));
    return false;
  }
  bool duplicate(SourceRange range, std::string text) {
    diagnostics_.error("schedule-duplicate", range, std::move(text));
    return false;
  }

  TextReader reader_;
  Diagnostics &diagnostics_;
  Schedule schedule_;
  std::set<std::string> seen_; ///< Statements of this kernel that may stand once.
  uint32_t last_end_ = 0;
};

} // namespace

Result<Schedule> parse_schedule(const Source &source, Diagnostics &diagnostics) {
  const int errors_before = diagnostics.error_count();
  Schedule schedule = Parser(source, diagnostics).parse();
  if (diagnostics.error_count() > errors_before) {
    return Error{ErrorCode::kInvalidInput, "the schedule `" + source.name() + "` has errors"};
  }
  return schedule;
}

} // namespace sparkle
