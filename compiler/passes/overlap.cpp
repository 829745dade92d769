#include "compiler/passes/overlap.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "compiler/analysis/interval.h"
#include "compiler/analysis/walk.h"
#include "compiler/passes/copy_expansion.h"

namespace sparkle {
namespace {

/// The parts of `for k { copies; barrier; rest; barrier }`.
struct StagedLoop {
  StmtId id;
  const For *loop;
  std::vector<StmtId> copies;
  std::vector<StmtId> rest;
  bool barriers = false;
  int buffers = 1; ///< The most of any copy.
  bool all_rotate = true;
  int ahead = 0;
};

class Overlapper {
public:
  explicit Overlapper(const Kernel &in) : in_(in), grid_(grid_of(in)), workers_(worker_count(grid_)), rw_(in) {}

  Result<Kernel> run() {
    if (!workers_)
      return Error{ErrorCode::kBadSchedule, "overlap needs a known number of workers in kernel `" + in_.name + "`"};
    rw_.on_stmt = [this](StmtId id) -> std::optional<StmtId> {
      if (const auto *copy = std::get_if<Copy>(&in_.stmt(id))) return plain(*copy, kNoId<ExprId>);
      if (auto staged = staged_loop(id)) return rewrite(*staged);
      return std::nullopt;
    };
    Kernel out = rw_.run();
    if (!error_.empty()) return Error{ErrorCode::kBadSchedule, "copy in kernel `" + in_.name + "`: " + error_};
    out.stage = Stage::kScheduled;
    return out;
  }

private:
  std::optional<StagedLoop> staged_loop(StmtId id) {
    const auto *loop = std::get_if<For>(&in_.stmt(id));
    if (!loop || loop->kind != LoopKind::kSerial) return std::nullopt;
    const auto *block = std::get_if<Block>(&in_.stmt(loop->body));
    if (!block) return std::nullopt;
    StagedLoop staged{id, loop, {}, {}};
    size_t i = 0;
    for (; i < block->stmts.size(); ++i) {
      const auto *copy = std::get_if<Copy>(&in_.stmt(block->stmts[i]));
      if (!copy) break;
      staged.copies.push_back(block->stmts[i]);
      staged.buffers = std::max(staged.buffers, copy->buffers);
      staged.all_rotate &= copy->buffers > 1;
      staged.ahead = std::max(staged.ahead, copy->fetch_ahead);
    }
    if (staged.copies.empty() || (staged.buffers == 1 && staged.ahead == 0)) return std::nullopt;
    auto is_barrier = [&](StmtId s) { return std::holds_alternative<Barrier>(in_.stmt(s)); };
    staged.barriers = i < block->stmts.size() && is_barrier(block->stmts[i]) && is_barrier(block->stmts.back());
    size_t end = block->stmts.size() - (staged.barriers ? 1 : 0);
    staged.rest.assign(block->stmts.begin() + static_cast<long>(i + (staged.barriers ? 1 : 0)),
                       block->stmts.begin() + static_cast<long>(end));
    return staged;
  }

  bool check(const Copy &copy) {
    if (copy.lanes > 1 && copy.axes.back().extent % copy.lanes != 0)
      error_ = "lanes " + std::to_string(copy.lanes) + " do not divide the " + std::to_string(copy.axes.back().extent) +
               " elements of the last loop of `walk`";
    return error_.empty();
  }

  std::unique_ptr<CopyExpansion> expand(const Copy &copy) {
    check(copy);
    ExprId worker = rw_.build().index(0);
    if (*workers_ > 1) {
      // The worker loops were cloned around us: their new variables carry the number.
      for (const std::vector<GridLoop> *level : {&grid_.teams, &grid_.workers})
        for (const GridLoop &loop : *level) {
          ExprId extent = rw_.build().index(*loop.extent);
          worker = rw_.build().add(rw_.build().mul(worker, extent), rw_.build().var(rw_.var(loop.var)));
        }
    }
    return std::make_unique<CopyExpansion>(rw_, copy, worker, *workers_);
  }

