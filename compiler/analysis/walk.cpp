#include "compiler/analysis/walk.h"

#include <unordered_set>

#include "compiler/support/match.h"

namespace sparkle {

namespace {

using StmtFn = std::function<void(StmtId)>;
using ExprFn = std::function<void(ExprId)>;

void call_if_valid(ExprId id, const ExprFn &fn) {
  if (is_valid(id)) fn(id);
}

void call_all(const std::vector<ExprId> &ids, const ExprFn &fn) {
  for (ExprId id : ids) fn(id);
}

/// The statements directly inside one, in order.
std::vector<StmtId> nested(const Stmt &stmt) {
  if (auto *block = std::get_if<Block>(&stmt)) return block->stmts;
  if (auto *loop = std::get_if<For>(&stmt)) return {loop->body};
  if (auto *branch = std::get_if<If>(&stmt)) {
    if (is_valid(branch->else_body)) return {branch->then_body, branch->else_body};
    return {branch->then_body};
  }
  return {};
}

void visit_expr(const Kernel &kernel, ExprId id, std::unordered_set<uint32_t> &seen, const ExprFn &fn) {
  if (!seen.insert(index_of(id)).second) return;
  fn(id);
  for_each_child(kernel.expr(id), [&](ExprId child) { visit_expr(kernel, child, seen, fn); });
}

void collect_vars(const Kernel &kernel, ExprId id, std::set<VarId> &out) {
  if (auto *ref = std::get_if<VarRef>(&kernel.expr(id))) out.insert(ref->var);
  if (auto *reduce = std::get_if<Reduce>(&kernel.expr(id)))
    for (const ReduceAxis &axis : reduce->axes) out.insert(axis.var);
}

bool find_path(const Kernel &kernel, StmtId at, StmtId target, std::vector<StmtId> &loops) {
  if (at == target) return true;
  bool is_loop = std::holds_alternative<For>(kernel.stmt(at));
  if (is_loop) loops.push_back(at);
  for (StmtId child : nested(kernel.stmt(at)))
    if (find_path(kernel, child, target, loops)) return true;
  if (is_loop) loops.pop_back();
  return false;
}

} // namespace

void for_each_stmt(const Kernel &kernel, StmtId root, const StmtFn &fn) {
  if (!is_valid(root)) return;
  fn(root);
  for (StmtId child : nested(kernel.stmt(root))) for_each_stmt(kernel, child, fn);
}

void for_each_child(const Expr &expr, const ExprFn &fn) {
  match(
      expr, [](const IntConst &) {}, [](const FloatConst &) {}, [](const VarRef &) {}, [&](const Unary &e) { fn(e.a); },
      [&](const Binary &e) { fn(e.a), fn(e.b); }, [&](const Compare &e) { fn(e.a), fn(e.b); },
      [&](const Select &e) { fn(e.cond), fn(e.a), fn(e.b); }, [&](const Fma &e) { fn(e.a), fn(e.b), fn(e.c); },
      [&](const Cast &e) { fn(e.a); }, [&](const Bitcast &e) { fn(e.a); }, [&](const Ramp &e) { fn(e.base); },
      [&](const Broadcast &e) { fn(e.a); }, [&](const Shuffle &e) { call_all(e.inputs, fn); },
      [&](const ReduceLanes &e) { fn(e.a); }, [&](const Dot &e) { fn(e.acc), fn(e.a), fn(e.b); },
      [&](const Read &e) {
        call_all(e.indices, fn);
        call_if_valid(e.guard, fn);
        call_if_valid(e.other, fn);
      },
      [&](const Reduce &e) {
        for (const ReduceAxis &axis : e.axes) fn(axis.begin), fn(axis.end);
        fn(e.body);
        call_if_valid(e.filter, fn);
      });
}

void for_each_expr(const Kernel &kernel, ExprId root, const ExprFn &fn) {
  std::unordered_set<uint32_t> seen;
  visit_expr(kernel, root, seen, fn);
}

void for_each_root_expr(const Stmt &stmt, const ExprFn &fn) {
  match(
      stmt, [](const Block &) {}, [](const Barrier &) {}, [](const Alloc &) {}, [](const FragmentMma &) {},
      [&](const For &s) { fn(s.begin), fn(s.end); }, [&](const If &s) { fn(s.cond); },
      [&](const Let &s) { fn(s.value); },
      [&](const Load &s) {
        call_all(s.indices, fn);
        call_if_valid(s.mask, fn);
        call_if_valid(s.other, fn);
      },
      [&](const Store &s) {
        call_all(s.indices, fn);
        fn(s.value);
        call_if_valid(s.mask, fn);
      },
      [&](const Copy &s) {
        call_all(s.dst_indices, fn);
        call_all(s.src_indices, fn);
        call_if_valid(s.guard, fn);
        call_if_valid(s.other, fn);
      },
      [&](const Prefetch &s) { call_all(s.indices, fn); }, [&](const FragmentFill &s) { fn(s.value); },
      [&](const FragmentMove &s) { call_all(s.indices, fn); });
}

void for_each_expr(const Kernel &kernel, StmtId stmt, const ExprFn &fn) {
  std::unordered_set<uint32_t> seen;
  for_each_root_expr(kernel.stmt(stmt), [&](ExprId root) { visit_expr(kernel, root, seen, fn); });
}

std::set<VarId> vars_of(const Kernel &kernel, ExprId expr) {
  std::set<VarId> out;
  for_each_expr(kernel, expr, [&](ExprId id) { collect_vars(kernel, id, out); });
  return out;
}

std::set<VarId> vars_used_by(const Kernel &kernel, StmtId stmt) {
  std::set<VarId> out;
  for_each_stmt(kernel, stmt,
                [&](StmtId s) { for_each_expr(kernel, s, [&](ExprId id) { collect_vars(kernel, id, out); }); });
  return out;
}

std::set<VarId> vars_bound_by(const Kernel &kernel, StmtId stmt) {
  std::set<VarId> out;
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

bool uses_var(const Kernel &kernel, ExprId expr, VarId var) { return vars_of(kernel, expr).contains(var); }

bool stmt_uses_var(const Kernel &kernel, StmtId stmt, VarId var) { return vars_used_by(kernel, stmt).contains(var); }

std::set<BufferId> buffers_read_by(const Kernel &kernel, StmtId stmt) {
  std::set<BufferId> out;
  for_each_stmt(kernel, stmt, [&](StmtId id) {
    const Stmt &s = kernel.stmt(id);
    if (auto *load = std::get_if<Load>(&s)) out.insert(load->buffer);
    if (auto *copy = std::get_if<Copy>(&s)) out.insert(copy->src);
    if (auto *move = std::get_if<FragmentMove>(&s)) out.insert(move->is_store ? move->fragment : move->buffer);
    if (auto *mma = std::get_if<FragmentMma>(&s)) out.insert({mma->a, mma->b, mma->c});
    for_each_expr(kernel, id, [&](ExprId e) {
      if (auto *read = std::get_if<Read>(&kernel.expr(e))) out.insert(read->buffer);
    });
  });
  return out;
}

std::set<BufferId> buffers_written_by(const Kernel &kernel, StmtId stmt) {
  std::set<BufferId> out;
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
