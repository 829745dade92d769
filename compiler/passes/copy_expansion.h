// A Copy as the loads (fetch) and stores (commit) of each worker. Used by `overlap`.
#pragma once

#include "compiler/analysis/grid.h"
#include "compiler/ir/rewriter.h"

namespace sparkle {

/// Expands one Copy of `rw.in()` into statements of `rw.out()`. With several workers the box is walked by all of them:
/// worker w takes vectors w, w + W, w + 2W...; fetched values wait in a register buffer of its own.
class CopyExpansion {
public:
  /// `worker`: number of the running worker (new expression), in [0, workers).
  CopyExpansion(Rewriter &rw, const Copy &copy, ExprId worker, int64_t workers);

  /// Where the register buffer is declared, before fetch and commit; nothing is needed for one worker.
  StmtId declare();
  /// Loads into the register buffer, with the old variables' substitutions as they are now.
  StmtId fetch();
  /// Stores to the near buffer; `rotation`: which of the rotating buffers (kNoId: there is one).
  StmtId commit(ExprId rotation);
  /// Both, vector by vector, without the register buffer: for one worker.
  StmtId move(ExprId rotation);

  const Copy &copy() const { return copy_; }

private:
  void place_axes(ExprId vector_number);
  ExprId scalar_guard(ExprId vector_number);
  StmtId load(VarId var, ExprId mask);
  StmtId store(ExprId value, ExprId mask, ExprId rotation);
  StmtId per_vector(const std::function<StmtId(VarId step, ExprId vector)> &body);

  Rewriter &rw_;
  Builder &b_;
  const Copy &copy_;
  ExprId worker_;
  int64_t workers_;
  int64_t vectors_; ///< In the whole box.
  int64_t steps_;   ///< Per worker.
  BufferId registers_ = kNoId<BufferId>;
  Type type_;
};

} // namespace sparkle
