#include "compiler/passes/remove_dead.h"

#include "compiler/analysis/walk.h"
#include "compiler/ir/builder.h"
#include "compiler/support/id_map.h"
#include "compiler/support/match.h"

namespace sparkle {

namespace {

/// Variables and buffers that something reads.
class Uses {
public:
  explicit Uses(const Kernel &kernel) : k_(kernel), vars_(kernel.var_count()), buffers_(kernel.buffer_count()) {
    for_each_stmt(k_, k_.body, [this](StmtId id) {
      const Stmt &stmt = k_.stmt(id);
      if (const auto *load = std::get_if<Load>(&stmt)) read(load->buffer);
      if (const auto *copy = std::get_if<Copy>(&stmt)) read(copy->src);
      if (const auto *move = std::get_if<FragmentMove>(&stmt)) read(move->is_store ? move->fragment : move->buffer);
      if (const auto *mma = std::get_if<FragmentMma>(&stmt)) read(mma->a), read(mma->b), read(mma->c);
      for_each_root_expr(stmt, [this](ExprId root) { visit(root); });
    });
  }

  bool has(VarId id) const { return vars_[index_of(id)]; }
  bool has(BufferId id) const { return buffers_[index_of(id)]; }

private:
  void read(BufferId id) { buffers_[index_of(id)] = true; }

  void visit(ExprId id) {
    if (!seen_.set(id, true)) return;
    const Expr &expr = k_.expr(id);
    if (const auto *ref = std::get_if<VarRef>(&expr)) vars_[index_of(ref->var)] = true;
    if (const auto *e = std::get_if<Read>(&expr)) read(e->buffer);
    for_each_child(expr, [this](ExprId child) { visit(child); });
  }

  const Kernel &k_;
  std::vector<bool> vars_, buffers_;
  IdMap<ExprId, bool> seen_;
};

class DeadRemover {
public:
  explicit DeadRemover(Kernel &kernel) : k_(kernel), b_(kernel) {}

  Removed run() {
    Removed all = Removed::kNothing;
    do {
      removed_ = false;
      const Uses uses(k_);
      uses_ = &uses;
      const StmtId body = visit(k_.body);
      k_.body = is_valid(body) ? body : b_.block({});
      if (removed_) all = Removed::kSome;
    } while (removed_);
    return negated_ ? Removed::kNegated : all;
  }

private:
  /// What takes the place of `id`: itself, or nothing.
  StmtId visit(StmtId id) {
    const Stmt &stmt = k_.stmt(id);
    if (is_dead(stmt)) return drop();
    if (std::holds_alternative<Block>(stmt)) return visit_block(id);
    if (const auto *loop = std::get_if<For>(&stmt)) {
      const StmtId body = visit(loop->body);
      if (!is_valid(body)) return drop();
      std::get<For>(k_.stmt(id)).body = body;
    }
    if (std::holds_alternative<If>(k_.stmt(id))) return visit_if(id);
    return id;
  }

  StmtId visit_block(StmtId id) {
    std::vector<StmtId> kept;
    const auto children = [&]() -> const std::vector<StmtId> & { return std::get<Block>(k_.stmt(id)).stmts; };
    kept.reserve(children().size());
    for (size_t i = 0; i < children().size(); ++i)
      if (const StmtId fresh = visit(children()[i]); is_valid(fresh)) kept.push_back(fresh);
    if (kept.empty()) return kNoId<StmtId>;
    return kept == children() ? id : b_.block(std::move(kept));
  }

  StmtId visit_if(StmtId id) {
    If branch = std::get<If>(k_.stmt(id));
    branch.then_body = visit(branch.then_body);
    if (is_valid(branch.else_body)) branch.else_body = visit(branch.else_body);
    const bool no_then = !is_valid(branch.then_body);
    if (no_then && !is_valid(branch.else_body)) return drop();
    negated_ |= no_then;
    if (no_then) branch = {b_.unary(UnaryOp::kNot, branch.cond), branch.else_body, kNoId<StmtId>};
    k_.stmt(id) = branch;
    return id;
  }

  StmtId drop() {
    removed_ = true;
    return kNoId<StmtId>;
  }

  bool is_dead(const Stmt &stmt) const {
    return match(
        stmt, [](const Block &) { return false; }, [](const For &) { return false; }, [](const If &) { return false; },
        [&](const Let &s) { return !uses_->has(s.var); }, [&](const Load &s) { return !uses_->has(s.var); },
        [&](const Store &s) { return is_never_read(s.buffer); }, [&](const Copy &s) { return is_never_read(s.dst); },
        [&](const Prefetch &s) { return is_never_read(s.buffer); }, [](const Barrier &) { return false; },
        [&](const Alloc &s) { return is_never_read(s.buffer); },
        [&](const FragmentFill &s) { return is_never_read(s.fragment); },
        [&](const FragmentMove &s) { return is_never_read(s.is_store ? s.buffer : s.fragment); },
        [&](const FragmentMma &s) { return is_never_read(s.d); });
  }

  bool is_never_read(BufferId id) const {
    const Buffer &buffer = k_.buffer(id);
    return buffer.role == Role::kLocal && buffer.level != MemoryLevel::kFar && !uses_->has(id);
  }

  Kernel &k_;
  Builder b_;
  const Uses *uses_ = nullptr;
  bool removed_ = false;
  bool negated_ = false;
};

} // namespace

Removed remove_dead(Kernel &kernel) { return is_valid(kernel.body) ? DeadRemover(kernel).run() : Removed::kNothing; }

} // namespace sparkle
