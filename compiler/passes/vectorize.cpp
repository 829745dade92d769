#include "compiler/passes/vectorize.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_map>

#include "compiler/analysis/imported.h"
#include "compiler/ir/rewriter.h"
#include "compiler/passes/lane_index.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

/// The guards around a statement that depend on the lane.
struct MaskState {
  ExprId mask = kNoId<ExprId>; ///< Of the output kernel; kNoId: none.
  int direction = 0;           ///< Of all conditions (LaneCondition); 0: none yet.
  bool some_lane = true;       ///< Ifs around make sure that at least one lane holds.
};

/// A value in a scalar register that every lane combines with one of its own.
struct LaneReduction {
  ReduceOp op;
  ExprId old_value, term; ///< Of the input kernel; `factor` too.
  ExprId factor = kNoId<ExprId>;
};

class Vectorizer {
public:
  explicit Vectorizer(const Kernel &in) : in_(in), rw_(in) {
    rw_.on_stmt = [this](StmtId id) { return stmt(id); };
    rw_.on_expr = [this](ExprId id) { return expr(id); };
  }
  Result<Kernel> run();

private:
  std::optional<ExprId> expr(ExprId id);
  std::optional<StmtId> stmt(StmtId id);
  StmtId lane_loop(const For &s);
  std::optional<StmtId> inner_loop(const For &s);
  std::optional<StmtId> branch(const If &s);
  StmtId masked(ExprId vector_cond, const std::vector<ExprId> &conditions, StmtId body);
  StmtId load(const Load &s);
  StmtId store(const Store &s);
  StmtId register_store(BufferId buffer, std::vector<ExprId> indices, ExprId value);
  StmtId scalar_store(const Store &s, BufferId buffer, std::vector<ExprId> indices);
  std::optional<LaneReduction> lane_reduction(const Store &s) const;
  StmtId reduce_lanes(const Store &s, BufferId buffer, std::vector<ExprId> indices, const LaneReduction &reduction);
  std::optional<ReduceOp> step_of(const Binary &e) const;
  StmtId alloc(const Alloc &s);
  StmtId prefetch(const Prefetch &s);

  std::vector<ExprId> indices(BufferId old, const std::vector<ExprId> &exprs);
  bool is_vector(ExprId id) const { return is_valid(id) && kernel().type_of(id).is_vector(); }
  bool any_vector(const std::vector<ExprId> &ids) const {
    return std::any_of(ids.begin(), ids.end(), [this](ExprId id) { return is_vector(id); });
  }
  ExprId both(ExprId a, ExprId b) { return !is_valid(a) ? b : !is_valid(b) ? a : build().both(a, b); }
  const Kernel &kernel() const { return const_cast<Rewriter &>(rw_).out(); }
  Builder &build() { return rw_.build(); }
  StmtId fail(std::string text) {
    if (!error_) error_ = Error{ErrorCode::kBadSchedule, "lane loop `" + lane_name_ + "` " + std::move(text)};
    return build().block({});
  }

  const Kernel &in_;
  Rewriter rw_;
  int lanes_ = 0; ///< Of the lane loop around; 0: outside.
  std::string lane_name_;
  MaskState mask_;
  std::set<BufferId> widened_;                    ///< Allocated inside the lane loop (ids of the input).
  std::unordered_map<VarId, const Load *> loads_; ///< Loads in the lane loop, by variable of the input.
  std::set<BufferId> masked_, filled_; ///< Register buffers (output ids) stored to under a mask; without one.
  std::optional<Error> error_;
};

// ---- Expressions
// -------------------------------------------------------------------------------------------------------

