#include "compiler/passes/tile.h"

#include <algorithm>
#include <unordered_set>

#include "compiler/passes/lower_expr.h"
#include "compiler/passes/partial_results.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/schedule/validate.h"

namespace sparkle {
namespace {

/// One accumulator of the main reduction.
struct Accumulator {
  ExprId reduce; ///< In the input kernel.
  ReduceOp op;
  Type type;
  BufferId buffer;
  BufferId total;                    ///< Of all lanes and steps with results of their own; `buffer` without such.
  BufferId shared = kNoId<BufferId>; ///< Near memory: totals of the workers that share the reduction.
};

class Tiler {
public:
  Tiler(const Kernel &in, const LoopPlan &plan)
      : in_(in), def_(definition_of(in)), plan_(plan), out_(empty_like(in)), b_(out_) {}

  Kernel run() {
    out_.stage = Stage::kTiled;
    // The output's buffer first, inputs in the order in which they are read: binding numbers follow.
    ExpressionLowering declare(in_, b_);
    declare.carry().buffer(def_.store->buffer);

    std::vector<VarId> vars = make_vars("", plan_.loops.size());
    for (ExprId id : main_reduces(in_, def_)) add_accumulator(id);
    std::vector<StmtId> body;
    for (const Accumulator &acc : accumulators_) body.push_back(out_.add_stmt(Alloc{acc.buffer}));
    if (!accumulators_.empty()) {
      body.push_back(init_nest(vars));
      body.push_back(reduction_nest(vars));
    }
    if (has_slots()) combine_registers(vars, body);
    if (has_shared()) share_totals(vars, body);
    StmtId epilogue = epilogue_nest(vars);
    if (has_shared()) epilogue = b_.when(b_.compare(CompareOp::kEq, worker_number(vars), b_.index(0)), epilogue);
    body.push_back(epilogue);
    StmtId stmt = b_.block(std::move(body));
    for (size_t i = plan_.first_inner; i-- > 0;) stmt = wrap(i, vars[i], stmt);
    out_.body = stmt;
    return std::move(out_);
  }

private:
  /// Loops with one total each.
  bool indexes_total(size_t loop) const { return loop >= plan_.first_inner && !plan_.loops[loop].is_reduction; }
  /// Loops with one accumulator each: of the reduction, those that have partial results too.
  bool indexes_accumulator(size_t loop) const { return indexes_total(loop) || is_slot(loop); }
  /// Workers of the group that share a reduction.
  bool is_shared(size_t loop) const { return loop < plan_.first_inner && plan_.loops[loop].is_partial; }
  /// Registers that hold partial results.
  bool is_slot(size_t loop) const { return loop >= plan_.first_inner && plan_.loops[loop].is_partial; }
  template <class Wanted> bool any_loop(Wanted &&wanted) const {
    for (size_t i = 0; i < plan_.loops.size(); ++i)
      if (wanted(i)) return !accumulators_.empty();
    return false;
  }
  bool has_slots() const {
    return any_loop([&](size_t i) { return is_slot(i); });
  }
  bool has_shared() const {
    return any_loop([&](size_t i) { return is_shared(i); });
  }
  int64_t factor(size_t loop) const { return plan_.dims[plan_.loops[loop].dim].factors[plan_.loops[loop].split]; }

  /// Loop variables for the loops from `first` on; those before stay as they are in `base`.
  std::vector<VarId> make_vars(const std::string &suffix, size_t count) {
    std::vector<VarId> vars;
    for (size_t i = 0; i < count; ++i) vars.push_back(make_var(i, suffix));
    return vars;
  }

  VarId make_var(size_t loop, const std::string &suffix) {
    const PlannedLoop &l = plan_.loops[loop];
    const std::string &dim = plan_.dims[l.dim].name;
    if (!suffix.empty()) return b_.loop_var(dim + std::to_string(l.split) + suffix);
    return out_.add_var({dim, kIndexType, VarKind::kLoop, dim, l.split});
  }

  StmtId wrap(size_t loop, VarId var, StmtId body) {
    const PlannedLoop &l = plan_.loops[loop];
    const PlannedDim &dim = plan_.dims[l.dim];
    int64_t factor = dim.factors[l.split];
    ExprId end = factor > 0 ? b_.index(factor) : open_trip_count(dim);
    return b_.loop(var, b_.index(0), end, l.kind, body);
  }

