#include "compiler/analysis/imported.h"

#include "compiler/analysis/walk.h"

namespace sparkle {
namespace {

/// The statement inside blocks of one.
StmtId only_stmt(const Kernel &kernel, StmtId id) {
  while (const auto *block = std::get_if<Block>(&kernel.stmt(id))) {
    SPARKLE_CHECK(block->stmts.size() == 1, "an imported kernel has one statement a level");
    id = block->stmts.front();
  }
  return id;
}

void collect(const Kernel &kernel, ExprId id, bool inside_reduce, FunctionRef<bool(ExprId)> wanted, IdSet<ExprId> &seen,
             std::vector<ExprId> &found) {
  if (!seen.insert(id)) return;
  if (wanted(id)) {
    found.push_back(id);
    if (!inside_reduce) return;
  }
  for_each_child(kernel.expr(id),
                 [&](ExprId operand) { collect(kernel, operand, inside_reduce, wanted, seen, found); });
}

void add_conjuncts(const Kernel &kernel, ExprId cond, std::vector<ExprId> &list) {
  const auto *binary = std::get_if<Binary>(&kernel.expr(cond));
  if (binary && binary->op == BinaryOp::kAnd) {
    add_conjuncts(kernel, binary->a, list);
    add_conjuncts(kernel, binary->b, list);
  } else if (kernel.constant(cond) != 1) {
    list.push_back(cond);
  }
}

} // namespace

Definition definition_of(const Kernel &kernel) {
  Definition def;
  StmtId id = only_stmt(kernel, kernel.body);
  while (const auto *loop = std::get_if<For>(&kernel.stmt(id))) {
    const Variable &variable = kernel.var(loop->var);
    def.dims.push_back({variable.dim.empty() ? variable.name : variable.dim, loop->var, loop->begin, loop->end});
    id = only_stmt(kernel, loop->body);
  }
  def.store = std::get_if<Store>(&kernel.stmt(id));
  SPARKLE_CHECK(def.store, "an imported kernel ends in a store");
  return def;
}

Kernel rewrite_definition(const Kernel &in, FunctionRef<void(Builder &, Transplant &)> install) {
  Kernel out = empty_like(in);
  Builder b(out);
  Transplant carry(in, b);
  install(b, carry);
  Definition def = definition_of(in);
  BufferId target = carry.buffer(def.store->buffer);
  std::vector<VarId> vars;
  for (const DefinitionDim &dim : def.dims) {
    vars.push_back(out.add_var(in.var(dim.var)));
    carry.substitute(dim.var, b.var(vars.back()));
  }
  std::vector<ExprId> indices;
  for (ExprId index : def.store->indices) indices.push_back(carry.expr(index));
  StmtId body = b.store(target, std::move(indices), carry.expr(def.store->value));
  for (size_t i = vars.size(); i-- > 0;) {
    ExprId begin = carry.expr(def.dims[i].begin);
    body = b.loop(vars[i], begin, carry.expr(def.dims[i].end), LoopKind::kSerial, body);
  }
  out.body = body;
  return out;
}

std::vector<ExprId> outer_reduces(const Kernel &kernel, ExprId expr) {
  IdSet<ExprId> seen;
  std::vector<ExprId> found;
  collect(
      kernel, expr, false, [&](ExprId e) { return std::holds_alternative<Reduce>(kernel.expr(e)); }, seen, found);
  return found;
}

std::vector<ExprId> reads_of(const Kernel &kernel, ExprId expr) {
  IdSet<ExprId> seen;
  std::vector<ExprId> found;
  collect(
      kernel, expr, true, [&](ExprId e) { return std::holds_alternative<Read>(kernel.expr(e)); }, seen, found);
  return found;
}

std::vector<ExprId> conjuncts(const Kernel &kernel, ExprId cond) {
  std::vector<ExprId> list;
  if (is_valid(cond)) add_conjuncts(kernel, cond, list);
  return list;
}

} // namespace sparkle
