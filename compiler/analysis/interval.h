// Intervals of index expressions, and what they prove.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/analysis/linear.h"

namespace sparkle {

/// lo <= value <= hi; an absent end is unbounded. lo > hi: no value at all (dead code).
struct Interval {
  std::optional<int64_t> lo, hi;

  static Interval point(int64_t value) { return {value, value}; }
  static Interval at_least(int64_t value) { return {value, std::nullopt}; }
  bool is_point() const { return lo && hi && *lo == *hi; }
  bool is_bounded() const { return lo && hi; }
  bool contains(int64_t value) const { return (!lo || *lo <= value) && (!hi || value <= *hi); }
  bool operator==(const Interval &) const = default;
};

/// What values of a type may be; no ends for floats and indices.
Interval values_of(Scalar scalar);
/// Both have ends, and all of `inner` lies in `outer`.
bool is_within(const Interval &inner, const Interval &outer);

Interval intersect(const Interval &a, const Interval &b);
/// The smallest interval that holds both.
Interval hull(const Interval &a, const Interval &b);
/// The sum, difference, product; an end that leaves 64 bits is absent.
Interval add(const Interval &a, const Interval &b);
Interval scale(const Interval &a, int64_t factor);
Interval multiply(const Interval &a, const Interval &b);

/// What is known about variables at one place of a kernel: a stack of facts. A variable without a fact has no bounds,
/// but for symbols: they are at least 0. The expressions of facts belong to the kernel that is asked about.
class Ranges {
public:
  struct Fact {
    VarId var;
    Interval interval;
    std::optional<LinearForm> lower; ///< lower <= var
    std::optional<LinearForm> upper; ///< var <= upper
    bool is_exact = false;           ///< var = lower = upper

    /// Says more than `interval`.
    bool is_relative() const { return (lower && !lower->is_constant()) || (upper && !upper->is_constant()); }
  };

  void push(VarId var, Interval interval) { facts_.push_back({var, interval, {}, {}, false}); }
  /// begin <= var < end, for a loop or axis whose bounds are known where it stands.
  void push_loop(const Kernel &kernel, VarId var, ExprId begin, ExprId end);
  void push_loop(const Kernel &kernel, const For &loop) { push_loop(kernel, loop.var, loop.begin, loop.end); }
  /// var = value (of type index; nothing is learned of other types).
  void push_value(const Kernel &kernel, VarId var, ExprId value);
  /// What holds where `cond` (a scalar bool) does: each conjunct that bounds a variable by other terms. May push
  /// nothing.
  void push_condition(const Kernel &kernel, ExprId cond);

  /// The number of facts; `pop_to(mark())` later forgets what was pushed since.
  size_t mark() const { return facts_.size(); }
  void pop_to(size_t mark) { facts_.resize(mark); }
  const std::vector<Fact> &facts() const { return facts_; }
  /// All constant bounds known of a variable.
  Interval interval(const Kernel &kernel, VarId var) const;

private:
  std::vector<Fact> facts_;
};

/// Forgets on leaving a scope what was pushed in it.
class RangesScope {
public:
  explicit RangesScope(Ranges &ranges) : ranges_(ranges), mark_(ranges.mark()) {}
  ~RangesScope() { ranges_.pop_to(mark_); }
  RangesScope(const RangesScope &) = delete;
  RangesScope &operator=(const RangesScope &) = delete;

private:
  Ranges &ranges_;
  size_t mark_;
};

/// Bounds of an integer expression over all its lanes. Uses the facts' expressions too, so that `oh - oh_o*8` with
/// oh_o*8 <= oh < min(oh_o*8 + 8, OH) lies in [0, 7]. Always true, not always tight.
Interval bounds(const Kernel &kernel, ExprId expr, const Ranges &ranges);
Interval bounds(const Kernel &kernel, const LinearForm &form, const Ranges &ranges);
/// One end of it, at half the cost.
std::optional<int64_t> lower_bound(const Kernel &kernel, const LinearForm &form, const Ranges &ranges);
std::optional<int64_t> upper_bound(const Kernel &kernel, const LinearForm &form, const Ranges &ranges);

/// The only value that the form can have, where that is known.
std::optional<int64_t> fixed_value(const Kernel &kernel, const LinearForm &form, const Ranges &ranges);

/// Decides a bool expression for all lanes: true, false, or nothing when it depends or is not known.
std::optional<bool> prove(const Kernel &kernel, ExprId cond, const Ranges &ranges);

/// Facts on all loops (and Lets) around a statement, outermost first; conditions around it too.
Ranges ranges_at(const Kernel &kernel, StmtId target);

} // namespace sparkle