  /// ceil(extent / product of the inner factors) for an open extent.
  ExprId open_trip_count(const PlannedDim &dim) {
    int64_t inner = dim.stride(0);
    return b_.div(b_.add(open_extent(dim), b_.index(inner - 1)), b_.index(inner));
  }

  ExprId open_extent(const PlannedDim &dim) {
    ExpressionLowering lowering(in_, b_);
    ExprId extent = b_.index(1);
    for (int s : dim.sources) {
      const PlannedSource &source = plan_.sources[s];
      extent = b_.mul(extent, b_.sub(lowering.carry().expr(source.end), lowering.carry().expr(source.begin)));
    }
    return extent;
  }

  ExprId index_of_dim(size_t d, const std::vector<VarId> &vars) {
    ExprId index = b_.index(0);
    for (size_t i = 0; i < plan_.loops.size(); ++i) {
      const PlannedLoop &loop = plan_.loops[i];
      if (loop.dim != static_cast<int>(d) || !is_valid(vars[i])) continue;
      index = b_.add(index, b_.mul(b_.var(vars[i]), b_.index(plan_.dims[d].stride(loop.split))));
    }
    return index;
  }

  /// Makes `lowering` see the sources of dimension d as functions of the loops; returns the guard of its tail, if it
  /// has one.
  ExprId enter_dim(size_t d, const std::vector<VarId> &vars, ExpressionLowering &lowering) {
    const PlannedDim &dim = plan_.dims[d];
    ExprId index = index_of_dim(d, vars);
    std::vector<ExprId> values = plan_.source_indices(b_, dim, index);
    for (size_t i = 0; i < dim.sources.size(); ++i) {
      const PlannedSource &source = plan_.sources[dim.sources[i]];
      substitute_source(source, b_.add(values[i], lowering.carry().expr(source.begin)), lowering);
    }
    if (dim.extent && dim.covered() == *dim.extent) return kNoId<ExprId>;
    if (!dim.extent && dim.factors.size() == 1) return kNoId<ExprId>;
    return b_.less(index, dim.extent ? b_.index(*dim.extent) : open_extent(dim));
  }

  /// All reductions computed together have axes of their own for one source.
  void substitute_source(const PlannedSource &source, ExprId value, ExpressionLowering &lowering) {
    lowering.carry().substitute(source.var, value);
    if (!source.is_reduction) return;
    size_t axis = 0;
    while (plan_.sources[axis_start() + axis].var != source.var) ++axis;
    for (const Accumulator &acc : accumulators_)
      lowering.carry().substitute(std::get<Reduce>(in_.expr(acc.reduce)).axes[axis].var, value);
  }

  size_t axis_start() const { return def_.dims.size(); }

  void add_accumulator(ExprId id) {
    const Reduce &reduce = std::get<Reduce>(in_.expr(id));
    Accumulator acc{id, reduce.op, in_.type_of(reduce.body), kNoId<BufferId>, kNoId<BufferId>};
    acc.buffer = registers("acc", acc.type, [&](size_t i) { return indexes_accumulator(i); });
    acc.total = acc.buffer;
    accumulators_.push_back(acc);
  }

  /// A register buffer with one dimension for each of some loops.
  template <class Wanted> BufferId registers(const char *name, Type type, Wanted &&wanted) {
    std::vector<int64_t> extents;
    for (size_t i = 0; i < plan_.loops.size(); ++i)
      if (wanted(i)) extents.push_back(factor(i));
    if (extents.empty()) extents.push_back(1);
    return b_.local(name, type.scalar, extents, MemoryLevel::kRegister);
  }

  template <class Wanted> std::vector<ExprId> index_by(const std::vector<VarId> &vars, Wanted &&wanted) {
    std::vector<ExprId> index;
    for (size_t i = 0; i < plan_.loops.size(); ++i)
      if (wanted(i)) index.push_back(b_.var(vars[i]));
    return index;
  }

  std::vector<ExprId> accumulator_index(const std::vector<VarId> &vars) {
    std::vector<ExprId> index = index_by(vars, [&](size_t i) { return indexes_accumulator(i); });
    return index.empty() ? std::vector<ExprId>{b_.index(0)} : index;
  }

  std::vector<ExprId> total_index(const std::vector<VarId> &vars) {
    std::vector<ExprId> index = index_by(vars, [&](size_t i) { return indexes_total(i); });
    return index.empty() ? std::vector<ExprId>{b_.index(0)} : index;
  }

