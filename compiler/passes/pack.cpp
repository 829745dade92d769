#include "compiler/passes/pack.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/analysis/grid.h"
#include "compiler/analysis/imported.h"
#include "compiler/analysis/walk.h"
#include "compiler/ir/rewriter.h"
#include "compiler/passes/pack_check.h"
#include "compiler/passes/pack_relax.h"

namespace sparkle {
namespace {

/// One read of the staged tensor: all loads with these indices, and what a copy for them looks like.
struct StagedRead {
  const Staging *staging;
  std::vector<StmtId> loads;
  std::vector<ExprId> guard; ///< Conjuncts under which the copy reads memory, in the input kernel.
  ExprId other = kNoId<ExprId>;
  std::vector<VarId> layout; ///< Loop variables, as Staging::layout.
  std::vector<int64_t> extents;
  BufferId staged = kNoId<BufferId>; ///< In the output kernel.
};

/// Applies the stagings at one loop and one level together.
class Stager {
public:
  /// `later`: stagings that are still to come, and take their guards from what stands around the reads.
  Stager(const Kernel &in, const std::vector<const Staging *> &stagings, std::vector<const Staging *> later)
      : in_(in), stagings_(stagings), later_(std::move(later)), rw_(in) {}

  Result<Kernel> run() {
    if (!stagings_.empty()) {
      const LoopRef &at = *stagings_.front()->at;
      at_ = find_loop(at);
      if (!is_valid(at_)) return bad("there is no loop `" + at.text() + "`");
      for (const Staging *staging : stagings_) SPARKLE_TRY_STATUS(find_reads(*staging));
    }
    for (const StagedRead &read : reads_)
      for (StmtId load : read.loads)
        covered_[load] =
            is_zero(read.other) ? std::set<ExprId>(read.guard.begin(), read.guard.end()) : std::set<ExprId>();
    rw_.on_stmt = [this](StmtId id) { return rewrite(id); };
    return rw_.run();
  }

private:
  Error bad(const std::string &text) const {
    std::string tensor = stagings_.empty() ? "" : "`stage " + stagings_.front()->tensor + "` ";
    return {ErrorCode::kBadSchedule, tensor + "in kernel `" + in_.name + "`: " + text};
  }

  StmtId find_loop(const LoopRef &ref) const {
    StmtId found = kNoId<StmtId>;
    for_each_stmt(in_, in_.body, [&](StmtId id) {
      const auto *loop = std::get_if<For>(&in_.stmt(id));
      if (loop && in_.var(loop->var).dim == ref.dim && in_.var(loop->var).split == ref.split) found = id;
    });
    return found;
  }

  Status find_reads(const Staging &staging) {
    std::map<std::pair<BufferId, std::vector<ExprId>>, size_t> by_indices; // Two reads may have two copies already.
    size_t before = reads_.size();
    std::vector<StmtId> loads;
    for_each_stmt(in_, std::get<For>(in_.stmt(at_)).body, [&](StmtId id) {
      const auto *load = std::get_if<Load>(&in_.stmt(id));
      if (!load) return;
      const Buffer &buffer = in_.buffer(load->buffer);
      if (buffer.name == staging.tensor || buffer.origin == staging.tensor) loads.push_back(id);
    });
    for (StmtId id : loads) {
      const Load &load = std::get<Load>(in_.stmt(id));
      std::pair<BufferId, std::vector<ExprId>> key = {load.buffer, load.indices};
      key.second.push_back(load.mask);
      auto [entry, fresh] = by_indices.try_emplace(key, reads_.size());
      if (fresh) {
        SPARKLE_TRY(StagedRead read, plan_read(staging, id));
        reads_.push_back(std::move(read));
      }
      SPARKLE_TRY_STATUS(check_place(reads_[entry->second], id));
      reads_[entry->second].loads.push_back(id);
    }
    if (reads_.size() > before) return ok();
    return bad("tensor `" + staging.tensor + "` is not read inside loop `" + staging.at->text() + "`");
  }

