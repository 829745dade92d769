#include "compiler/passes/hoist.h"

#include <algorithm>

#include "compiler/analysis/interval.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"
#include "compiler/passes/hoist_exprs.h"

namespace sparkle {

namespace {

bool may_leave(LoopKind kind) {
  return kind == LoopKind::kSerial || kind == LoopKind::kUnrolled || kind == LoopKind::kLane;
}

bool holds_barrier(const Kernel &kernel, StmtId root) {
  bool found = false;
  for_each_stmt(kernel, root, [&](StmtId id) { found |= std::holds_alternative<Barrier>(kernel.stmt(id)); });
  return found;
}

/// Works in place, innermost loops first: what leaves one stands in the body of the next and may leave that too.
class StatementHoister {
public:
  explicit StatementHoister(Kernel &kernel) : k_(kernel), b_(kernel) {}

  /// Whether anything moved.
  bool run() {
    k_.body = visit(k_.body);
    return moved_;
  }

private:
  /// The loop that statements leave: what it changes.
  struct Loop {
    VarSet bound;
    BufferSet written;
    bool has_barrier = false;
    bool runs = false; ///< Provably at least once.
    std::vector<StmtId> leaving;
  };

  StmtId visit(StmtId id) {
    RangesScope scope(ranges_);
    const Stmt &stmt = k_.stmt(id);
    if (std::holds_alternative<Block>(stmt)) return visit_block(id);
    if (auto *loop = std::get_if<For>(&stmt)) return visit_for(id, *loop);
    if (auto *branch = std::get_if<If>(&stmt)) visit_if(id, *branch);
    return id;
  }

  StmtId visit_block(StmtId id) {
    const std::vector<StmtId> old = std::get<Block>(k_.stmt(id)).stmts;
    std::vector<StmtId> stmts;
    stmts.reserve(old.size());
    for (StmtId child : old) {
      stmts.push_back(visit(child));
      learn(child);
    }
    return stmts == old ? id : b_.block(std::move(stmts));
  }

  void learn(StmtId id) {
    if (auto *let = std::get_if<Let>(&k_.stmt(id))) ranges_.push_value(k_, let->var, let->value);
  }

  void visit_if(StmtId id, If branch) {
    {
      RangesScope scope(ranges_);
      ranges_.push_condition(k_, branch.cond);
      branch.then_body = visit(branch.then_body);
    }
    if (is_valid(branch.else_body)) branch.else_body = visit(branch.else_body);
    k_.stmt(id) = branch;
  }

  StmtId visit_for(StmtId id, For loop) {
    size_t mark = ranges_.mark();
    ranges_.push_loop(k_, loop);
    loop.body = visit(loop.body);
    ranges_.pop_to(mark);
    if (!may_leave(loop.kind)) {
      k_.stmt(id) = loop;
      return id;
    }
    Loop around;
    around.bound = vars_bound_by(k_, loop.body);
    around.bound.insert(loop.var);
    around.written = buffers_written_by(k_, loop.body);
    around.has_barrier = holds_barrier(k_, loop.body);
    around.runs = prove(k_, b_.less(loop.begin, loop.end), ranges_) == true;
    loop.body = extract(loop.body, around, false);
    k_.stmt(id) = loop;
    if (around.leaving.empty()) return id;
    moved_ = true;
    around.leaving.push_back(id);
    return b_.block(std::move(around.leaving));
  }

  /// Takes out of `at` what may leave the loop: through blocks and branches, not out of loops inside, which kept it
  /// before.
  StmtId extract(StmtId at, Loop &loop, bool in_branch) {
    if (std::holds_alternative<Block>(k_.stmt(at))) return extract_from_block(at, loop, in_branch);
    const auto *found = std::get_if<If>(&k_.stmt(at));
    if (!found) return at;
    If branch = *found;
    branch.then_body = extract(branch.then_body, loop, true);
    if (is_valid(branch.else_body)) branch.else_body = extract(branch.else_body, loop, true);
    k_.stmt(at) = branch;
    return at;
  }

  StmtId extract_from_block(StmtId at, Loop &loop, bool in_branch) {
    const std::vector<StmtId> old = std::get<Block>(k_.stmt(at)).stmts;
    std::vector<StmtId> kept;
    kept.reserve(old.size());
    for (StmtId child : old) {
      if (auto var = leaving_var(child, loop, in_branch)) {
        loop.bound.erase(*var);
        loop.leaving.push_back(child);
        learn(child);
      } else {
        kept.push_back(extract(child, loop, in_branch));
      }
    }
    return kept == old ? at : b_.block(std::move(kept));
  }

  /// The variable that `id` binds, when it is a Let or Load that may leave.
  std::optional<VarId> leaving_var(StmtId id, const Loop &loop, bool in_branch) {
    const Stmt &stmt = k_.stmt(id);
    auto *let = std::get_if<Let>(&stmt);
    auto *load = std::get_if<Load>(&stmt);
    if (!let && !load) return std::nullopt;
    bool depends = false;
    for_each_root_expr(stmt, [&](ExprId root) { depends = depends || uses_any(k_, root, loop.bound); });
    if (depends) return std::nullopt;
    if (let) return let->var;
    if (!is_unchanged(load->buffer, loop)) return std::nullopt;
    bool runs_anyway = loop.runs && !in_branch;
    return runs_anyway || stays_inside(*load) ? std::optional<VarId>(load->var) : std::nullopt;
  }

  bool is_unchanged(BufferId id, const Loop &loop) const {
    const Buffer &buffer = k_.buffer(id);
    if (loop.written.contains(id)) return false;
    if (loop.has_barrier && buffer.level == MemoryLevel::kNear) return false;
    if (buffer.no_alias) return true;
    return std::none_of(loop.written.begin(), loop.written.end(),
                        [&](BufferId other) { return !k_.buffer(other).no_alias; });
  }

  bool stays_inside(const Load &load) {
    const Buffer buffer = k_.buffer(load.buffer);
    for (size_t i = 0; i < load.indices.size(); ++i) {
      ExprId low = b_.less_equal(b_.index(0), load.indices[i]);
      ExprId high = b_.less(load.indices[i], buffer.extents[i]);
      if (prove(k_, low, ranges_) != true || prove(k_, high, ranges_) != true) return false;
    }
    return true;
  }

  Kernel &k_;
  Builder b_;
  Ranges ranges_;
  bool moved_ = false;
};

} // namespace

Result<Kernel> hoist(Kernel in, const HoistOptions &options, const TargetInfo &) {
  if (in.stage == Stage::kImported)
    return Error{ErrorCode::kInternal, "hoist got stage imported, it needs tiled or a later one"};
  if (!is_valid(in.body)) return in;
  const bool moved = options.statements && StatementHoister(in).run();
  const bool bound = options.expressions && bind_expensive_invariants(in);
  if (!moved && !bound) return in;
  return Rewriter(in).run();
}

} // namespace sparkle
