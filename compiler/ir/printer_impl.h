// Private to the printer: writes expressions and names into a StringBuilder.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/string_builder.h"

namespace sparkle {

/// Letters, digits and `_`, not starting with a digit.
bool is_identifier(std::string_view name);

/// As it is when it is an identifier, or one with a number behind a dot (`oc.0`, `oc.0_2`); else quoted, with escapes.
std::string printed_name(std::string_view name);

class ExprPrinter {
public:
  ExprPrinter(const Kernel &kernel, StringBuilder &out) : k_(kernel), out_(out) {}

  /// In parentheses when it binds less tightly than `least` (0: never).
  void expr(ExprId id, int least = 0);
  /// `a, b, c`
  void list(const std::vector<ExprId> &ids);
  /// `@name[indices]`
  void element(BufferId buffer, const std::vector<ExprId> &indices);
  /// `0..n`, with blanks when an end is compound.
  void range(ExprId begin, ExprId end);
  void var(VarId id);
  void buffer(BufferId id);

private:
  void int_const(const IntConst &e);
  void float_const(const FloatConst &e);
  void unary(const Unary &e);
  void binary(const Binary &e);
  void call(std::string_view name, const std::vector<ExprId> &arguments);
  void shuffle(const Shuffle &e);
  void read(const Read &e);
  void reduce(const Reduce &e);
  void node(const Expr &e);

  const Kernel &k_;
  StringBuilder &out_;
};

} // namespace sparkle
