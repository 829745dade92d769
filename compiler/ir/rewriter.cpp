#include "compiler/ir/rewriter.h"

#include "compiler/ir/transplant.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

bool has_range(SourceRange range) { return range.begin != 0 || range.end != 0; }

bool is_bound_by_program(VarKind kind) { return kind == VarKind::kSymbol || kind == VarKind::kUniform; }

} // namespace

Rewriter::Rewriter(const Kernel &in) : in_(in), out_(empty_like(in)), builder_(out_) {}

Rewriter::Rewriter(const Kernel &in, Kernel into) : in_(in), out_(std::move(into)), builder_(out_) {
  for (uint32_t i = 0; i < in.buffer_count(); ++i)
    for (uint32_t j = 0; j < out_.buffer_count(); ++j)
      if (is_valid(in.buffer(BufferId{i}).tensor) && in.buffer(BufferId{i}).tensor == out_.buffer(BufferId{j}).tensor)
        buffers_.set(BufferId{i}, BufferId{j});
  for (uint32_t i = 0; i < in.var_count(); ++i)
    for (uint32_t j = 0; j < out_.var_count(); ++j) {
      const Variable &old = in.var(VarId{i}), &other = out_.var(VarId{j});
      if (!is_bound_by_program(old.kind) || old.kind != other.kind) continue;
      if (old.symbol == other.symbol && old.uniform == other.uniform)
        substitution_.set(VarId{i}, builder_.var(VarId{j}));
    }
}

Kernel Rewriter::run() {
  if (is_valid(in_.body)) out_.body = stmt(in_.body);
  return std::move(out_);
}

ExprId Rewriter::expr(ExprId old) {
  if (const ExprId *known = memo_.find(old)) return *known;
  std::optional<ExprId> fresh;
  if (on_expr && !copies_buffer_) fresh = on_expr(old);
  if (!fresh) fresh = clone_expr(old);
  memo_.set(old, *fresh);
  return *fresh;
}

std::vector<ExprId> Rewriter::exprs(const std::vector<ExprId> &old) {
  std::vector<ExprId> fresh;
  fresh.reserve(old.size());
  for (ExprId id : old) fresh.push_back(expr(id));
  return fresh;
}

ExprId Rewriter::clone_expr(ExprId old) {
  Builder &b = builder_;
  return match(
      in_.expr(old), [&](const IntConst &e) { return out_.intern(e); },
      [&](const FloatConst &e) { return out_.intern(e); },
      [&](const VarRef &e) {
        const ExprId *found = substitution_.find(e.var);
        return found ? *found : b.var(var(e.var));
      },
      [&](const Unary &e) { return b.unary(e.op, expr(e.a)); },
      [&](const Binary &e) {
        const ExprId left = expr(e.a);
        return b.binary(e.op, left, expr(e.b));
      },
      [&](const Compare &e) {
        const ExprId left = expr(e.a);
        return b.compare(e.op, left, expr(e.b));
      },
      [&](const Select &e) {
        const ExprId cond = expr(e.cond);
        const ExprId left = expr(e.a);
        return b.select(cond, left, expr(e.b));
      },
      [&](const Fma &e) {
        const ExprId left = expr(e.a);
        const ExprId right = expr(e.b);
        return b.fma(left, right, expr(e.c));
      },
      [&](const Cast &e) {
        const ExprId a = expr(e.a);
        return b.cast(e.type.with_lanes(out_.type_of(a).lanes), a); // A substitution may have widened the operand.
      },
      [&](const Bitcast &e) {
        const ExprId a = expr(e.a);
        return b.bitcast(e.type.with_lanes(out_.type_of(a).lanes), a);
      },
      [&](const Ramp &e) { return b.ramp(expr(e.base), e.stride, e.lanes); },
      [&](const Broadcast &e) { return b.broadcast(expr(e.a), e.lanes); },
      [&](const Shuffle &e) {
        return out_.intern(Shuffle{exprs(e.inputs), e.indices});
      },
      [&](const ReduceLanes &e) {
        return out_.intern(ReduceLanes{e.op, expr(e.a)});
      },
      [&](const Dot &e) {
        const ExprId acc = expr(e.acc);
        const ExprId left = expr(e.a);
        return out_.intern(Dot{acc, left, expr(e.b)});
      },
      [&](const Read &e) {
        std::vector<ExprId> indices = exprs(e.indices);
        const ExprId guard = expr_or_none(e.guard);
        return b.read(buffer(e.buffer), std::move(indices), guard, expr_or_none(e.other));
      },
      [&](const Reduce &e) { return clone_reduce(e); });
}

ExprId Rewriter::clone_reduce(const Reduce &old) {
  std::vector<ReduceAxis> axes;
  for (const ReduceAxis &axis : old.axes) axes.push_back({kNoId<VarId>, expr(axis.begin), expr(axis.end)});
  for (size_t i = 0; i < axes.size(); ++i) axes[i].var = bind(old.axes[i].var);
  const ExprId filter = expr_or_none(old.filter);
  return builder_.reduce(old.op, std::move(axes), expr(old.body), filter);
}

