#include "compiler/passes/simplify.h"

#include <algorithm>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/interval.h"
#include "compiler/ir/rewriter.h"
#include "compiler/passes/map_exprs.h"
#include "compiler/passes/remove_dead.h"
#include "compiler/passes/simplify_expr.h"

namespace sparkle {

namespace {

bool is_grid_kind(LoopKind kind) {
  return kind == LoopKind::kGroup || kind == LoopKind::kTeam || kind == LoopKind::kWorker;
}

/// Walks the old kernel and writes the new one; `ranges_` holds facts on the new kernel's variables. Facts on a
/// variable that was just bound leave remembered results true, as no expression before it holds the variable;
/// conditions do not.
class Simplifier {
public:
  Simplifier(const Kernel &in, const SimplifyOptions &options)
      : options_(options), rw_(in), exprs_(rw_.build(), ranges_), is_inside_(options.within.empty()) {
    for (const StmtId id : options.within) within_.set(id, true);
    rw_.on_stmt = [this](StmtId id) { return enter(id); };
    rw_.on_expr = [this](ExprId id) { return visit_expr(id); };
  }

  Kernel run() { return rw_.run(); }
  /// Something was copied and then left out: its buffers may stand in the tables in vain, or before others.
  bool left_garbage() const { return left_garbage_; }

private:
  StmtId enter(StmtId id) {
    if (is_inside_ || !within_.contains(id)) return is_inside_ ? visit(id) : visit_around(id);
    is_inside_ = true;
    forget();
    const StmtId fresh = visit(id);
    is_inside_ = false;
    forget();
    return fresh;
  }

  /// A copy, and what holds in it.
  StmtId visit_around(StmtId id) {
    const Stmt &stmt = rw_.in().stmt(id);
    if (auto *block = std::get_if<Block>(&stmt)) return visit_block(*block);
    if (auto *branch = std::get_if<If>(&stmt)) return visit_branches(rw_.expr(branch->cond), *branch);
    if (auto *loop = std::get_if<For>(&stmt)) {
      const ExprId begin = rw_.expr(loop->begin);
      return visit_loop(*loop, begin, rw_.expr(loop->end));
    }
    const StmtId fresh = rw_.clone(id);
    if (auto *let = std::get_if<Let>(&rw_.out().stmt(fresh))) ranges_.push_value(rw_.out(), let->var, let->value);
    return fresh;
  }

  StmtId visit(StmtId id) {
    const Stmt &stmt = rw_.in().stmt(id);
    if (auto *block = std::get_if<Block>(&stmt)) return visit_block(*block);
    if (auto *loop = std::get_if<For>(&stmt)) return visit_for(*loop);
    if (auto *branch = std::get_if<If>(&stmt)) return visit_if(*branch);
    if (auto *let = std::get_if<Let>(&stmt)) return visit_let(*let);
    if (auto *load = std::get_if<Load>(&stmt)) return visit_load(id, *load);
    return visit_leaf(id);
  }

  /// Nothing while an expression is copied as it is.
  std::optional<ExprId> visit_expr(ExprId id) {
    const Kernel &in = rw_.in();
    const Expr &expr = in.expr(id);
    if (is_verbatim_ || !is_inside_) return std::nullopt;
    if (std::holds_alternative<Read>(expr) || std::holds_alternative<Reduce>(expr)) return visit_definition(id);
    if (in.type_of(id).scalar == Scalar::kIndex)
      if (const auto sum = visit_sum(id)) return sum;
    return exprs_.rewrite(rw_.clone_expr(id));
  }

  /// Reads and reductions know more of their operands than the rewriter.
  ExprId visit_definition(ExprId id) {
    rw_.forget();
    is_verbatim_ = true;
    const ExprId copy = rw_.clone_expr(id);
    is_verbatim_ = false;
    rw_.forget();
    return exprs_.simplify(copy);
  }

