#include "compiler/passes/hoist_exprs.h"

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/linear.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/transplant.h"
#include "compiler/passes/map_exprs.h"

namespace sparkle {

namespace {

/// Where a variable gets its value: at the start of a loop's body, or after a Let or Load. `order` grows inwards and
/// forwards on the way from the kernel's body to a use; `depth` counts the repeating loops around.
struct Anchor {
  StmtId stmt = kNoId<StmtId>; ///< kNoId: before everything.
  int order = 0;
  int depth = 0;
};

bool repeats(LoopKind kind) {
  return kind == LoopKind::kSerial || kind == LoopKind::kUnrolled || kind == LoopKind::kLane;
}

class ExpressionHoister {
public:
  explicit ExpressionHoister(Kernel &kernel) : k_(kernel), b_(kernel) {}

  /// Whether anything was bound or replaced.
  bool run() {
    visit(k_.body);
    if (new_lets_.empty()) return replaced_;
    k_.body = insert(k_.body);
    if (auto lets = new_lets_.find(kNoId<StmtId>); lets != new_lets_.end()) k_.body = before(lets->second, k_.body);
    return true;
  }

private:
  // ---- Finding and replacing

  void visit(StmtId id) {
    rewrite_roots(id);
    const Stmt &stmt = k_.stmt(id);
    if (std::holds_alternative<Block>(stmt))
      for (StmtId child : std::vector<StmtId>(std::get<Block>(stmt).stmts)) visit(child);
    else if (auto *loop = std::get_if<For>(&stmt))
      visit_loop(id, *loop);
    else if (auto *let = std::get_if<Let>(&stmt))
      anchors_.set(let->var, {id, ++order_, depth_});
    else if (auto *load = std::get_if<Load>(&stmt))
      anchors_.set(load->var, {id, ++order_, depth_});
    else if (auto *branch = std::get_if<If>(&stmt))
      visit_branch(*branch);
  }

  void visit_branch(If branch) {
    visit(branch.then_body);
    if (is_valid(branch.else_body)) visit(branch.else_body);
  }

  void visit_loop(StmtId id, For loop) {
    if (loop.kind == LoopKind::kGroup) innermost_group_ = id;
    depth_ += repeats(loop.kind) ? 1 : 0;
    anchors_.set(loop.var, {id, ++order_, depth_});
    visit(loop.body);
    depth_ -= repeats(loop.kind) ? 1 : 0;
  }

  /// A Copy walks its axes itself: to what depends on none of them it is one more loop.
  void rewrite_roots(StmtId id) {
    const auto *copy = std::get_if<Copy>(&k_.stmt(id));
    depth_ += copy ? 1 : 0;
    if (copy)
      for (const CopyAxis &axis : copy->axes) anchors_.set(axis.var, {kNoId<StmtId>, ++order_, depth_});
    bool may_change = false;
    for_each_root_expr(k_.stmt(id), [&](ExprId root) { may_change = may_change || holds_candidate(root); });
    if (may_change) replace_roots(id);
    depth_ -= copy ? 1 : 0;
  }

  void replace_roots(StmtId id) {
    memo_.clear();
    Stmt stmt = k_.stmt(id); // A copy: bound parts are added to the kernel.
    subject_ = subject_of(stmt);
    map_root_exprs(stmt, [this](ExprId root) {
      const ExprId fresh = rewrite(root);
      replaced_ |= fresh != root;
      return fresh;
    });
    k_.stmt(id) = std::move(stmt);
  }

  /// Something that `rewrite` may bind is below: a quotient, a remainder or a conjunction.
  bool holds_candidate(ExprId id) {
    if (const bool *known = candidates_.find(id)) return *known;
    const Expr &expr = k_.expr(id);
    const auto *e = std::get_if<Binary>(&expr);
    bool found = e && (e->op == BinaryOp::kDiv || e->op == BinaryOp::kMod) && is_integer(k_.type_of(id).scalar);
    found = found || (e && e->op == BinaryOp::kAnd);
    for_each_child(expr, [&](ExprId operand) { found = found || holds_candidate(operand); });
    candidates_.set(id, found);
    return found;
  }