  /// What varies below the staging loop; for memory of the whole group, also from worker to worker.
  VarSet vars_inside(MemoryLevel level) const {
    VarSet inside = vars_bound_by(in_, std::get<For>(in_.stmt(at_)).body);
    if (level != MemoryLevel::kNear) return inside;
    Grid grid = grid_of(in_);
    for (const std::vector<GridLoop> *loops : {&grid.teams, &grid.workers})
      for (const GridLoop &loop : *loops) inside.insert(loop.var);
    return inside;
  }

  Result<StagedRead> plan_read(const Staging &staging, StmtId id) {
    StagedRead read;
    read.staging = &staging;
    VarSet inside = vars_inside(staging.level);
    for (const LoopRef &ref : staging.layout) {
      StmtId loop = find_loop(ref);
      if (!is_valid(loop)) return bad("`layout` names loop `" + ref.text() + "`, which does not exist");
      const For &stmt = std::get<For>(in_.stmt(loop));
      auto end = in_.constant(stmt.end);
      if (!end || !inside.contains(stmt.var))
        return bad("`layout` names loop `" + ref.text() + "`, which is not a loop of known extent inside `" +
                   staging.at->text() + "`");
      read.layout.push_back(stmt.var);
      read.extents.push_back(*end);
    }
    bool whole = staging.lanes <= 1 || read.extents.empty() || read.extents.back() % staging.lanes == 0;
    if (staging.level == MemoryLevel::kRegister && !whole)
      return bad("`lanes " + std::to_string(staging.lanes) + "` do not divide the " +
                 std::to_string(read.extents.back()) + " elements of `" + staging.layout.back().text() + "`");
    const Load &load = std::get<Load>(in_.stmt(id));
    read.other = load.other;
    SPARKLE_TRY_STATUS(check_dependence(staging, load, inside, read.layout));
    collect_guard(id, load, inside, read);
    return read;
  }

  /// A staged element is named by the loops of the layout: the read must stand inside all of them.
  Status check_place(const StagedRead &read, StmtId id) const {
    VarSet around;
    for (StmtId loop : loops_around(in_, id)) around.insert(std::get<For>(in_.stmt(loop)).var);
    for (VarId var : read.layout)
      if (!around.contains(var))
        return bad("`layout` names loop `" + in_.var(var).name + "`, outside of which the tensor is read as well");
    return ok();
  }

  Status check_dependence(const Staging &staging, const Load &load, const VarSet &inside,
                          const std::vector<VarId> &layout) const {
    VarSet used;
    for (ExprId index : load.indices) used.merge(vars_of(in_, index));
    if (is_valid(load.mask)) used.merge(vars_of(in_, load.mask));
    for (VarId var : used)
      if (inside.contains(var) && std::find(layout.begin(), layout.end(), var) == layout.end())
        return bad("`layout` of `" + staging.tensor + "` lacks loop `" + in_.var(var).name +
                   "`, on which the read depends");
    return ok();
  }

  /// What a copy holds where its guard fails; kNoId: zero.
  bool is_zero(ExprId other) const {
    if (!is_valid(other)) return true;
    const auto *real = std::get_if<FloatConst>(&in_.expr(other));
    return real ? real->value == 0 : in_.constant(other) == 0;
  }

  /// Conditions around the load, inside the staging loop, that do not depend on loops outside the layout.
  void collect_guard(StmtId load_id, const Load &load, const VarSet &inside, StagedRead &read) const {
    auto usable = [&](ExprId conjunct) {
      VarSet vars = vars_of(in_, conjunct);
      return std::all_of(vars.begin(), vars.end(), [&](VarId var) {
        return !inside.contains(var) || std::find(read.layout.begin(), read.layout.end(), var) != read.layout.end();
      });
    };
    for_each_stmt(in_, std::get<For>(in_.stmt(at_)).body, [&](StmtId id) {
      const auto *guard = std::get_if<If>(&in_.stmt(id));
      if (!guard || !contains(guard->then_body, load_id)) return;
      for (ExprId conjunct : conjuncts(in_, guard->cond))
        if (usable(conjunct)) read.guard.push_back(conjunct);
    });
    for (ExprId conjunct : conjuncts(in_, load.mask)) read.guard.push_back(conjunct);
  }