/// Keeps indices in the form base + ramp, so that the vector operations that remain are those that are needed.
std::optional<ExprId> Vectorizer::expr(ExprId id) {
  if (lanes_ == 0) return std::nullopt;
  Builder &b = build();
  if (const auto *e = std::get_if<Binary>(&in_.expr(id)); e && in_.type_of(id).scalar == Scalar::kIndex) {
    const ExprId left = rw_.expr(e->a);
    const ExprId right = rw_.expr(e->b);
    if (!is_vector(left) && !is_vector(right)) return std::nullopt;
    if (e->op == BinaryOp::kDiv || e->op == BinaryOp::kMod)
      if (const auto exact = divide_ramp(b, e->op, left, right)) return exact;
    return as_ramp(b, b.binary(e->op, left, right));
  }
  return std::nullopt;
}

std::vector<ExprId> Vectorizer::indices(BufferId old, const std::vector<ExprId> &exprs) {
  std::vector<ExprId> out;
  for (ExprId id : exprs) out.push_back(as_ramp(build(), rw_.expr(id)));
  if (widened_.contains(old)) out.push_back(build().ramp(build().index(0), 1, lanes_));
  return out;
}

// ---- Statements
// --------------------------------------------------------------------------------------------------------

std::optional<StmtId> Vectorizer::stmt(StmtId id) {
  const Stmt &stmt = in_.stmt(id);
  if (const auto *loop = std::get_if<For>(&stmt); loop && loop->kind == LoopKind::kLane) return lane_loop(*loop);
  if (lanes_ == 0) return std::nullopt;
  using Answer = std::optional<StmtId>;
  return match(
      stmt, [](const Block &) -> Answer { return std::nullopt; }, [](const Let &) -> Answer { return std::nullopt; },
      [&](const For &s) { return inner_loop(s); }, [&](const If &s) { return branch(s); },
      [&](const Load &s) -> Answer { return load(s); }, [&](const Store &s) -> Answer { return store(s); },
      [&](const Prefetch &s) -> Answer { return prefetch(s); }, [&](const Alloc &s) -> Answer { return alloc(s); },
      [&](const Copy &) -> Answer { return fail("has a copy inside"); },
      [&](const Barrier &) -> Answer { return fail("has a barrier inside"); },
      [&](const FragmentFill &) -> Answer { return fail("has a fragment operation inside"); },
      [&](const FragmentMove &) -> Answer { return fail("has a fragment operation inside"); },
      [&](const FragmentMma &) -> Answer { return fail("has a fragment operation inside"); });
}

StmtId Vectorizer::lane_loop(const For &s) {
  const std::string name = in_.var(s.var).name;
  if (lanes_ != 0) return fail("has lane loop `" + name + "` inside");
  lane_name_ = name;
  const auto begin = in_.constant(s.begin);
  const auto end = in_.constant(s.end);
  constexpr int64_t kMaxLanes = 1024;
  if (begin != 0 || !end || *end < 1 || *end > kMaxLanes)
    return fail("does not run from 0 to a constant of at most 1024");
  rw_.substitute(s.var, build().ramp(build().index(0), 1, static_cast<int>(*end)));
  if (*end == 1) rw_.substitute(s.var, build().index(0));
  lanes_ = static_cast<int>(*end) == 1 ? 0 : static_cast<int>(*end);
  mask_ = {};
  const StmtId body = rw_.stmt(s.body);
  lanes_ = 0;
  loads_.clear();
  return body;
}

std::optional<StmtId> Vectorizer::inner_loop(const For &s) {
  if (s.kind == LoopKind::kWorker || s.kind == LoopKind::kTeam || s.kind == LoopKind::kGroup)
    return fail("has a parallel loop inside");
  if (is_vector(rw_.expr(s.begin)) || is_vector(rw_.expr(s.end)))
    return fail("has loop `" + in_.var(s.var).name + "` inside, whose bounds depend on the lane");
  return std::nullopt;
}