  /// Sums are taken whole, down to their atoms; nothing for what is no sum.
  std::optional<ExprId> visit_sum(ExprId id) {
    const LinearForm old = to_linear(rw_.in(), id);
    if (old.terms.size() == 1 && old.terms.front().atom == id) return std::nullopt;
    const auto form = with_atoms(old, [this](ExprId atom) { return to_linear(rw_.out(), rw_.expr(atom)); });
    return form ? std::optional(exprs_.from_form(kIndexType.with_lanes(form->lanes), *form)) : std::nullopt;
  }

  StmtId visit_leaf(StmtId id) {
    if (std::holds_alternative<Copy>(rw_.in().stmt(id))) return visit_copy(id);
    return fold_mask(rw_.clone(id));
  }

  /// Facts on Lets end with their block.
  StmtId visit_block(const Block &block) {
    size_t mark = ranges_.mark();
    std::vector<StmtId> stmts;
    for (StmtId child : block.stmts) stmts.push_back(rw_.stmt(child));
    ranges_.pop_to(mark);
    return rw_.build().block(std::move(stmts));
  }

  StmtId visit_for(const For &loop) {
    Builder &b = rw_.build();
    ExprId begin = rw_.expr(loop.begin);
    ExprId end = rw_.expr(loop.end);
    const Interval rounds = rounds_of(begin, end);
    if (rounds.hi && *rounds.hi <= 0) return b.block({});
    if (rounds == Interval::point(1) && !(options_.keep_grid && is_grid_kind(loop.kind))) {
      rw_.substitute(loop.var, begin);
      return rw_.stmt(loop.body);
    }
    return visit_loop(loop, begin, end);
  }

  StmtId visit_loop(const For &loop, ExprId begin, ExprId end) {
    Builder &b = rw_.build();
    VarId var = rw_.bind(loop.var);
    size_t mark = ranges_.mark();
    ranges_.push_loop(b.kernel(), var, begin, end);
    if (loop.kind == LoopKind::kLane) lanes_.push_back(var);
    StmtId body = rw_.stmt(loop.body);
    if (loop.kind == LoopKind::kLane) lanes_.pop_back();
    ranges_.pop_to(mark);
    return b.loop(var, begin, end, loop.kind, body);
  }

  Interval rounds_of(ExprId begin, ExprId end) {
    const Kernel &k = rw_.out();
    if (k.constant(begin) && k.constant(end)) return bounds(k, rw_.build().sub(end, begin), ranges_);
    const auto rounds = subtract(to_linear(k, end), to_linear(k, begin));
    return rounds ? bounds(k, *rounds, ranges_) : Interval{};
  }

  StmtId visit_if(const If &branch) {
    Builder &b = rw_.build();
    ExprId cond = rw_.expr(branch.cond);
    auto known = b.kernel().constant(cond);
    if (known && *known) return rw_.stmt(branch.then_body);
    if (known) return is_valid(branch.else_body) ? rw_.stmt(branch.else_body) : b.block({});
    return visit_branches(cond, branch);
  }

  StmtId visit_branches(ExprId cond, const If &branch) {
    Builder &b = rw_.build();
    StmtId then_body = visit_under(cond, branch.then_body);
    if (!is_valid(branch.else_body)) return b.when(cond, then_body);
    return b.when(cond, then_body, visit_under(b.unary(UnaryOp::kNot, cond), branch.else_body));
  }

  StmtId visit_under(ExprId cond, StmtId body) {
    size_t mark = ranges_.mark();
    push_conditions(cond);
    forget();
    StmtId fresh = rw_.stmt(body);
    ranges_.pop_to(mark);
    forget();
    return fresh;
  }

  /// Where a condition leaves one lane, the lane's variable must stay: a number in its place would read as an address
  /// that all lanes share.
  void push_conditions(ExprId cond) {
    for (ExprId conjunct : conjuncts(rw_.out(), cond)) {
      size_t mark = ranges_.mark();
      ranges_.push_condition(rw_.out(), conjunct);
      bool fixes_lane = std::any_of(lanes_.begin(), lanes_.end(), [&](VarId lane) {
        return bounds(rw_.out(), rw_.build().var(lane), ranges_).is_point();
      });
      if (fixes_lane) ranges_.pop_to(mark);
    }
  }