  std::string subject_of(const Stmt &stmt) const {
    BufferId id = kNoId<BufferId>;
    if (auto *load = std::get_if<Load>(&stmt)) id = load->buffer;
    if (auto *store = std::get_if<Store>(&stmt)) id = store->buffer;
    if (auto *copy = std::get_if<Copy>(&stmt)) id = copy->src;
    if (auto *hint = std::get_if<Prefetch>(&stmt)) id = hint->buffer;
    if (auto *move = std::get_if<FragmentMove>(&stmt)) id = move->buffer;
    return is_valid(id) ? k_.buffer(id).name : "part";
  }

  ExprId rewrite(ExprId id) {
    if (const ExprId *known = memo_.find(id)) return *known;
    ExprId result = rewrite_node(id);
    memo_.set(id, result);
    return result;
  }

  ExprId rewrite_node(ExprId id) {
    const Expr expr = k_.expr(id);
    Type type = k_.type_of(id);
    if (type == kIndexType && (is_op(expr, BinaryOp::kAdd) || is_op(expr, BinaryOp::kSub))) return rewrite_sum(id);
    if (type == kBoolType && is_op(expr, BinaryOp::kAnd)) return rewrite_conjunction(id);
    if (type == kIndexType && is_expensive(id) && is_invariant(id)) return bind(id);
    return map_operands(
        b_, expr, [this](ExprId operand) { return rewrite(operand); }, [this](VarId var) { return b_.var(var); },
        [](VarId var) { return var; }, [](BufferId buffer) { return buffer; });
  }

  /// Terms that vary with the same loops are bound together; cheap ones stay where they are.
  ExprId rewrite_sum(ExprId id) {
    LinearForm form = to_linear(k_, id);
    std::map<int, LinearForm> by_depth;
    for (const LinearTerm &term : form.terms) {
      int depth = std::min(anchor_of(term.atom).depth, depth_);
      LinearForm &part = by_depth[depth];
      part.terms.push_back(term);
    }
    LinearForm rest = linear_constant(form.constant);
    for (const auto &[depth, part] : by_depth) {
      ExprId sum = from_linear(b_, part);
      bool is_bound = depth < depth_ && is_expensive(sum);
      for (const LinearTerm &term : part.terms) {
        auto inner = is_bound ? std::nullopt : scale(to_linear(k_, rewrite(term.atom)), term.coefficient);
        auto total = inner ? add(rest, *inner) : std::nullopt;
        if (!is_bound && !total) return id;
        if (total) rest = *total;
      }
      auto total = is_bound ? add(rest, to_linear(k_, bind(sum))) : rest;
      if (!total) return id;
      rest = *total;
    }
    return from_linear(b_, rest);
  }

  ExprId rewrite_conjunction(ExprId id) {
    std::map<int, std::vector<ExprId>> by_depth;
    for (ExprId part : conjuncts(k_, id)) by_depth[std::min(anchor_of(part).depth, depth_)].push_back(part);
    ExprId all = b_.boolean(true);
    for (const auto &[depth, parts] : by_depth) {
      ExprId group = b_.boolean(true);
      for (ExprId part : parts) group = b_.both(group, part);
      bool is_bound = depth < depth_ && (parts.size() > 1 ? is_safe(group) : is_expensive(group));
      if (is_bound) all = b_.both(all, bind(group));
      for (ExprId part : parts)
        if (!is_bound) all = b_.both(all, rewrite(part));
    }
    return all;
  }

  static bool is_op(const Expr &expr, BinaryOp op) {
    auto *e = std::get_if<Binary>(&expr);
    return e && e->op == op;
  }

  /// Holds a quotient or remainder by a constant.
  bool is_expensive(ExprId root) const {
    bool found = false;
    for_each_expr(k_, root, [&](ExprId id) {
      auto *e = std::get_if<Binary>(&k_.expr(id));
      if (e && (e->op == BinaryOp::kDiv || e->op == BinaryOp::kMod)) found |= is_integer(k_.type_of(id).scalar);
    });
    return found && is_safe(root);
  }

  /// Bound expressions are computed on paths that did not compute them before: no divisor may be 0 there.
  bool is_safe(ExprId root) const {
    bool safe = true;
    for_each_expr(k_, root, [&](ExprId id) {
      auto *e = std::get_if<Binary>(&k_.expr(id));
      if (e && (e->op == BinaryOp::kDiv || e->op == BinaryOp::kMod)) safe &= splat_constant(k_, e->b).has_value();
    });
    return safe;
  }

  bool is_invariant(ExprId id) const { return anchor_of(id).depth < depth_; }