std::optional<StmtId> Vectorizer::branch(const If &s) {
  ExprId uniform = kNoId<ExprId>, vector = kNoId<ExprId>;
  std::vector<ExprId> conditions;
  for (ExprId part : conjuncts(in_, s.cond)) {
    const ExprId cond = rw_.expr(part);
    if (!is_vector(cond)) {
      uniform = both(uniform, cond);
      continue;
    }
    vector = both(vector, cond);
    conditions.push_back(cond);
  }
  if (!is_valid(vector)) return std::nullopt;
  StmtId then_body = masked(vector, conditions, s.then_body);
  if (is_valid(uniform)) then_body = build().when(uniform, then_body);
  if (!is_valid(s.else_body)) return then_body;
  const ExprId whole = build().broadcast(is_valid(uniform) ? build().both(uniform, vector) : vector, lanes_);
  const StmtId else_body = masked(build().unary(UnaryOp::kNot, whole), {}, s.else_body);
  return build().block({then_body, else_body});
}

/// `body` for the lanes that hold. `conditions`: whose conjunction `vector_cond` is; empty: nothing is known of it.
StmtId Vectorizer::masked(ExprId vector_cond, const std::vector<ExprId> &conditions, StmtId body) {
  const MaskState outer = mask_;
  ExprId some = kNoId<ExprId>;
  mask_.mask = both(outer.mask, vector_cond);
  mask_.some_lane = outer.some_lane && !conditions.empty();
  for (ExprId cond : conditions) {
    const auto known = lane_condition(build(), cond);
    // Conditions whose best lanes lie on different sides can all hold somewhere, but in no lane together.
    if (known && (mask_.direction == 0 || mask_.direction == known->direction)) {
      mask_.direction = known->direction;
      some = both(some, known->at_best);
    } else {
      mask_.some_lane = false;
    }
  }
  const StmtId inner = rw_.stmt(body);
  mask_ = outer;
  return is_valid(some) ? build().when(some, inner) : inner;
}

StmtId Vectorizer::load(const Load &s) {
  Builder &b = build();
  const BufferId buffer = rw_.buffer(s.buffer);
  Load fresh{kNoId<VarId>, buffer, indices(s.buffer, s.indices), rw_.expr_or_none(s.mask), rw_.expr_or_none(s.other)};
  Type type = in_.var(s.var).type;
  const bool is_register = kernel().buffer(buffer).level == MemoryLevel::kRegister;
  const bool skips = is_valid(mask_.mask) && !is_register; // Registers are there for all lanes, memory may not be.
  const bool is_scalar = !any_vector(fresh.indices) && !is_vector(fresh.mask) && !is_vector(fresh.other);
  if (!is_scalar || (skips && !mask_.some_lane)) {
    type = type.with_lanes(lanes_);
    if (!any_vector(fresh.indices)) fresh.indices.back() = b.broadcast(fresh.indices.back(), lanes_);
    if (skips) {
      fresh.mask = both(mask_.mask, fresh.mask);
      if (!is_valid(fresh.other)) fresh.other = b.zero(type);
    }
    if (is_valid(fresh.mask)) {
      fresh.mask = b.broadcast(fresh.mask, lanes_);
      fresh.other = b.broadcast(fresh.other, lanes_);
    }
  }
  fresh.var = rw_.bind(s.var, type);
  loads_[s.var] = &s;
  return rw_.out().add_stmt(std::move(fresh));
}

StmtId Vectorizer::store(const Store &s) {
  Builder &b = build();
  const BufferId buffer = rw_.buffer(s.buffer);
  std::vector<ExprId> where = indices(s.buffer, s.indices);
  if (!any_vector(where)) return scalar_store(s, buffer, std::move(where));
  const ExprId value = b.broadcast(rw_.expr(s.value), lanes_);
  const ExprId mask = both(mask_.mask, rw_.expr_or_none(s.mask));
  const bool is_register = kernel().buffer(buffer).level == MemoryLevel::kRegister;
  if (is_register && is_valid(mask_.mask) && !is_valid(s.mask)) return register_store(buffer, std::move(where), value);
  if (is_register && !is_valid(mask)) filled_.insert(buffer);
  Store fresh{buffer, std::move(where), value, is_valid(mask) ? b.broadcast(mask, lanes_) : mask, s.kind};
  return rw_.out().add_stmt(std::move(fresh));
}