  StmtId plain(const Copy &copy, ExprId rotation) {
    auto expansion = expand(copy);
    if (*workers_ == 1) return expansion->move(rotation);
    StmtId declare = expansion->declare();
    StmtId fetch = expansion->fetch();
    return rw_.build().block({declare, fetch, expansion->commit(rotation)});
  }

  StmtId barrier() { return rw_.out().add_stmt(Barrier{BarrierScope::kGroup}); }

  /// The rest of the loop's body, reading the rotating buffers at `rotation`.
  StmtId compute(const StagedLoop &staged, ExprId rotation) {
    std::vector<BufferId> rotating;
    for (StmtId id : staged.copies)
      if (const Copy &copy = std::get<Copy>(in_.stmt(id)); copy.buffers > 1) rotating.push_back(copy.dst);
    auto outer = rw_.on_stmt;
    rw_.on_stmt = [this, outer, rotating, rotation](StmtId id) -> std::optional<StmtId> {
      const auto *load = std::get_if<Load>(&in_.stmt(id));
      if (!load || std::find(rotating.begin(), rotating.end(), load->buffer) == rotating.end()) return outer(id);
      Load moved{kNoId<VarId>, rw_.buffer(load->buffer), rw_.exprs(load->indices), rw_.expr_or_none(load->mask),
                 rw_.expr_or_none(load->other)};
      moved.indices.front() = rotation;
      moved.var = rw_.bind(load->var);
      return rw_.out().add_stmt(std::move(moved));
    };
    std::vector<StmtId> stmts;
    for (StmtId id : staged.rest) stmts.push_back(rw_.stmt(id));
    rw_.on_stmt = outer;
    return rw_.build().block(std::move(stmts));
  }

  /// What is known of one staged loop is put aside while one inside of it is rewritten.
  StmtId rewrite(const StagedLoop &staged) {
    auto outer_expansions = std::exchange(expansions_, {});
    const ExprId outer_begin = begin_, outer_end = end_;
    const StmtId made = rewrite_alone(staged);
    expansions_ = std::move(outer_expansions);
    begin_ = outer_begin;
    end_ = outer_end;
    return made;
  }

  StmtId rewrite_alone(const StagedLoop &staged) {
    Builder &b = rw_.build();
    begin_ = rw_.expr(staged.loop->begin);
    end_ = rw_.expr(staged.loop->end);
    std::vector<StmtId> before;
    for (StmtId id : staged.copies) {
      expansions_.push_back(expand(std::get<Copy>(in_.stmt(id))));
      if (staged.ahead > 0) before.push_back(expansions_.back()->declare());
    }
    rw_.substitute(staged.loop->var, begin_);
    if (staged.ahead > 0) before.push_back(fetch_all());
    if (staged.ahead > 0 && staged.all_rotate) {
      before.push_back(commit_all(b.index(0)));
      if (staged.barriers) before.push_back(barrier());
    }
    VarId var = rw_.bind(staged.loop->var);
    // One buffer that does not rotate is still read when the next step is there: then all wait for each other twice.
    StmtId body = staged.ahead == 0   ? alternate(staged, var)
                  : staged.all_rotate ? double_buffered(staged, var)
                                      : single_buffered(staged, var);
    before.push_back(b.loop(var, begin_, end_, LoopKind::kSerial, body));
    if (comes_back_to_last_buffer(staged)) before.push_back(barrier());
    StmtId all = b.block(std::move(before));
    // Nothing may be fetched for a loop that does not run.
    bool runs = rw_.out().constant(b.less(begin_, end_)) == 1;
    return runs ? all : b.when(b.less(begin_, end_), all);
  }

  /// Buffers in turn make the barrier at the end of a step needless, but not the one between the last step and the
  /// first when the loop runs again: after an odd number of steps both are in the same buffer.
  bool comes_back_to_last_buffer(const StagedLoop &staged) const {
    if (staged.ahead > 0 || !staged.barriers || !staged.all_rotate) return false;
    const auto begin = in_.constant(staged.loop->begin), end = in_.constant(staged.loop->end);
    if (begin && end && (*end - *begin) % 2 == 0) return false;
    const std::vector<StmtId> around = loops_around(in_, staged.id);
    return std::ranges::any_of(around, [&](StmtId id) {
      const LoopKind kind = std::get<For>(in_.stmt(id)).kind;
      return kind == LoopKind::kSerial || kind == LoopKind::kUnrolled;
    });
  }