  /// Fresh variables for some of the inner loops, so that each nest binds its own.
  template <class Wanted>
  std::vector<VarId> side_vars(const std::vector<VarId> &vars, const std::string &suffix, Wanted &&wanted) {
    std::vector<VarId> side = vars;
    for (size_t i = plan_.first_inner; i < plan_.loops.size(); ++i)
      side[i] = wanted(i) ? make_var(i, suffix) : kNoId<VarId>;
    return side;
  }
  std::vector<VarId> total_vars(const std::vector<VarId> &vars, const std::string &suffix) {
    return side_vars(vars, suffix, [&](size_t i) { return indexes_total(i); });
  }

  /// The inner loops that have a variable.
  StmtId wrap_side_loops(const std::vector<VarId> &vars, StmtId body) {
    for (size_t i = plan_.loops.size(); i-- > plan_.first_inner;)
      if (is_valid(vars[i])) body = wrap(i, vars[i], body);
    return body;
  }

  // ---- Partial results

  /// All results of the steps and lanes of one accumulator.
  std::vector<SlotIndex> slots(const std::vector<VarId> &vars) {
    int64_t count = 1;
    for (size_t i = plan_.first_inner; i < plan_.loops.size(); ++i)
      if (is_slot(i) && plan_.loops[i].kind != LoopKind::kLane) count *= factor(i);
    std::vector<SlotIndex> list;
    for (int64_t slot = 0; slot < count; ++slot)
      list.push_back([this, vars, slot](VarId lane) {
        std::vector<ExprId> index;
        int64_t left = slot;
        for (size_t i = plan_.first_inner; i < plan_.loops.size(); ++i) {
          if (indexes_total(i)) index.push_back(b_.var(vars[i]));
          if (!is_slot(i)) continue;
          bool is_lane = plan_.loops[i].kind == LoopKind::kLane;
          index.push_back(is_lane ? b_.var(lane) : b_.index(left % factor(i)));
          if (!is_lane) left /= factor(i);
        }
        return index;
      });
    return list;
  }

  void combine_registers(const std::vector<VarId> &outer, std::vector<StmtId> &body) {
    int64_t lanes = is_slot(plan_.loops.size() - 1) && plan_.loops.back().kind == LoopKind::kLane
                        ? factor(plan_.loops.size() - 1)
                        : 0;
    std::vector<VarId> vars = total_vars(outer, "t");
    std::vector<StmtId> steps;
    for (Accumulator &acc : accumulators_) {
      acc.total = registers("total", acc.type, [&](size_t i) { return indexes_total(i); });
      body.push_back(out_.add_stmt(Alloc{acc.total}));
      steps.push_back(
          combine_slots(b_, acc.op, acc.type, acc.buffer, slots(vars), lanes, acc.total, total_index(vars)));
    }
    body.push_back(wrap_side_loops(vars, b_.block(std::move(steps))));
  }

  /// The number of a worker among those that share a reduction.
  ExprId worker_number(const std::vector<VarId> &vars) {
    ExprId number = b_.index(0);
    for (size_t i = 0; i < plan_.first_inner; ++i)
      if (is_shared(i)) number = b_.add(b_.mul(number, b_.index(factor(i))), b_.var(vars[i]));
    return number;
  }

  /// Near memory has a place for each total of each worker.
  bool indexes_shared(size_t loop) const {
    LoopKind kind = plan_.loops[loop].kind;
    bool is_worker = kind == LoopKind::kWorker || kind == LoopKind::kTeam;
    return indexes_total(loop) || (loop < plan_.first_inner && is_worker && !is_shared(loop));
  }

  std::vector<ExprId> shared_index(const std::vector<VarId> &vars, ExprId worker) {
    std::vector<ExprId> index = index_by(vars, [&](size_t i) { return indexes_shared(i); });
    index.push_back(worker);
    return index;
  }