StmtId Rewriter::stmt(StmtId old) {
  std::optional<StmtId> fresh;
  if (on_stmt) fresh = on_stmt(old);
  return fresh ? *fresh : clone(old);
}

StmtId Rewriter::clone_copy(const Copy &old) {
  Copy copy = old;
  for (CopyAxis &axis : copy.axes) axis.var = bind(axis.var);
  copy.dst_indices = exprs(old.dst_indices);
  copy.src_indices = exprs(old.src_indices);
  copy.guard = expr_or_none(old.guard);
  copy.other = expr_or_none(old.other);
  copy.dst = buffer(old.dst);
  copy.src = buffer(old.src);
  return out_.add_stmt(std::move(copy));
}

StmtId Rewriter::clone(StmtId old) {
  Builder &b = builder_;
  const StmtId fresh = match(
      in_.stmt(old),
      [&](const Block &s) {
        std::vector<StmtId> stmts;
        stmts.reserve(s.stmts.size());
        for (StmtId id : s.stmts) stmts.push_back(stmt(id));
        return b.block(std::move(stmts));
      },
      [&](const For &s) {
        const ExprId begin = expr(s.begin);
        const ExprId end = expr(s.end);
        const VarId fresh_var = bind(s.var); // After its bounds: they do not see it.
        return b.loop(fresh_var, begin, end, s.kind, stmt(s.body));
      },
      [&](const If &s) {
        const ExprId cond = expr(s.cond);
        const StmtId then_body = stmt(s.then_body);
        return b.when(cond, then_body, is_valid(s.else_body) ? stmt(s.else_body) : kNoId<StmtId>);
      },
      [&](const Let &s) {
        const ExprId value = expr(s.value);
        return b.let(bind(s.var, out_.type_of(value)), value);
      },
      [&](const Load &s) {
        Load load{kNoId<VarId>, buffer(s.buffer), exprs(s.indices), expr_or_none(s.mask), expr_or_none(s.other)};
        load.var = bind(s.var);
        return out_.add_stmt(std::move(load));
      },
      [&](const Store &s) {
        Store store{buffer(s.buffer), exprs(s.indices), expr(s.value), expr_or_none(s.mask), s.kind};
        return out_.add_stmt(std::move(store));
      },
      [&](const Copy &s) { return clone_copy(s); },
      [&](const Prefetch &s) {
        return out_.add_stmt(Prefetch{buffer(s.buffer), exprs(s.indices), s.cache});
      },
      [&](const Barrier &s) { return out_.add_stmt(s); },
      [&](const Alloc &s) {
        if (!allocated_.set(s.buffer, true))
          buffers_.erase(s.buffer); // A second copy of the body: a buffer of its own.
        return out_.add_stmt(Alloc{buffer(s.buffer)});
      },
      [&](const FragmentFill &s) {
        return out_.add_stmt(FragmentFill{buffer(s.fragment), expr(s.value)});
      },
      [&](const FragmentMove &s) {
        FragmentMove move{s.is_store, buffer(s.fragment), buffer(s.buffer), exprs(s.indices), s.transposed};
        return out_.add_stmt(std::move(move));
      },
      [&](const FragmentMma &s) {
        return out_.add_stmt(FragmentMma{buffer(s.d), buffer(s.a), buffer(s.b), buffer(s.c)});
      });
  if (!has_range(out_.range(fresh))) out_.set_range(fresh, in_.range(old));
  return fresh;
}

BufferId Rewriter::buffer(BufferId old) {
  if (const BufferId *known = buffers_.find(old)) return *known;
  Buffer copy = in_.buffer(old);
  // `on_expr` knows the place where the buffer is first used; its size holds everywhere.
  IdMap<ExprId, ExprId> results;
  std::swap(memo_, results);
  copies_buffer_ = true;
  for (std::vector<ExprId> *sizes : {&copy.extents, &copy.strides})
    for (ExprId &size : *sizes) size = expr(size);
  copies_buffer_ = false;
  std::swap(memo_, results);
  const BufferId fresh = out_.add_buffer(std::move(copy));
  buffers_.set(old, fresh);
  return fresh;
}

void Rewriter::substitute(VarId old, ExprId value) {
  substitution_.set(old, value);
  memo_.clear();
}

VarId Rewriter::bind(VarId old, std::optional<Type> type) {
  Variable variable = in_.var(old);
  if (type) variable.type = *type;
  const VarId fresh = out_.add_var(std::move(variable));
  const bool is_new = substitution_.set(old, builder_.var(fresh));
  if (!is_new) memo_.clear(); // Nothing in the memo can mention a variable that was not bound before.
  return fresh;
}

VarId Rewriter::var(VarId old) {
  if (const ExprId *found = substitution_.find(old)) {
    const auto *ref = std::get_if<VarRef>(&out_.expr(*found));
    SPARKLE_CHECK(ref, "variable `" + in_.var(old).name + "` stands for an expression");
    return ref->var;
  }
  SPARKLE_CHECK(is_bound_by_program(in_.var(old).kind),
                "variable `" + in_.var(old).name + "` is used before it is bound");
  return bind(old);
}

} // namespace sparkle
