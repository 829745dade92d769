// Rewriter: makes a new kernel from an old one, statement by statement; only what is still used is copied.
#pragma once

#include <functional>
#include <optional>

#include "compiler/ir/builder.h"
#include "compiler/support/id_map.h"

namespace sparkle {

/// Hooks see the OLD node and return the NEW one (or nothing: clone, recursing). Every variable bound by a cloned
/// statement gets a new variable in the output, so cloning a body twice is safe; its name gets a suffix the second
/// time.
///   Rewriter rw(in);
///   rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> { ... rw.stmt(body) ... };
///   Kernel out = rw.run();
class Rewriter {
public:
  explicit Rewriter(const Kernel &in);
  /// Adds to `into`: its buffers, symbols and uniforms stand for those of the same tensor, symbol and uniform. Take
  /// `out()` when done, `run()` would replace its body.
  Rewriter(const Kernel &in, Kernel into);

  std::function<std::optional<StmtId>(StmtId)> on_stmt;
  std::function<std::optional<ExprId>(ExprId)> on_expr;

  const Kernel &in() const { return in_; }
  Kernel &out() { return out_; }
  Builder &build() { return builder_; }

  /// Clones in.body. The output keeps name, stage, index_bits and strict.
  Kernel run();

  /// New counterpart of an old expression, with folding; substitutions apply, `on_expr` first.
  ExprId expr(ExprId old);
  /// The default: the node over the counterparts of its operands, without asking `on_expr` for `old` itself.
  ExprId clone_expr(ExprId old);
  std::vector<ExprId> exprs(const std::vector<ExprId> &old);
  ExprId expr_or_none(ExprId old) { return is_valid(old) ? expr(old) : old; }
  /// New counterpart of an old statement: `on_stmt`, else clone.
  StmtId stmt(StmtId old);
  /// The default: clone `old` and recurse, without asking `on_stmt` for `old` itself.
  StmtId clone(StmtId old);
  BufferId buffer(BufferId old); ///< Copied at first use; its extents and strides without `on_expr`.

  /// Results of `expr` are kept until substitutions change. Call this when an answer of `on_expr` changes for another
  /// reason.
  void forget() { memo_.clear(); }

  /// From now on `old` stands for `value` (a new expression). Ends with the next bind of `old`.
  void substitute(VarId old, ExprId value);
  /// Makes a new variable like `old` (with `type` instead, if given) and substitutes it.
  VarId bind(VarId old, std::optional<Type> type = {});
  /// The new variable that stands for an old one that was bound.
  VarId var(VarId old);

private:
  ExprId clone_reduce(const Reduce &old);
  StmtId clone_copy(const Copy &old);
  const Kernel &in_;
  Kernel out_;
  Builder builder_;
  IdMap<VarId, ExprId> substitution_;
  IdMap<ExprId, ExprId> memo_;
  IdMap<BufferId, BufferId> buffers_;
  IdMap<BufferId, bool> allocated_;
  bool copies_buffer_ = false;
};

} // namespace sparkle