  StmtId visit_let(const Let &let) { return bind_value(let.var, rw_.expr(let.value)); }

  /// Constants and other variables take the place of the variable.
  StmtId bind_value(VarId old, ExprId value) {
    Builder &b = rw_.build();
    auto *splat = std::get_if<Broadcast>(&b.kernel().expr(value));
    const Expr &expr = b.kernel().expr(splat ? splat->a : value);
    bool is_trivial = std::holds_alternative<IntConst>(expr) || std::holds_alternative<FloatConst>(expr) ||
                      std::holds_alternative<VarRef>(expr);
    if (is_trivial) {
      rw_.substitute(old, value);
      return b.block({});
    }
    VarId var = rw_.bind(old, b.kernel().type_of(value));
    ranges_.push_value(b.kernel(), var, value);
    return b.let(var, value);
  }

  StmtId visit_load(StmtId id, const Load &load) {
    if (is_valid(load.mask) && splat_constant(rw_.out(), rw_.expr(load.mask)) == 0)
      return bind_value(load.var, rw_.build().broadcast(rw_.expr(load.other), rw_.in().var(load.var).type.lanes));
    return visit_leaf(id);
  }

  /// The axes of a Copy are ranges of their own.
  StmtId visit_copy(StmtId id) {
    rw_.forget();
    is_verbatim_ = true;
    const StmtId fresh = rw_.clone(id);
    is_verbatim_ = false;
    rw_.forget();
    RangesScope scope(ranges_);
    Copy copy = std::get<Copy>(rw_.out().stmt(fresh));
    for (const CopyAxis &axis : copy.axes) ranges_.push(axis.var, {0, axis.extent - 1});
    Stmt stmt = std::move(copy);
    map_root_exprs(stmt, [this](ExprId expr) { return exprs_.simplify(expr); });
    rw_.out().stmt(fresh) = std::move(stmt);
    return fold_mask(fresh);
  }

  std::optional<bool> decided(ExprId mask) {
    if (!is_valid(mask)) return std::nullopt;
    auto value = splat_constant(rw_.out(), mask);
    return value ? std::optional<bool>(*value != 0) : std::nullopt;
  }

  StmtId fold_mask(StmtId id) {
    Builder &b = rw_.build();
    Stmt &stmt = rw_.out().stmt(id);
    if (auto *load = std::get_if<Load>(&stmt); load && decided(load->mask) == true)
      load->mask = load->other = kNoId<ExprId>;
    if (auto *store = std::get_if<Store>(&stmt)) {
      auto known = decided(store->mask);
      if (known && *known) store->mask = kNoId<ExprId>;
      left_garbage_ |= known && !*known;
      return known && !*known ? b.block({}) : id;
    }
    if (auto *copy = std::get_if<Copy>(&stmt); copy && decided(copy->guard) == true)
      copy->guard = copy->other = kNoId<ExprId>;
    return id;
  }

  void forget() {
    rw_.forget();
    exprs_.ranges_changed();
  }

  const SimplifyOptions &options_;
  Rewriter rw_;
  Ranges ranges_;
  std::vector<VarId> lanes_; ///< Of the lane loops around, in the new kernel.
  ExprSimplifier exprs_;
  bool is_verbatim_ = false;
  bool left_garbage_ = false;
  IdMap<StmtId, bool> within_;
  bool is_inside_; ///< Of `within_`.
};

} // namespace

Result<Kernel> simplify(const Kernel &in, const SimplifyOptions &options, const TargetInfo &) {
  Simplifier first(in, options);
  Kernel out = first.run();
  const bool is_clean = !first.left_garbage() && in.stage != Stage::kImported; // Reads may be left out as well.
  Removed removed = remove_dead(out);
  while (removed == Removed::kNegated) {
    // A condition turned round, because its first branch was dead, is not in normal form.
    out = Simplifier(out, {.keep_grid = options.keep_grid}).run();
    removed = std::max(remove_dead(out), Removed::kSome);
  }
  if (options.keep_garbage || (removed == Removed::kNothing && is_clean)) return out;
  return Rewriter(out).run();
}

} // namespace sparkle