  bool contains(StmtId root, StmtId wanted) const {
    bool found = false;
    for_each_stmt(in_, root, [&](StmtId id) { found |= id == wanted; });
    return found;
  }

  std::optional<StmtId> rewrite(StmtId id) {
    if (id == at_) return stage_loop();
    if (std::holds_alternative<If>(in_.stmt(id))) return relax(id);
    for (const StagedRead &read : reads_)
      if (std::ranges::find(read.loads, id) != read.loads.end()) return load_staged(read, id);
    return std::nullopt;
  }

  StmtId relax(StmtId id) {
    const If &guard = std::get<If>(in_.stmt(id));
    if (is_read_later(in_, guard, later_, covered_)) return rw_.clone(id);
    std::vector<ExprId> needed = needed_conjuncts(in_, id, covered_);
    if (needed.size() == conjuncts(in_, guard.cond).size()) return rw_.clone(id);
    StmtId body = rw_.stmt(guard.then_body);
    if (needed.empty()) return body;
    ExprId cond = rw_.expr(needed.front());
    for (size_t i = 1; i < needed.size(); ++i) cond = rw_.build().both(cond, rw_.expr(needed[i]));
    return rw_.build().when(cond, body);
  }

  StmtId stage_loop() {
    const For loop = std::get<For>(in_.stmt(at_));
    Builder &b = rw_.build();
    ExprId begin = rw_.expr(loop.begin), end = rw_.expr(loop.end);
    VarId var = rw_.bind(loop.var);
    std::vector<StmtId> body, allocs;
    const auto *block = std::get_if<Block>(&in_.stmt(loop.body));
    const std::vector<StmtId> inside = block ? block->stmts : std::vector<StmtId>{loop.body};
    size_t i = 0;
    for (; i < inside.size() && is_copy(inside[i]); ++i) body.push_back(rw_.stmt(inside[i]));
    for (StagedRead &read : reads_) {
      read.staged = add_buffer(read);
      allocs.push_back(b.kernel().add_stmt(Alloc{read.staged}));
      body.push_back(read.staging->level == MemoryLevel::kRegister ? register_copy(read) : near_copy(read));
    }
    bool shared = stagings_.front()->level == MemoryLevel::kNear && worker_count(grid_of(in_)).value_or(2) > 1;
    if (shared) body.push_back(b.kernel().add_stmt(Barrier{BarrierScope::kGroup}));
    for (; i < inside.size(); ++i) body.push_back(rw_.stmt(inside[i]));
    bool repeats = loop.kind == LoopKind::kSerial || loop.kind == LoopKind::kUnrolled;
    if (shared && repeats) body.push_back(b.kernel().add_stmt(Barrier{BarrierScope::kGroup}));
    StmtId inner = b.block(std::move(body));
    if (repeats) {
      allocs.push_back(b.loop(var, begin, end, loop.kind, inner));
      return b.block(std::move(allocs));
    }
    allocs.push_back(inner);
    return b.loop(var, begin, end, loop.kind, b.block(std::move(allocs)));
  }

  /// What another staging put at the start of the loop; ours may read its buffers.
  bool is_copy(StmtId id) const {
    return std::holds_alternative<Copy>(in_.stmt(id)) || std::holds_alternative<Barrier>(in_.stmt(id));
  }

