#include "compiler/analysis/loop_rounds.h"

#include <algorithm>

#include "compiler/analysis/interval.h"
#include "compiler/ir/builder.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// Of a statement: rounds at most, and those where no worker takes part, one for each loop.
struct Rounds {
  int64_t most = 0;
  int64_t idle = 0;
};

class RoundCounter {
public:
  explicit RoundCounter(const Kernel &kernel) : k_(kernel), build_(k_) {}

  std::optional<int64_t> run() {
    const Rounds all = count(k_.body);
    if (unbounded_) return std::nullopt;
    return all.most;
  }

private:
  static int64_t sum(int64_t a, int64_t b) { return checked_add(a, b).value_or(INT64_MAX); }

  Rounds count(StmtId id) {
    const Stmt stmt = k_.stmt(id); // A copy: expressions are added to the kernel.
    if (const auto *block = std::get_if<Block>(&stmt)) return count_block(*block);
    if (const auto *loop = std::get_if<For>(&stmt)) return count_loop(*loop);
    if (const auto *branch = std::get_if<If>(&stmt)) return count_branch(*branch);
    const auto *let = std::get_if<Let>(&stmt);
    if (let && k_.var(let->var).type == kIndexType) ranges_.push_value(k_, let->var, let->value);
    return {};
  }

  Rounds count_block(const Block &block) {
    RangesScope scope(ranges_);
    Rounds rounds;
    for (StmtId child : block.stmts) {
      const Rounds more = count(child);
      rounds = {sum(rounds.most, more.most), sum(rounds.idle, more.idle)};
    }
    return rounds;
  }

  Rounds count_branch(const If &branch) {
    Rounds rounds;
    {
      RangesScope scope(ranges_);
      ranges_.push_condition(k_, branch.cond);
      rounds = count(branch.then_body);
    }
    if (!is_valid(branch.else_body)) return rounds;
    const Rounds other = count(branch.else_body);
    return {sum(rounds.most, other.most), sum(rounds.idle, other.idle)};
  }

  Rounds count_loop(const For &loop) {
    const std::optional<int64_t> trips = trips_of(loop);
    RangesScope scope(ranges_);
    ranges_.push_loop(k_, loop);
    const Rounds body = count(loop.body);
    const bool in_time = loop.kind == LoopKind::kSerial || loop.kind == LoopKind::kUnrolled;
    const bool is_code =
        loop.kind == LoopKind::kUnrolled && body.idle == 0 && k_.constant(loop.begin) && k_.constant(loop.end);
    if (!in_time || is_code) return body;
    unbounded_ |= !trips;
    const int64_t idle = sum(body.idle, 1);
    const int64_t rounds = checked_mul(trips.value_or(0), sum(body.most, 1)).value_or(INT64_MAX);
    return {sum(rounds, idle), idle};
  }

  std::optional<int64_t> trips_of(const For &loop) {
    const std::optional<int64_t> most = bounds(k_, build_.sub(loop.end, loop.begin), ranges_).hi;
    if (!most) return std::nullopt;
    return std::max<int64_t>(*most, 0);
  }

  Kernel k_; ///< Differences of bounds are added.
  Builder build_;
  Ranges ranges_;
  bool unbounded_ = false;
};

} // namespace

std::optional<int64_t> loop_rounds(const Kernel &kernel) { return RoundCounter(kernel).run(); }

} // namespace sparkle
