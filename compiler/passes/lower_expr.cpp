#include "compiler/passes/lower_expr.h"

namespace sparkle {
namespace {

bool is_zero(const Kernel &kernel, ExprId id) {
  if (const auto *real = std::get_if<FloatConst>(&kernel.expr(id))) return real->value == 0;
  return kernel.constant(id) == 0;
}

} // namespace

ExpressionLowering::ExpressionLowering(const Kernel &in, Builder &b) : in_(in), b_(b), carry_(in, b) { install(); }

ExpressionLowering::ExpressionLowering(const ExpressionLowering &outer, int)
    : in_(outer.in_), b_(outer.b_), carry_(outer.carry_), stripped_(outer.stripped_) {
  install();
}

void ExpressionLowering::install() {
  carry_.on_expr = [this](ExprId id) -> std::optional<ExprId> {
    if (const auto *read = std::get_if<Read>(&in_.expr(id))) return load(*read, !stripped_.contains(id));
    if (const auto *reduce = std::get_if<Reduce>(&in_.expr(id))) return nested(*reduce);
    return std::nullopt;
  };
}

ExprId ExpressionLowering::both(ExprId a, ExprId b) {
  if (!is_valid(a)) return b;
  return is_valid(b) ? b_.both(a, b) : a;
}

ExprId ExpressionLowering::load(const Read &read, bool keep_guard) {
  Transplant::ReadParts parts = carry_.read(read);
  if (!keep_guard) parts.guard = parts.other = kNoId<ExprId>;
  const Buffer &buffer = b_.kernel().buffer(parts.buffer);
  VarId var = b_.value_var(buffer.name, {buffer.element, 1});
  stmts_.push_back(b_.kernel().add_stmt(Load{var, parts.buffer, std::move(parts.indices), parts.guard, parts.other}));
  return b_.var(var);
}

ExprId ExpressionLowering::nested(const Reduce &reduce) {
  Type type = in_.type_of(reduce.body);
  BufferId cell = b_.local("cell", type.scalar, std::vector<int64_t>{1}, MemoryLevel::kRegister);
  std::vector<ExprId> index = {b_.index(0)};
  stmts_.push_back(b_.kernel().add_stmt(Alloc{cell}));
  stmts_.push_back(b_.store(cell, index, b_.identity(reduce.op, type)));
  ExpressionLowering inner(*this, 0);
  std::vector<VarId> vars;
  for (const ReduceAxis &axis : reduce.axes) {
    vars.push_back(b_.loop_var(in_.var(axis.var).name));
    inner.carry_.substitute(axis.var, b_.var(vars.back()));
  }
  StmtId body = inner.accumulate(reduce, cell, index, kNoId<ExprId>);
  for (size_t i = vars.size(); i-- > 0;) {
    ExprId begin = carry_.expr(reduce.axes[i].begin);
    body = b_.loop(vars[i], begin, carry_.expr(reduce.axes[i].end), LoopKind::kSerial, body);
  }
  stmts_.push_back(body);
  VarId value = b_.value_var("cell", type);
  stmts_.push_back(b_.kernel().add_stmt(Load{value, cell, index}));
  return b_.var(value);
}

/// A factor that reads 0 outside makes the whole term 0: leave the term out instead (nodes.h; not when strict).
void ExpressionLowering::strip_zero_guards(const Reduce &reduce, ExprId factor, ExprId &filter) {
  if (in_.strict || reduce.op != ReduceOp::kSum) return;
  if (const auto *product = std::get_if<Binary>(&in_.expr(factor)); product && product->op == BinaryOp::kMul) {
    strip_zero_guards(reduce, product->a, filter);
    strip_zero_guards(reduce, product->b, filter);
    return;
  }
  const auto *read = std::get_if<Read>(&in_.expr(factor));
  if (!read || !is_valid(read->guard) || !is_zero(in_, read->other)) return;
  stripped_.insert(factor);
  filter = both(filter, carry_.expr(read->guard));
}

StmtId ExpressionLowering::accumulate(const Reduce &reduce, BufferId acc, const std::vector<ExprId> &index,
                                      ExprId guard) {
  ExpressionLowering outer(*this, 0);
  ExprId filter = is_valid(reduce.filter) ? outer.carry_.expr(reduce.filter) : kNoId<ExprId>;
  std::vector<StmtId> filter_loads = outer.take();
  outer.strip_zero_guards(reduce, reduce.body, filter);

  ExpressionLowering term(outer, 0);
  Type type = in_.type_of(reduce.body);
  const auto *product = std::get_if<Binary>(&in_.expr(reduce.body));
  bool contract =
      !in_.strict && reduce.op == ReduceOp::kSum && is_float(type.scalar) && product && product->op == BinaryOp::kMul;
  ExprId a = contract ? term.carry_.expr(product->a) : term.carry_.expr(reduce.body);
  ExprId b = contract ? term.carry_.expr(product->b) : kNoId<ExprId>;
  std::vector<StmtId> stmts = term.take();
  VarId old = b_.value_var("sum", type);
  stmts.push_back(b_.kernel().add_stmt(Load{old, acc, index}));
  ExprId next = contract ? b_.fma(a, b, b_.var(old)) : b_.combine(reduce.op, b_.var(old), a);
  stmts.push_back(b_.store(acc, index, next));
  StmtId body = b_.block(std::move(stmts));

  if (filter_loads.empty()) return is_valid(both(guard, filter)) ? b_.when(both(guard, filter), body) : body;
  if (is_valid(filter)) body = b_.when(filter, body);
  filter_loads.push_back(body);
  body = b_.block(std::move(filter_loads));
  return is_valid(guard) ? b_.when(guard, body) : body;
}

void ExpressionLowering::use_accumulator(ExprId reduce, BufferId acc, std::vector<ExprId> index, Type type) {
  VarId value = b_.value_var("acc", type);
  stmts_.push_back(b_.kernel().add_stmt(Load{value, acc, std::move(index)}));
  carry_.replace(reduce, b_.var(value));
}

} // namespace sparkle