/// Registers have no masked stores: what is left out keeps its old value.
StmtId Vectorizer::register_store(BufferId buffer, std::vector<ExprId> where, ExprId value) {
  Builder &b = build();
  masked_.insert(buffer);
  const VarId old = b.value_var("old", kernel().type_of(value));
  const StmtId load = rw_.out().add_stmt(Load{old, buffer, where});
  return b.block({load, b.store(buffer, std::move(where), b.select(mask_.mask, value, b.var(old)))});
}

/// All lanes store to one element.
StmtId Vectorizer::scalar_store(const Store &s, BufferId buffer, std::vector<ExprId> where) {
  const ExprId value = rw_.expr(s.value);
  const ExprId mask = rw_.expr_or_none(s.mask);
  const std::string &name = in_.buffer(s.buffer).name;
  if (is_vector(value) || is_vector(mask)) {
    if (const auto reduction = lane_reduction(s)) return reduce_lanes(s, buffer, std::move(where), *reduction);
    return fail("stores a value of each lane to one element of `" + name + "`");
  }
  if (is_valid(mask_.mask) && !mask_.some_lane)
    return fail("stores to one element of `" + name + "` under a condition of its lanes");
  return rw_.out().add_stmt(Store{buffer, std::move(where), value, mask, s.kind});
}

std::optional<ReduceOp> Vectorizer::step_of(const Binary &e) const {
  switch (e.op) {
  case BinaryOp::kAdd: return ReduceOp::kSum;
  case BinaryOp::kMul: return ReduceOp::kProd;
  case BinaryOp::kMin: return ReduceOp::kMin;
  case BinaryOp::kMax: return ReduceOp::kMax;
  default: return std::nullopt;
  }
}

/// buffer[i] = buffer[i] op term, the element loaded in the same lane loop.
std::optional<LaneReduction> Vectorizer::lane_reduction(const Store &s) const {
  if (is_valid(s.mask) || in_.buffer(s.buffer).level != MemoryLevel::kRegister) return std::nullopt;
  if (in_.strict && is_float(in_.type_of(s.value).scalar)) return std::nullopt;
  const auto is_old = [&](ExprId id) {
    const auto *ref = std::get_if<VarRef>(&in_.expr(id));
    const auto found = ref ? loads_.find(ref->var) : loads_.end();
    return found != loads_.end() && found->second->buffer == s.buffer && found->second->indices == s.indices &&
           !is_valid(found->second->mask);
  };
  if (const auto *fma = std::get_if<Fma>(&in_.expr(s.value)); fma && is_old(fma->c))
    return LaneReduction{ReduceOp::kSum, fma->c, fma->a, fma->b};
  const auto *e = std::get_if<Binary>(&in_.expr(s.value));
  const auto op = e ? step_of(*e) : std::nullopt;
  if (!op || (!is_old(e->a) && !is_old(e->b))) return std::nullopt;
  return is_old(e->a) ? LaneReduction{*op, e->a, e->b} : LaneReduction{*op, e->b, e->a};
}

/// The upper half of the lanes onto the lower half, and so on: a chain of log2(lanes) operations, bound by `stmts`.
ExprId combine_lanes(Builder &b, ReduceOp op, ExprId vector, std::vector<StmtId> &stmts) {
  Kernel &k = b.kernel();
  for (int lanes = k.type_of(vector).lanes; lanes > 2 && lanes % 2 == 0; lanes /= 2) {
    const VarId whole = b.value_var("lanes", k.type_of(vector));
    stmts.push_back(b.let(whole, vector));
    std::vector<int> low(static_cast<size_t>(lanes / 2)), high(low.size());
    std::iota(low.begin(), low.end(), 0);
    std::iota(high.begin(), high.end(), lanes / 2);
    const ExprId lower = k.intern(Shuffle{{b.var(whole)}, std::move(low)});
    vector = b.combine(op, lower, k.intern(Shuffle{{b.var(whole)}, std::move(high)}));
  }
  return k.intern(ReduceLanes{op, vector});
}