  void share_totals(const std::vector<VarId> &outer, std::vector<StmtId> &body) {
    int64_t count = 1;
    for (size_t i = 0; i < plan_.first_inner; ++i)
      if (is_shared(i)) count *= factor(i);
    std::vector<VarId> vars = total_vars(outer, "p");
    std::vector<StmtId> stores;
    std::vector<SharedPartials> shared;
    for (Accumulator &acc : accumulators_) {
      std::vector<int64_t> extents;
      for (size_t i = 0; i < plan_.loops.size(); ++i)
        if (indexes_shared(i)) extents.push_back(factor(i));
      extents.push_back(count);
      acc.shared = b_.local("part", acc.type.scalar, extents, MemoryLevel::kNear);
      body.push_back(out_.add_stmt(Alloc{acc.shared}));
      VarId total = b_.value_var("total", acc.type);
      stores.push_back(out_.add_stmt(Load{total, acc.total, total_index(vars)}));
      stores.push_back(b_.store(acc.shared, shared_index(vars, worker_number(vars)), b_.var(total)));
      shared.push_back({acc.op, acc.type, acc.shared});
    }
    body.push_back(wrap_side_loops(vars, b_.block(std::move(stores))));
    body.push_back(combine_workers(b_, shared, worker_number(outer), count, [&](const auto &step) {
      std::vector<VarId> inner = total_vars(outer, "p");
      return wrap_side_loops(inner, step(index_by(inner, [&](size_t i) { return indexes_shared(i); })));
    }));
  }

  // ---- Nests

  StmtId init_nest(const std::vector<VarId> &outer) {
    std::vector<VarId> vars = side_vars(outer, "i", [&](size_t i) { return indexes_accumulator(i); });
    std::vector<StmtId> stores;
    for (const Accumulator &acc : accumulators_) {
      stores.push_back(b_.store(acc.buffer, accumulator_index(vars), b_.identity(acc.op, acc.type)));
    }
    return wrap_side_loops(vars, b_.block(std::move(stores)));
  }

  StmtId reduction_nest(const std::vector<VarId> &vars) {
    ExpressionLowering lowering(in_, b_);
    ExprId guard = kNoId<ExprId>;
    for (size_t d = 0; d < plan_.dims.size(); ++d) guard = lowering.both(guard, enter_dim(d, vars, lowering));
    std::vector<StmtId> updates;
    for (const Accumulator &acc : accumulators_) {
      const Reduce &reduce = std::get<Reduce>(in_.expr(acc.reduce));
      updates.push_back(lowering.accumulate(reduce, acc.buffer, accumulator_index(vars), guard));
    }
    StmtId body = b_.block(std::move(updates));
    for (size_t i = plan_.loops.size(); i-- > plan_.first_inner;) body = wrap(i, vars[i], body);
    return body;
  }

  StmtId epilogue_nest(const std::vector<VarId> &outer) {
    std::vector<VarId> vars = accumulators_.empty() ? outer : total_vars(outer, "e");
    ExpressionLowering lowering(in_, b_);
    ExprId guard = kNoId<ExprId>;
    for (size_t d = 0; d < plan_.dims.size(); ++d)
      if (!plan_.dims[d].is_reduction) guard = lowering.both(guard, enter_dim(d, vars, lowering));
    for (const Accumulator &acc : accumulators_) {
      bool shared = is_valid(acc.shared);
      lowering.use_accumulator(acc.reduce, shared ? acc.shared : acc.total,
                               shared ? shared_index(vars, b_.index(0)) : total_index(vars), acc.type);
    }
    std::vector<ExprId> indices;
    for (ExprId index : def_.store->indices) indices.push_back(lowering.carry().expr(index));
    ExprId value = lowering.carry().expr(def_.store->value);
    BufferId target = lowering.carry().buffer(def_.store->buffer);
    std::vector<StmtId> stmts = lowering.take();
    stmts.push_back(b_.store(target, std::move(indices), value));
    StmtId body = b_.block(std::move(stmts));
    if (is_valid(guard)) body = b_.when(guard, body);
    return wrap_side_loops(vars, body);
  }

  const Kernel &in_;
  Definition def_;
  const LoopPlan &plan_;
  Kernel out_;
  Builder b_;
  std::vector<Accumulator> accumulators_;
};

} // namespace

Result<Kernel> tile(const Kernel &in, const TileOptions &options, const TargetInfo &) {
  if (in.stage != Stage::kImported)
    return Error{ErrorCode::kBadSchedule, "tile needs stage imported, not " + std::string(name_of(in.stage))};
  SPARKLE_TRY(LoopPlan plan, plan_loops(in, options.schedule));
  SPARKLE_TRY_STATUS(validate(in, options.schedule, plan));
  return Tiler(in, plan).run();
}

} // namespace sparkle
