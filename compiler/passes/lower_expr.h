// Turns expressions of stage kImported into statements: a Read becomes a Load, a Reduce that no loop computes becomes a
// loop nest with one register cell. Used by `tile`.
#pragma once

#include <unordered_set>
#include <vector>

#include "compiler/ir/transplant.h"

namespace sparkle {

/// Lowers into one list of statements, in order of need; a Read that occurs twice is loaded once.
class ExpressionLowering {
public:
  ExpressionLowering(const Kernel &in, Builder &b);
  ExpressionLowering(const ExpressionLowering &outer, int); ///< An inner scope: sees what `outer` has lowered.
  ExpressionLowering(const ExpressionLowering &) = delete;
  ExpressionLowering &operator=(const ExpressionLowering &) = delete;

  Transplant &carry() { return carry_; }
  std::vector<StmtId> take() { return std::move(stmts_); }
  /// a && b where both are there.
  ExprId both(ExprId a, ExprId b);

  /// One term of `reduce` into cell `index` of `acc`, under `guard` and the reduction's filter.
  StmtId accumulate(const Reduce &reduce, BufferId acc, const std::vector<ExprId> &index, ExprId guard);
  /// From now on `reduce` stands for the value in the cell.
  void use_accumulator(ExprId reduce, BufferId acc, std::vector<ExprId> index, Type type);

private:
  void install();
  ExprId load(const Read &read, bool keep_guard);
  ExprId nested(const Reduce &reduce);
  void strip_zero_guards(const Reduce &reduce, ExprId factor, ExprId &filter);

  const Kernel &in_;
  Builder &b_;
  Transplant carry_;
  std::vector<StmtId> stmts_;
  std::unordered_set<ExprId> stripped_; ///< Reads whose guard became part of a reduction's filter.
};

} // namespace sparkle