  BufferId add_buffer(const StagedRead &read) {
    const Buffer &source = in_.buffer(std::get<Load>(in_.stmt(read.loads.front())).buffer);
    bool is_register = read.staging->level == MemoryLevel::kRegister;
    std::vector<int64_t> extents = read.extents;
    if (extents.empty()) extents.push_back(1);
    BufferId id = rw_.build().local(read.staging->tensor + (is_register ? ".reg" : ".near"), source.element, extents,
                                    read.staging->level, read.staging->skew);
    Buffer &buffer = rw_.out().buffer(id);
    buffer.origin = source.origin.empty() ? source.name : source.origin;
    if (!is_register) buffer.alignment = 64;
    if (!is_register && read.staging->buffers > 1) rotate(buffer, read.extents, read.staging->buffers);
    return id;
  }

  /// A leading dimension for the buffers in rotation.
  void rotate(Buffer &buffer, const std::vector<int64_t> &extents, int count) {
    Builder &b = rw_.build();
    int64_t pitch = *rw_.out().constant(buffer.strides.front()) * (extents.empty() ? 1 : extents.front());
    buffer.extents.insert(buffer.extents.begin(), b.index(count));
    buffer.strides.insert(buffer.strides.begin(), b.index(pitch));
  }

  ExprId guard_of(const StagedRead &read) {
    ExprId guard = kNoId<ExprId>;
    for (ExprId conjunct : read.guard) {
      ExprId next = rw_.expr(conjunct);
      guard = is_valid(guard) ? rw_.build().both(guard, next) : next;
    }
    return guard;
  }

  ExprId other_of(const StagedRead &read, Scalar element) {
    return is_valid(read.other) ? rw_.expr(read.other) : rw_.build().zero({element, 1});
  }

  /// Positions in `layout`, slowest first: what `walk` leaves out, then `walk`.
  std::vector<size_t> walk_order(const StagedRead &read) const {
    std::vector<size_t> order, walked;
    for (const LoopRef &ref : read.staging->walk)
      for (size_t i = 0; i < read.staging->layout.size(); ++i)
        if (read.staging->layout[i] == ref) walked.push_back(i);
    for (size_t i = 0; i < read.staging->layout.size(); ++i)
      if (std::find(walked.begin(), walked.end(), i) == walked.end()) order.push_back(i);
    order.insert(order.end(), walked.begin(), walked.end());
    return order;
  }

  StmtId near_copy(const StagedRead &read) {
    const Load &load = std::get<Load>(in_.stmt(read.loads.front()));
    Builder &b = rw_.build();
    Copy copy;
    std::vector<ExprId> index(read.layout.size());
    VarSet below = vars_bound_by(in_, std::get<For>(in_.stmt(at_)).body);
    std::vector<std::pair<VarId, ExprId>> workers; // Bound around us: to be themselves again after the copy.
    for (size_t i : walk_order(read)) {
      VarId axis = b.kernel().add_var({in_.var(read.layout[i]).dim + std::to_string(in_.var(read.layout[i]).split),
                                       kIndexType,
                                       VarKind::kAxis,
                                       {},
                                       0});
      copy.axes.push_back({axis, read.extents[i]});
      if (!below.contains(read.layout[i])) workers.push_back({read.layout[i], b.var(rw_.var(read.layout[i]))});
      rw_.substitute(read.layout[i], b.var(axis));
      index[i] = b.var(axis);
    }
    if (index.empty()) index.push_back(b.index(0));
    if (read.staging->buffers > 1) index.insert(index.begin(), b.index(0));
    copy.dst = read.staged;
    copy.dst_indices = std::move(index);
    copy.src = rw_.buffer(load.buffer);
    copy.src_indices = rw_.exprs(load.indices);
    copy.guard = guard_of(read);
    if (is_valid(copy.guard)) copy.other = other_of(read, rw_.out().buffer(read.staged).element);
    copy.lanes = read.staging->lanes;
    copy.buffers = read.staging->buffers;
    copy.fetch_ahead = read.staging->ahead;
    for (const auto &[var, value] : workers) rw_.substitute(var, value);
    return b.kernel().add_stmt(std::move(copy));
  }

