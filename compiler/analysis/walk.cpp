#include "compiler/analysis/walk.h"

#include "compiler/ir/operands.h"

namespace sparkle {

namespace {

using StmtFn = FunctionRef<void(StmtId)>;
using ExprFn = FunctionRef<void(ExprId)>;

/// Calls `fn` for the statements directly inside one, in order, until it returns true; whether it did. `fn` may add
/// statements to the kernel.
template <class Fn> bool any_nested(const Kernel &kernel, StmtId id, Fn &&fn) {
  const Stmt &stmt = kernel.stmt(id);
  if (const auto *block = std::get_if<Block>(&stmt)) {
    const size_t count = block->stmts.size();
    for (size_t i = 0; i < count; ++i)
      if (fn(std::get<Block>(kernel.stmt(id)).stmts[i])) return true;
    return false;
  }
  if (const auto *loop = std::get_if<For>(&stmt)) return fn(loop->body);
  const auto *branch = std::get_if<If>(&stmt);
  if (!branch) return false;
  const StmtId else_body = branch->else_body;
  return fn(branch->then_body) || (is_valid(else_body) && fn(else_body));
}

/// Visits each expression once.
template <class Fn> class ExprWalk {
public:
  ExprWalk(const Kernel &kernel, Fn fn) : kernel_(kernel), fn_(std::move(fn)) {}
  void visit(ExprId id) {
    if (!seen_.insert(id)) return;
    fn_(id);
    for_each_operand(kernel_.expr(id), [this](ExprId operand) { visit(operand); });
  }

private:
  const Kernel &kernel_;
  Fn fn_;
  IdSet<ExprId, 16> seen_;
};

void collect_vars(const Kernel &kernel, ExprId id, VarSet &out) {
  if (auto *ref = std::get_if<VarRef>(&kernel.expr(id))) out.insert(ref->var);
  if (auto *reduce = std::get_if<Reduce>(&kernel.expr(id)))
    for (const ReduceAxis &axis : reduce->axes) out.insert(axis.var);
}

bool find_path(const Kernel &kernel, StmtId at, StmtId target, std::vector<StmtId> &loops) {
  if (at == target) return true;
  bool is_loop = std::holds_alternative<For>(kernel.stmt(at));
  if (is_loop) loops.push_back(at);
  if (any_nested(kernel, at, [&](StmtId child) { return find_path(kernel, child, target, loops); })) return true;
  if (is_loop) loops.pop_back();
  return false;
}

} // namespace

void for_each_stmt(const Kernel &kernel, StmtId root, StmtFn fn) {
  if (!is_valid(root)) return;
  fn(root);
  any_nested(kernel, root, [&](StmtId child) {
    for_each_stmt(kernel, child, fn);
    return false;
  });
}

void for_each_child(const Expr &expr, ExprFn fn) { for_each_operand(expr, fn); }

void for_each_expr(const Kernel &kernel, ExprId root, ExprFn fn) { ExprWalk(kernel, fn).visit(root); }

void for_each_root_expr(const Stmt &stmt, ExprFn fn) { for_each_root(stmt, fn); }

void for_each_expr(const Kernel &kernel, StmtId stmt, ExprFn fn) {
  ExprWalk walk(kernel, fn);
  for_each_root(kernel.stmt(stmt), [&](ExprId root) { walk.visit(root); });
}

VarSet vars_of(const Kernel &kernel, ExprId expr) {
  VarSet out;
  ExprWalk(kernel, [&](ExprId id) { collect_vars(kernel, id, out); }).visit(expr);
  return out;
}

VarSet vars_used_by(const Kernel &kernel, StmtId stmt) {
  VarSet out;
  ExprWalk walk(kernel, [&](ExprId id) { collect_vars(kernel, id, out); });
  for_each_stmt(kernel, stmt, [&](StmtId s) { for_each_root(kernel.stmt(s), [&](ExprId root) { walk.visit(root); }); });
  return out;
}

VarSet vars_bound_by(const Kernel &kernel, StmtId stmt) {
  VarSet out;
  for_each_stmt(kernel, stmt, [&](StmtId id) {
    const Stmt &s = kernel.stmt(id);
    if (auto *loop = std::get_if<For>(&s)) out.insert(loop->var);
    if (auto *let = std::get_if<Let>(&s)) out.insert(let->var);
    if (auto *load = std::get_if<Load>(&s)) out.insert(load->var);
    if (auto *copy = std::get_if<Copy>(&s))
      for (const CopyAxis &axis : copy->axes) out.insert(axis.var);
  });
  return out;
}

bool uses_var(const Kernel &kernel, ExprId expr, VarId var) {
  if ((kernel.var_bits(expr) & var_bit(var)) == 0) return false;
  return kernel.var_count() <= 64 || vars_of(kernel, expr).contains(var);
}

bool uses_any(const Kernel &kernel, ExprId expr, const VarSet &vars) {
  if ((kernel.var_bits(expr) & vars.folded()) == 0) return false;
  return kernel.var_count() <= 64 || vars_of(kernel, expr).intersects(vars);
}

bool stmt_uses_var(const Kernel &kernel, StmtId stmt, VarId var) {
  bool found = false;
  for_each_root(kernel.stmt(stmt), [&](ExprId root) { found = found || uses_var(kernel, root, var); });
  return found || any_nested(kernel, stmt, [&](StmtId child) { return stmt_uses_var(kernel, child, var); });
}

BufferSet buffers_read_by(const Kernel &kernel, StmtId stmt) {
  BufferSet out;
  ExprWalk reads(kernel, [&](ExprId e) {
    if (auto *read = std::get_if<Read>(&kernel.expr(e))) out.insert(read->buffer);
  });
  for_each_stmt(kernel, stmt, [&](StmtId id) {
    const Stmt &s = kernel.stmt(id);
    if (auto *load = std::get_if<Load>(&s)) out.insert(load->buffer);
    if (auto *copy = std::get_if<Copy>(&s)) out.insert(copy->src);
    if (auto *move = std::get_if<FragmentMove>(&s)) out.insert(move->is_store ? move->fragment : move->buffer);
    if (auto *mma = std::get_if<FragmentMma>(&s)) out.merge({mma->a, mma->b, mma->c});
    for_each_root(s, [&](ExprId root) { reads.visit(root); });
  });
  return out;
}

BufferSet buffers_written_by(const Kernel &kernel, StmtId stmt) {
  BufferSet out;
  for_each_stmt(kernel, stmt, [&](StmtId id) {
    const Stmt &s = kernel.stmt(id);
    if (auto *store = std::get_if<Store>(&s)) out.insert(store->buffer);
    if (auto *copy = std::get_if<Copy>(&s)) out.insert(copy->dst);
    if (auto *fill = std::get_if<FragmentFill>(&s)) out.insert(fill->fragment);
    if (auto *move = std::get_if<FragmentMove>(&s)) out.insert(move->is_store ? move->buffer : move->fragment);
    if (auto *mma = std::get_if<FragmentMma>(&s)) out.insert(mma->d);
  });
  return out;
}

std::vector<StmtId> loops_around(const Kernel &kernel, StmtId target) {
  std::vector<StmtId> loops;
  if (!is_valid(kernel.body) || !find_path(kernel, kernel.body, target, loops)) return {};
  return loops;
}

} // namespace sparkle