StmtId Vectorizer::reduce_lanes(const Store &s, BufferId buffer, std::vector<ExprId> where,
                                const LaneReduction &reduction) {
  Builder &b = build();
  ExprId term = rw_.expr(reduction.term);
  if (is_valid(reduction.factor)) term = b.mul(term, rw_.expr(reduction.factor));
  const ExprId old_value = rw_.expr(reduction.old_value);
  if (!is_vector(term) || is_vector(old_value))
    return fail("stores a value of each lane to one element of `" + in_.buffer(s.buffer).name + "`");
  if (is_valid(mask_.mask)) term = b.select(mask_.mask, term, b.identity(reduction.op, kernel().type_of(term)));
  std::vector<StmtId> stmts;
  const ExprId sum = combine_lanes(b, reduction.op, term, stmts);
  stmts.push_back(b.store(buffer, std::move(where), b.combine(reduction.op, old_value, sum)));
  return b.block(std::move(stmts));
}

StmtId Vectorizer::alloc(const Alloc &s) {
  if (in_.buffer(s.buffer).level != MemoryLevel::kRegister) return fail("allocates near memory inside");
  const BufferId buffer = rw_.buffer(s.buffer);
  if (widened_.insert(s.buffer).second) {
    // The lanes' own copies, side by side.
    Buffer &wide = rw_.out().buffer(buffer);
    for (ExprId &stride : wide.strides) stride = build().mul(stride, build().index(lanes_));
    wide.extents.push_back(build().index(lanes_));
    wide.strides.push_back(build().index(1));
  }
  return rw_.out().add_stmt(Alloc{buffer});
}

/// One hint for all lanes, at the first.
StmtId Vectorizer::prefetch(const Prefetch &s) {
  std::vector<ExprId> where;
  for (ExprId index : indices(s.buffer, s.indices)) {
    const auto first = lane_of(build(), index, 0);
    if (!first) return build().block({});
    where.push_back(*first);
  }
  return rw_.out().add_stmt(Prefetch{rw_.buffer(s.buffer), std::move(where), s.cache});
}

/// Stores 0 to every element of a register buffer.
StmtId fill(Builder &b, BufferId buffer) {
  Kernel &k = b.kernel();
  std::vector<VarId> vars;
  std::vector<ExprId> where;
  const std::string name = k.buffer(buffer).name;
  const auto extents = k.buffer(buffer).extents;
  for (size_t d = 0; d < extents.size(); ++d) {
    vars.push_back(b.loop_var(name + "_fill"));
    where.push_back(b.var(vars.back()));
  }
  StmtId body = b.store(buffer, std::move(where), b.zero({k.buffer(buffer).element, 1}));
  for (size_t d = extents.size(); d-- > 0;) body = b.loop(vars[d], b.index(0), extents[d], LoopKind::kUnrolled, body);
  return body;
}

Result<Kernel> Vectorizer::run() {
  Kernel out = rw_.run();
  if (error_) return *error_;
  out.stage = Stage::kVectorized;
  std::set<BufferId> undefined;
  std::set_difference(masked_.begin(), masked_.end(), filled_.begin(), filled_.end(),
                      std::inserter(undefined, undefined.end()));
  if (undefined.empty()) return out;
  // The old value that a select keeps must exist, although nobody looks at it.
  Rewriter rw(out);
  rw.on_stmt = [&](StmtId id) -> std::optional<StmtId> {
    const auto *alloc = std::get_if<Alloc>(&out.stmt(id));
    if (!alloc || !undefined.contains(alloc->buffer)) return std::nullopt;
    const StmtId fresh = rw.clone(id);
    return rw.build().block({fresh, fill(rw.build(), rw.buffer(alloc->buffer))});
  };
  return rw.run();
}

} // namespace

Result<Kernel> vectorize(const Kernel &in, const VectorizeOptions &, const TargetInfo &) {
  if (in.stage != Stage::kTiled)
    return Error{ErrorCode::kBadSchedule, "vectorize needs stage tiled, not " + std::string(name_of(in.stage))};
  return Vectorizer(in).run();
}

} // namespace sparkle
