// Where each expression keeps its operands, and each statement its expressions.
#pragma once

#include <utility>
#include <vector>

#include "compiler/ir/nodes.h"
#include "compiler/support/match.h"

namespace sparkle {

/// Calls `fn` for the direct operands of a node, in order. Absent guards and filters are left out.
template <class Fn> void for_each_operand(const IntConst &, Fn &&) {}
template <class Fn> void for_each_operand(const FloatConst &, Fn &&) {}
template <class Fn> void for_each_operand(const VarRef &, Fn &&) {}
template <class Fn> void for_each_operand(const Unary &e, Fn &&fn) { fn(e.a); }
template <class Fn> void for_each_operand(const Binary &e, Fn &&fn) { fn(e.a), fn(e.b); }
template <class Fn> void for_each_operand(const Compare &e, Fn &&fn) { fn(e.a), fn(e.b); }
template <class Fn> void for_each_operand(const Select &e, Fn &&fn) { fn(e.cond), fn(e.a), fn(e.b); }
template <class Fn> void for_each_operand(const Fma &e, Fn &&fn) { fn(e.a), fn(e.b), fn(e.c); }
template <class Fn> void for_each_operand(const Cast &e, Fn &&fn) { fn(e.a); }
template <class Fn> void for_each_operand(const Bitcast &e, Fn &&fn) { fn(e.a); }
template <class Fn> void for_each_operand(const Ramp &e, Fn &&fn) { fn(e.base); }
template <class Fn> void for_each_operand(const Broadcast &e, Fn &&fn) { fn(e.a); }
template <class Fn> void for_each_operand(const Shuffle &e, Fn &&fn) {
  for (ExprId id : e.inputs) fn(id);
}
template <class Fn> void for_each_operand(const ReduceLanes &e, Fn &&fn) { fn(e.a); }
template <class Fn> void for_each_operand(const Dot &e, Fn &&fn) { fn(e.acc), fn(e.a), fn(e.b); }
template <class Fn> void for_each_operand(const Read &e, Fn &&fn) {
  for (ExprId id : e.indices) fn(id);
  if (is_valid(e.guard)) fn(e.guard);
  if (is_valid(e.other)) fn(e.other);
}
template <class Fn> void for_each_operand(const Reduce &e, Fn &&fn) {
  for (const ReduceAxis &axis : e.axes) fn(axis.begin), fn(axis.end);
  fn(e.body);
  if (is_valid(e.filter)) fn(e.filter);
}
template <class Fn> void for_each_operand(const Expr &expr, Fn &&fn) {
  std::visit([&fn](const auto &node) { for_each_operand(node, fn); }, expr);
}

/// Calls `fn` for the expressions written in a statement itself, in order. Absent masks, guards and others are left
/// out.
template <class Fn> void for_each_root(const Block &, Fn &&) {}
template <class Fn> void for_each_root(const Barrier &, Fn &&) {}
template <class Fn> void for_each_root(const Alloc &, Fn &&) {}
template <class Fn> void for_each_root(const FragmentMma &, Fn &&) {}
template <class Fn> void for_each_root(const For &s, Fn &&fn) { fn(s.begin), fn(s.end); }
template <class Fn> void for_each_root(const If &s, Fn &&fn) { fn(s.cond); }
template <class Fn> void for_each_root(const Let &s, Fn &&fn) { fn(s.value); }
template <class Fn> void for_each_root(const Load &s, Fn &&fn) {
  for (ExprId id : s.indices) fn(id);
  if (is_valid(s.mask)) fn(s.mask);
  if (is_valid(s.other)) fn(s.other);
}
template <class Fn> void for_each_root(const Store &s, Fn &&fn) {
  for (ExprId id : s.indices) fn(id);
  fn(s.value);
  if (is_valid(s.mask)) fn(s.mask);
}
template <class Fn> void for_each_root(const Copy &s, Fn &&fn) {
  for (ExprId id : s.dst_indices) fn(id);
  for (ExprId id : s.src_indices) fn(id);
  if (is_valid(s.guard)) fn(s.guard);
  if (is_valid(s.other)) fn(s.other);
}
template <class Fn> void for_each_root(const Prefetch &s, Fn &&fn) {
  for (ExprId id : s.indices) fn(id);
}
template <class Fn> void for_each_root(const FragmentFill &s, Fn &&fn) { fn(s.value); }
template <class Fn> void for_each_root(const FragmentMove &s, Fn &&fn) {
  for (ExprId id : s.indices) fn(id);
}
template <class Fn> void for_each_root(const Stmt &stmt, Fn &&fn) {
  std::visit([&fn](const auto &node) { for_each_root(node, fn); }, stmt);
}

} // namespace sparkle