  /// Unrolled loops over the layout, the last one in lanes, around a load and a store.
  StmtId register_copy(const StagedRead &read) {
    const Load &load = std::get<Load>(in_.stmt(read.loads.front()));
    Builder &b = rw_.build();
    std::vector<std::pair<VarId, std::pair<int64_t, LoopKind>>> loops;
    std::vector<ExprId> index;
    for (size_t i = 0; i < read.layout.size(); ++i) {
      bool lanes = i + 1 == read.layout.size() && read.staging->lanes > 1;
      int64_t outer = lanes ? read.extents[i] / read.staging->lanes : read.extents[i];
      std::string name = in_.var(read.layout[i]).dim + std::to_string(in_.var(read.layout[i]).split) + "r";
      ExprId value = b.index(0);
      if (outer > 1 || !lanes) {
        loops.push_back({b.loop_var(name), {outer, LoopKind::kUnrolled}});
        value = b.mul(b.var(loops.back().first), b.index(lanes ? read.staging->lanes : 1));
      }
      if (lanes) {
        loops.push_back({b.loop_var(name), {read.staging->lanes, LoopKind::kLane}});
        value = b.add(value, b.var(loops.back().first));
      }
      index.push_back(value);
      rw_.substitute(read.layout[i], value);
    }
    if (index.empty()) index.push_back(b.index(0));
    Load copy{b.value_var(read.staging->tensor, rw_.in().var(load.var).type), rw_.buffer(load.buffer),
              rw_.exprs(load.indices), guard_of(read), kNoId<ExprId>};
    if (is_valid(copy.mask)) copy.other = other_of(read, rw_.out().buffer(read.staged).element);
    VarId value = copy.var;
    StmtId body = b.block({b.kernel().add_stmt(std::move(copy)), b.store(read.staged, std::move(index), b.var(value))});
    for (size_t i = loops.size(); i-- > 0;)
      body = b.loop(loops[i].first, loops[i].second.first, loops[i].second.second, body);
    return body;
  }

  StmtId load_staged(const StagedRead &read, StmtId id) {
    const Load &load = std::get<Load>(in_.stmt(id));
    std::vector<ExprId> index;
    for (VarId var : read.layout) index.push_back(rw_.build().var(rw_.var(var)));
    if (index.empty()) index.push_back(rw_.build().index(0));
    if (read.staging->level == MemoryLevel::kNear && read.staging->buffers > 1)
      index.insert(index.begin(), rw_.build().index(0));
    VarId var = rw_.bind(load.var);
    return rw_.out().add_stmt(Load{var, read.staged, std::move(index)});
  }

  const Kernel &in_;
  const std::vector<const Staging *> &stagings_;
  std::vector<const Staging *> later_;
  Rewriter rw_;
  StmtId at_ = kNoId<StmtId>;
  std::vector<StagedRead> reads_;
  CoveredLoads covered_;
};

} // namespace

Result<Kernel> pack(const Kernel &in, const PackOptions &options, const TargetInfo &info) {
  const std::vector<Staging> &all = options.schedule.stagings;
  auto after = [&](size_t first) {
    std::vector<const Staging *> later;
    for (size_t i = first; i < all.size(); ++i)
      if (all[i].level != MemoryLevel::kFar) later.push_back(&all[i]);
    return later;
  };
  std::vector<const Staging *> none;
  SPARKLE_TRY(Kernel kernel, Stager(in, none, after(0)).run()); // Guards that tiling added and nothing needs.
  for (size_t i = 0; i < all.size();) {
    if (all[i].level == MemoryLevel::kFar) {
      ++i;
      continue;
    }
    std::vector<const Staging *> together;
    for (; i < all.size() &&
           (together.empty() || (all[i].level == together.front()->level && all[i].at == together.front()->at));
         ++i) {
      SPARKLE_TRY_STATUS(check_staging(all[i], in, info));
      together.push_back(&all[i]);
    }
    SPARKLE_TRY(kernel, Stager(kernel, together, after(i)).run());
  }
  return kernel;
}

} // namespace sparkle
