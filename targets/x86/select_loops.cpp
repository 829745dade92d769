// Loops. Expanded ones are selected round by round, with their variable known.
#include "compiler/analysis/linear.h"
#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {

void Selector::loop(const For &loop) {
  const RangesScope ranges(ranges_);
  if (loop.kind == LoopKind::kGroup) return group(loop);
  if (forms_.is_expanded(loop.var)) return expand(loop);
  SPARKLE_CHECK(loop.kind != LoopKind::kLane, "a lane loop reached selection");
  serial(loop);
}

void Selector::group(const For &loop) {
  SPARKLE_CHECK(group_depth_ < digits_.size(), "more group loops than the launch has");
  ranges_.push_loop(k_, loop);
  const VReg digit = digits_[group_depth_];
  const IndexForm begin = forms_.form(loop.begin).value();
  const bool is_digit = begin.is_constant() && begin.constant == 0;
  const VReg var = is_digit              ? digit
                   : begin.is_constant() ? b_.general(Op::kGAdd, 8, digit, begin.constant)
                                         : b_.general(Op::kGAdd, 8, digit, form_register(begin));
  enter_scope();
  remember(add_sum(SumId{0}, forms_.variable(loop.var), 1), var, scopes_.size() - 1);
  ++group_depth_;
  statement(loop.body);
  --group_depth_;
  leave_scope();
}

void Selector::expand(const For &loop) {
  const auto [begin, end] = forms_.expanded_bounds(loop.var);
  const size_t mark = ranges_.mark();
  for (int64_t i = begin; i < end && refusal_.empty(); ++i) {
    if (asks_ranges_.contains(&loop)) ranges_.push(loop.var, Interval::point(i));
    forms_.set_number(loop.var, i);
    statement(loop.body);
    ranges_.pop_to(mark);
  }
}

bool Selector::runs_at_least_once(const For &loop) {
  const auto rounds = subtract(to_linear(k_, loop.end), to_linear(k_, loop.begin));
  if (!rounds) return false;
  const std::optional<int64_t> least = bounds(k_, *rounds, ranges_).lo;
  return least && *least >= 1;
}

void Selector::serial(const For &loop) {
  Level level;
  level.var = loop.var;
  level.begin = forms_.form(loop.begin).value();
  level.end = forms_.form(loop.end).value();
  const bool is_constant = level.begin.is_constant() && level.end.is_constant();
  if (is_constant && level.end.constant <= level.begin.constant) return;
  const bool needs_test = !is_constant && !runs_at_least_once(loop);
  if (!level.begin.is_constant()) level.begin_register = form_register(level.begin);
  if (!level.end.is_constant()) level.end_register = form_register(level.end);
  Region::Loop &code = b_.add_loop();
  if (needs_test) {
    const CodeBuilder::Into into(b_, code.enter);
    if (level.begin.is_constant()) {
      b_.jump_if(Condition::kLe, 8, level.end_register, level.begin.constant, code.exit);
    } else if (level.end.is_constant()) {
      b_.jump_if(Condition::kGe, 8, level.begin_register, level.end.constant, code.exit);
    } else {
      b_.jump_if(Condition::kGe, 8, level.begin_register, level.end_register, code.exit);
    }
  }
  ranges_.push_loop(k_, loop);
  enter_scope();
  scopes_.back().first_load = loads_.size();
  level.loop = &code;
  level.scope = scopes_.size() - 1;
  levels_.push_back(std::move(level));
  {
    const CodeBuilder::Into into(b_, code.body);
    statement(loop.body);
  }
  close_loop(levels_.back());
  leave_scope();
  levels_.pop_back();
}

/// Where nothing but the loop's own test needs the variable, a pointer that is there anyway says when to stop.
void Selector::close_loop(Level &level) {
  const SumId var = add_sum(SumId{0}, forms_.variable(level.var), 1);
  const bool is_counted = is_valid(sums_[index_of(var)].reg);
  if (!is_counted && closes_by_pointer(level)) return;
  const VReg number = sum_register(var);
  const CodeBuilder::Into into(b_, level.loop->latch);
  if (level.end.is_constant()) {
    b_.jump_if(Condition::kLt, 8, number, level.end.constant, level.loop->head);
  } else {
    b_.jump_if(Condition::kLt, 8, number, level.end_register, level.loop->head);
  }
}

bool Selector::closes_by_pointer(Level &level) {
  if (level.counters.empty()) return false;
  const Sum &sum = sums_[index_of(level.counters.front())];
  VReg limit;
  {
    const CodeBuilder::Into into(b_, level.loop->before);
    if (level.begin.is_constant() && level.end.is_constant()) {
      limit = b_.general(Op::kGAdd, 8, sum.reg, (level.end.constant - level.begin.constant) * sum.coefficient);
    } else {
      const VReg end = level.end.is_constant() ? b_.constant(level.end.constant) : level.end_register;
      const VReg rounds = !level.begin.is_constant()  ? b_.general(Op::kGSub, 8, end, level.begin_register)
                          : level.begin.constant == 0 ? end
                                                      : b_.general(Op::kGSub, 8, end, level.begin.constant);
      limit = b_.general(Op::kGAdd, 8, sum.reg, scaled(rounds, sum.coefficient));
    }
  }
  const CodeBuilder::Into into(b_, level.loop->latch);
  b_.jump_if(Condition::kNe, 8, sum.reg, limit, level.loop->head);
  return true;
}

} // namespace sparkle::x86
