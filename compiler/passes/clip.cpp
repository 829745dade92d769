#include "compiler/passes/clip.h"

#include <algorithm>
#include <set>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/linear.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// c * var + rest <= 0, for integers.
struct Bound {
  int64_t coefficient;
  LinearForm rest;
};

class Clipper {
public:
  explicit Clipper(const Kernel &in) : in_(in), rw_(in) {}

  std::optional<Clipped> run() {
    if (!has_work()) return std::nullopt;
    rw_.on_stmt = [this](StmtId id) -> std::optional<StmtId> {
      if (std::holds_alternative<For>(in_.stmt(id))) return clip(id);
      if (std::holds_alternative<If>(in_.stmt(id))) return without_consumed(id);
      return std::nullopt;
    };
    Kernel out = rw_.run();
    if (taken_.empty()) return std::nullopt;
    return Clipped{std::move(out), std::move(loops_)};
  }

private:
  static bool is_clipped(const For &loop) { return loop.kind == LoopKind::kSerial || loop.kind == LoopKind::kUnrolled; }

  bool has_work() const {
    bool found = false;
    for_each_stmt(in_, in_.body, [&](StmtId id) {
      const auto *loop = std::get_if<For>(&in_.stmt(id));
      if (found || !loop) return;
      const StmtId covering = covering_of(*loop);
      if (!is_valid(covering)) return;
      const VarSet inside = vars_bound_by(in_, loop->body);
      const auto conditions = conjuncts(in_, std::get<If>(in_.stmt(covering)).cond);
      found = std::ranges::any_of(conditions, [&](ExprId id) { return bound_of(id, *loop, inside).has_value(); });
    });
    return found;
  }

  StmtId covering_of(const For &loop) const { return is_clipped(loop) ? covering_if(loop.body) : kNoId<StmtId>; }

  /// The only If that everything with an effect in `body` stands under, reached through loops and single statements.
  StmtId covering_if(StmtId body) const {
    const Stmt &stmt = in_.stmt(body);
    if (const auto *loop = std::get_if<For>(&stmt)) return covering_if(loop->body);
    if (const auto *block = std::get_if<Block>(&stmt))
      return block->stmts.size() == 1 ? covering_if(block->stmts.front()) : kNoId<StmtId>;
    const auto *guard = std::get_if<If>(&stmt);
    return guard && !is_valid(guard->else_body) ? body : kNoId<StmtId>;
  }

  /// What unrolled loops take is constant.
  std::optional<Bound> bound_of(ExprId conjunct, const For &loop, const VarSet &inside) const {
    const auto *compare = std::get_if<Compare>(&in_.expr(conjunct));
    if (!compare || (compare->op != CompareOp::kLt && compare->op != CompareOp::kLe)) return std::nullopt;
    auto form = subtract(to_linear(in_, compare->a), to_linear(in_, compare->b));
    if (!form || form->lanes > 1 || in_.type_of(compare->a).scalar != Scalar::kIndex) return std::nullopt;
    if (compare->op == CompareOp::kLt) form->constant += 1; // f < 0 is f + 1 <= 0
    Bound bound{0, {}};
    decltype(form->terms) rest;
    for (const LinearTerm &term : form->terms) {
      const auto *ref = std::get_if<VarRef>(&in_.expr(term.atom));
      if (ref && ref->var == loop.var) {
        bound.coefficient = term.coefficient;
        continue;
      }
      for (VarId used : vars_of(in_, term.atom))
        if (used == loop.var || inside.contains(used)) return std::nullopt;
      rest.push_back(term);
    }
    form->terms = std::move(rest);
    bound.rest = *form;
    const bool is_usable = loop.kind != LoopKind::kUnrolled || bound.rest.terms.empty();
    return bound.coefficient != 0 && is_usable ? std::optional(bound) : std::nullopt;
  }

  StmtId clip(StmtId id) {
    const For &loop = std::get<For>(in_.stmt(id));
    const StmtId covering = covering_of(loop);
    if (!is_valid(covering)) return rw_.clone(id);
    Builder &b = rw_.build();
    VarSet inside = vars_bound_by(in_, loop.body);
    ExprId begin = rw_.expr(loop.begin), end = rw_.expr(loop.end);
    bool is_taken = false;
    for (ExprId conjunct : conjuncts(in_, std::get<If>(in_.stmt(covering)).cond)) {
      if (taken_.contains({covering, conjunct})) continue;
      const auto bound = bound_of(conjunct, loop, inside);
      if (!bound) continue;
      narrow(*bound, begin, end);
      taken_.insert({covering, conjunct});
      is_taken = true;
    }
    VarId var = rw_.bind(loop.var);
    const StmtId fresh = b.loop(var, begin, end, loop.kind, rw_.stmt(loop.body));
    if (is_taken) loops_.push_back(fresh);
    return fresh;
  }

  void narrow(const Bound &bound, ExprId &begin, ExprId &end) {
    Builder &b = rw_.build();
    ExprId rest = b.index(bound.rest.constant);
    for (const LinearTerm &term : bound.rest.terms)
      rest = b.add(rest, b.mul(rw_.expr(term.atom), b.index(term.coefficient)));
    int64_t c = bound.coefficient;
    if (c > 0) { // var <= floor(-rest / c)
      ExprId last = b.div(b.sub(b.index(0), rest), b.index(c));
      end = b.min(end, b.add(last, b.index(1)));
    } else { // var >= ceil(rest / -c)
      begin = b.max(begin, b.div(b.add(rest, b.index(-c - 1)), b.index(-c)));
    }
  }

  StmtId without_consumed(StmtId id) {
    const If &guard = std::get<If>(in_.stmt(id));
    Builder &b = rw_.build();
    ExprId cond = kNoId<ExprId>;
    bool dropped = false;
    for (ExprId conjunct : conjuncts(in_, guard.cond)) {
      if (taken_.contains({id, conjunct})) {
        dropped = true;
        continue;
      }
      ExprId kept = rw_.expr(conjunct);
      cond = is_valid(cond) ? b.both(cond, kept) : kept;
    }
    if (!dropped) return rw_.clone(id);
    StmtId body = rw_.stmt(guard.then_body);
    return is_valid(cond) ? b.when(cond, body) : body;
  }

  const Kernel &in_;
  Rewriter rw_;
  std::set<std::pair<StmtId, ExprId>> taken_; ///< Guards' conjuncts that are loop bounds now.
  std::vector<StmtId> loops_;                 ///< That took them, in the new kernel.
};

} // namespace

std::optional<Clipped> clip_loops(const Kernel &in) { return Clipper(in).run(); }

} // namespace sparkle