  /// The innermost of its variables' anchors. Symbols and uniforms are there from the start.
  Anchor anchor_of(ExprId id) const {
    Anchor last;
    for (VarId var : vars_of(k_, id))
      if (const Anchor *found = anchors_.find(var); found && found->order > last.order) last = *found;
    return last;
  }

  ExprId bind(ExprId value) {
    if (auto known = bound_.find(value); known != bound_.end()) return b_.var(known->second);
    Type type = k_.type_of(value);
    Anchor anchor = anchor_of(value);
    // Group loops nest perfectly: what needs only some of them stands in the innermost one.
    auto *loop = is_valid(anchor.stmt) ? std::get_if<For>(&k_.stmt(anchor.stmt)) : nullptr;
    if (!is_valid(anchor.stmt) || (loop && loop->kind == LoopKind::kGroup)) anchor.stmt = innermost_group_;
    ExprId inner = rewrite_at(anchor.depth, value);
    VarId var = b_.value_var(name_for(value), type);
    new_lets_[anchor.stmt].push_back(b_.let(var, inner));
    bound_[value] = var;
    // Between the anchor and what was bound after it, so that parts of parts find it.
    anchors_.set(var, anchor);
    return b_.var(var);
  }

  /// The value as a statement at `depth` would have it: its own parts may belong further out.
  ExprId rewrite_at(int depth, ExprId value) {
    int outer_depth = std::exchange(depth_, depth);
    auto outer_memo = std::exchange(memo_, {});
    ExprId result = rewrite(value);
    depth_ = outer_depth;
    memo_ = std::move(outer_memo);
    return result;
  }

  std::string name_for(ExprId value) const {
    if (k_.type_of(value) == kBoolType) return subject_ + "_inside";
    auto *e = std::get_if<Binary>(&k_.expr(value));
    auto *ref = e ? std::get_if<VarRef>(&k_.expr(e->a)) : nullptr;
    if (ref && e->op == BinaryOp::kDiv) return k_.var(ref->var).name + "_div";
    if (ref && e->op == BinaryOp::kMod) return k_.var(ref->var).name + "_mod";
    return subject_ + "_at";
  }

  // ---- Inserting the new Lets

  StmtId before(const std::vector<StmtId> &lets, StmtId body) {
    std::vector<StmtId> stmts = lets;
    stmts.push_back(body);
    return b_.block(std::move(stmts));
  }

  StmtId insert(StmtId id) {
    Stmt stmt = k_.stmt(id);
    if (auto *block = std::get_if<Block>(&stmt)) return insert_in_block(*block);
    if (auto *loop = std::get_if<For>(&stmt)) {
      loop->body = insert(loop->body);
      if (auto lets = new_lets_.find(id); lets != new_lets_.end()) loop->body = before(lets->second, loop->body);
      k_.stmt(id) = *loop;
    }
    if (auto *branch = std::get_if<If>(&stmt)) {
      branch->then_body = insert(branch->then_body);
      if (is_valid(branch->else_body)) branch->else_body = insert(branch->else_body);
      k_.stmt(id) = *branch;
    }
    return id;
  }

  StmtId insert_in_block(const Block &block) {
    std::vector<StmtId> stmts;
    for (StmtId child : block.stmts) {
      stmts.push_back(insert(child));
      bool is_loop = std::holds_alternative<For>(k_.stmt(child));
      auto lets = new_lets_.find(child);
      if (!is_loop && lets != new_lets_.end()) stmts.insert(stmts.end(), lets->second.begin(), lets->second.end());
    }
    return b_.block(std::move(stmts));
  }

  Kernel &k_;
  Builder b_;
  IdMap<VarId, Anchor> anchors_;
  IdMap<ExprId, bool> candidates_; ///< What holds_candidate knows.
  std::unordered_map<ExprId, VarId> bound_;
  IdMap<ExprId, ExprId> memo_; ///< Of the statement at hand: its depth decides.
  std::map<StmtId, std::vector<StmtId>> new_lets_;
  std::string subject_;
  StmtId innermost_group_ = kNoId<StmtId>;
  int order_ = 0;
  int depth_ = 0;
  bool replaced_ = false;
};

} // namespace

bool bind_expensive_invariants(Kernel &kernel) { return ExpressionHoister(kernel).run(); }

} // namespace sparkle