  ExprId rotation_of(ExprId step) {
    Builder &b = rw_.build();
    return b.mod(b.sub(step, begin_), b.index(2));
  }

  StmtId fetch_all() {
    std::vector<StmtId> stmts;
    for (auto &expansion : expansions_) stmts.push_back(expansion->fetch());
    return rw_.build().block(std::move(stmts));
  }

  StmtId commit_all(ExprId rotation) {
    std::vector<StmtId> stmts;
    for (auto &expansion : expansions_)
      stmts.push_back(expansion->commit(expansion->copy().buffers > 1 ? rotation : kNoId<ExprId>));
    return rw_.build().block(std::move(stmts));
  }

  /// Statements made with the loop variable one step further, under the condition that there is such a step.
  StmtId for_next(const StagedLoop &staged, VarId var, const std::function<StmtId(ExprId next)> &make) {
    Builder &b = rw_.build();
    ExprId next = b.add(b.var(var), b.index(1));
    rw_.substitute(staged.loop->var, next);
    StmtId body = make(next);
    rw_.substitute(staged.loop->var, b.var(var));
    return b.when(b.less(next, end_), body);
  }

  StmtId double_buffered(const StagedLoop &staged, VarId var) {
    Builder &b = rw_.build();
    StmtId fetch = for_next(staged, var, [&](ExprId) { return fetch_all(); });
    StmtId commit = for_next(staged, var, [&](ExprId next) { return commit_all(rotation_of(next)); });
    StmtId work = compute(staged, rotation_of(b.var(var)));
    std::vector<StmtId> stmts = {fetch, work, commit};
    if (staged.barriers) stmts.push_back(barrier());
    return b.block(std::move(stmts));
  }

  StmtId single_buffered(const StagedLoop &staged, VarId var) {
    Builder &b = rw_.build();
    std::vector<StmtId> stmts = {commit_all(kNoId<ExprId>)};
    if (staged.barriers) stmts.push_back(barrier());
    stmts.push_back(for_next(staged, var, [&](ExprId) { return fetch_all(); }));
    stmts.push_back(compute(staged, b.index(0)));
    if (staged.barriers) stmts.push_back(barrier());
    return b.block(std::move(stmts));
  }

  /// Two buffers, nothing ahead: a worker may fill one while others still read the other.
  StmtId alternate(const StagedLoop &staged, VarId var) {
    Builder &b = rw_.build();
    ExprId rotation = rotation_of(b.var(var));
    std::vector<StmtId> stmts;
    for (StmtId id : staged.copies) {
      const Copy &copy = std::get<Copy>(in_.stmt(id));
      stmts.push_back(plain(copy, copy.buffers > 1 ? rotation : kNoId<ExprId>));
    }
    if (staged.barriers) stmts.push_back(barrier());
    stmts.push_back(compute(staged, rotation));
    if (staged.barriers && !staged.all_rotate) stmts.push_back(barrier());
    return b.block(std::move(stmts));
  }

  const Kernel &in_;
  Grid grid_;
  std::optional<int64_t> workers_;
  Rewriter rw_;
  std::vector<std::unique_ptr<CopyExpansion>> expansions_; ///< Of the staged loop being rewritten.
  ExprId begin_ = kNoId<ExprId>, end_ = kNoId<ExprId>;
  std::string error_;
};

} // namespace

bool has_copies_or_workers(const Kernel &kernel) {
  bool copies = false;
  for (uint32_t i = 0; i < kernel.stmt_count(); ++i) copies |= std::holds_alternative<Copy>(kernel.stmt(StmtId{i}));
  return copies || !worker_count(grid_of(kernel));
}

Result<Kernel> overlap(Kernel in, const OverlapOptions &, const TargetInfo &) {
  if (has_copies_or_workers(in)) return Overlapper(in).run();
  in.stage = Stage::kScheduled;
  return in;
}

} // namespace sparkle
