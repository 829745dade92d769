#include <algorithm>

#include "compiler/ir/verifier_impl.h"

namespace sparkle {
namespace {

bool is_parallel(LoopKind kind) { return kind == LoopKind::kTeam || kind == LoopKind::kWorker; }

} // namespace

void Verifier::bind(VarId var, VarKind kind, uint64_t binder, bool varies) {
  const Variable &v = k_.var(var);
  if (v.kind != kind) report(Rule::kBoundOnce, "`%" + v.name + "` is bound by a node of another kind than it says");
  uint64_t &first = binders_[index_of(var)];
  if (first != 0 && first != binder) report(Rule::kBoundOnce, "`%" + v.name + "` is bound a second time");
  if (first == 0) first = binder;
  bound_at_[index_of(var)] = ++bindings_;
  in_scope_[index_of(var)] = true;
  varies_[index_of(var)] = varies;
}

/// Lets, loads and allocs hold to the end of their block, or of a body that is one statement.
void Verifier::scoped(std::span<const StmtId> stmts, const Surroundings &around) {
  for (StmtId id : stmts) stmt(id, around);
  for (StmtId id : stmts) {
    if (const auto *alloc = std::get_if<Alloc>(&k_.stmt(id))) allocated_[index_of(alloc->buffer)] = false;
    if (const auto *let = std::get_if<Let>(&k_.stmt(id))) unbind(let->var);
    if (const auto *load = std::get_if<Load>(&k_.stmt(id))) unbind(load->var);
  }
}

void Verifier::block(const Block &s, Surroundings around) {
  if (s.stmts.size() != 1) around.only_groups = false;
  scoped(s.stmts, around);
}

bool Verifier::is_constant_from_zero(const For &s) const {
  return k_.constant(s.begin) == 0 && k_.constant(s.end).has_value();
}

void Verifier::loop_kind(const For &s, const Surroundings &around) {
  const auto complain = [&](Rule rule, const std::string &text) {
    report(rule, "loop `%" + k_.var(s.var).name + "`" + text);
  };
  if (k_.stage == Stage::kImported && s.kind != LoopKind::kSerial) complain(Rule::kStage, " is not serial");
  switch (s.kind) {
  case LoopKind::kGroup:
    if (!around.only_groups) complain(Rule::kGroupLoop, " is not outermost or not alone in the loop around it");
    if (k_.constant(s.begin) != 0 || !is_static(s.end)) complain(Rule::kGroupLoop, " has bounds that vary");
    return;
  case LoopKind::kTeam:
  case LoopKind::kWorker:
    if (!is_constant_from_zero(s)) complain(Rule::kWorkerLoop, " does not run from 0 to a constant");
    if (s.kind == LoopKind::kTeam && around.in_worker) complain(Rule::kWorkerLoop, " of teams is inside a worker loop");
    if (around.in_lane) complain(Rule::kWorkerLoop, " is inside a lane loop");
    return;
  case LoopKind::kUnrolled:
    if (!k_.constant(s.begin) || !k_.constant(s.end)) complain(Rule::kUnrolled, " has bounds that are not constant");
    return;
  case LoopKind::kLane:
    if (!is_constant_from_zero(s)) complain(Rule::kUnrolled, " of lanes does not run from 0 to a constant");
    if (k_.stage >= Stage::kVectorized) complain(Rule::kStage, " of lanes at stage " + std::string(name_of(k_.stage)));
    return;
  case LoopKind::kSerial: return;
  }
}

void Verifier::loop(const For &s, Surroundings around) {
  const bool begin_varies = use(s.begin);
  const bool varies = use(s.end) || begin_varies;
  use_typed(s.begin, kIndexType, "a bound");
  use_typed(s.end, kIndexType, "a bound");
  if (k_.var(s.var).type != kIndexType) report(Rule::kType, "a loop's variable is " + to_string(k_.var(s.var).type));
  loop_kind(s, around);
  bind(s.var, VarKind::kLoop, ++binder_, varies || is_parallel(s.kind));
  around.only_groups = around.only_groups && s.kind == LoopKind::kGroup;
  around.in_worker = around.in_worker || s.kind == LoopKind::kWorker;
  around.in_lane = around.in_lane || s.kind == LoopKind::kLane;
  around.divergent = around.divergent || varies;
  scoped({&s.body, 1}, around);
  unbind(s.var);
}

void Verifier::branch(const If &s, Surroundings around) {
  around.divergent = use(s.cond) || around.divergent;
  around.only_groups = false;
  use_typed(s.cond, kBoolType, "a condition");
  scoped({&s.then_body, 1}, around);
  if (is_valid(s.else_body)) scoped({&s.else_body, 1}, around);
}

void Verifier::let(const Let &s) {
  const bool varies = use(s.value);
  if (k_.type_of(s.value) != k_.var(s.var).type)
    use_typed(s.value, k_.var(s.var).type, "the value of `%" + k_.var(s.var).name + "`");
  bind(s.var, VarKind::kValue, ++binder_, varies);
}

void Verifier::rank(BufferId buffer, const std::vector<ExprId> &indices) {
  const Buffer &b = k_.buffer(buffer);
  if (indices.size() == b.extents.size()) return;
  report(Rule::kRank, "`@" + b.name + "` has " + std::to_string(b.extents.size()) + " dimensions, here are " +
                          std::to_string(indices.size()) + " indices");
}

void Verifier::allocated(BufferId buffer) {
  const Buffer &b = k_.buffer(buffer);
  if (b.role == Role::kLocal && !allocated_[index_of(buffer)])
    report(Rule::kAlloc, "`@" + b.name + "` is used where it is not allocated");
}

void Verifier::access(BufferId buffer, const std::vector<ExprId> &indices, bool is_write) {
  const Buffer &b = k_.buffer(buffer);
  rank(buffer, indices);
  allocated(buffer);
  if (is_write && (b.role == Role::kInput || b.role == Role::kConst))
    report(Rule::kWrite, "`@" + b.name + "` is written, but its role is " + std::string(name_of(b.role)));
  for (ExprId id : indices)
    if (k_.type_of(id).scalar != Scalar::kIndex) report(Rule::kType, "an index is " + to_string(k_.type_of(id)));
}

void Verifier::mask_and_other(ExprId mask, ExprId other) {
  if (is_valid(mask) != is_valid(other))
    report(Rule::kMask, is_valid(mask) ? "a mask or guard without `else`" : "an `else` without a mask or guard");
}

void Verifier::lanes_fit(const std::vector<ExprId> &indices, ExprId mask, int lanes) {
  const auto fits = [&](ExprId id) { return k_.type_of(id).lanes == 1 || k_.type_of(id).lanes == lanes; };
  for (ExprId id : indices)
    if (!fits(id))
      report(Rule::kType,
             "an index is " + to_string(k_.type_of(id)) + " in an access of " + std::to_string(lanes) + " lanes");
  if (!is_valid(mask)) return;
  if (k_.type_of(mask).scalar != Scalar::kBool || !fits(mask))
    report(Rule::kType,
           "a mask is " + to_string(k_.type_of(mask)) + " in an access of " + std::to_string(lanes) + " lanes");
}

void Verifier::load(const Load &s) {
  bool varies = k_.buffer(s.buffer).level == MemoryLevel::kRegister; // Private to a worker.
  for (ExprId id : s.indices) varies |= use(id);
  if (is_valid(s.mask)) varies |= use(s.mask);
  if (is_valid(s.other)) varies |= use(s.other);
  access(s.buffer, s.indices, false);
  mask_and_other(s.mask, s.other);
  const Type type = k_.var(s.var).type;
  if (type.scalar != k_.buffer(s.buffer).element)
    report(Rule::kType, "a load of " + std::string(name_of(k_.buffer(s.buffer).element)) + " into " + to_string(type));
  if (is_valid(s.other)) use_typed(s.other, type, "what a masked load yields");
  lanes_fit(s.indices, s.mask, type.lanes);
  if (k_.buffer(s.buffer).fragment != FragmentUse::kNone) report(Rule::kFragment, "a load of a fragment");
  bind(s.var, VarKind::kValue, ++binder_, varies);
}

void Verifier::store(const Store &s) {
  for (ExprId id : s.indices) use(id);
  use(s.value);
  if (is_valid(s.mask)) use(s.mask);
  access(s.buffer, s.indices, true);
  const Type type = k_.type_of(s.value);
  if (type.scalar != k_.buffer(s.buffer).element)
    report(Rule::kType, "a store of " + to_string(type) + " into " + std::string(name_of(k_.buffer(s.buffer).element)));
  int lanes = type.lanes;
  for (ExprId id : s.indices) lanes = std::max<int>(lanes, k_.type_of(id).lanes);
  if (type.lanes != 1 && type.lanes != lanes) report(Rule::kType, "a store of " + to_string(type) + " to more lanes");
  lanes_fit(s.indices, s.mask, lanes);
  if (k_.buffer(s.buffer).fragment != FragmentUse::kNone) report(Rule::kFragment, "a store to a fragment");
}

void Verifier::copy(const Copy &s) {
  const uint64_t binder = ++binder_;
  for (const CopyAxis &axis : s.axes) {
    bind(axis.var, VarKind::kAxis, binder, false);
    if (axis.extent < 1) report(Rule::kCopy, "an axis of extent " + std::to_string(axis.extent));
  }
  bool varies = false;
  std::vector<ExprId> parts = s.dst_indices;
  parts.insert(parts.end(), s.src_indices.begin(), s.src_indices.end());
  for (ExprId id : {s.guard, s.other})
    if (is_valid(id)) parts.push_back(id);
  for (ExprId id : parts) varies |= use(id);
  for (const CopyAxis &axis : s.axes) unbind(axis.var);
  if (varies) report(Rule::kCopy, "a copy depends on a worker");
  access(s.dst, s.dst_indices, true);
  access(s.src, s.src_indices, false);
  mask_and_other(s.guard, s.other);
  const Scalar element = k_.buffer(s.dst).element;
  if (k_.buffer(s.src).element != element) report(Rule::kCopy, "a copy between different element types");
  if (s.axes.empty() || s.lanes < 1 || s.buffers < 1 || s.buffers > 2 || s.fetch_ahead < 0)
    report(Rule::kCopy, "a copy without axes, or with lanes, buffers or distance out of range");
  if (k_.buffer(s.dst).fragment != FragmentUse::kNone || k_.buffer(s.src).fragment != FragmentUse::kNone)
    report(Rule::kCopy, "a copy of a fragment");
  if (is_valid(s.guard)) use_typed(s.guard, kBoolType, "a guard");
  if (is_valid(s.other)) use_typed(s.other, {element, 1}, "what a guarded copy yields");
  lanes_fit(parts, kNoId<ExprId>, 1);
}

void Verifier::barrier(const Surroundings &around) {
  if (around.divergent) report(Rule::kBarrier, "a barrier that some workers may not reach");
  if (around.in_lane) report(Rule::kBarrier, "a barrier in a lane loop");
}

void Verifier::alloc(const Alloc &s) {
  const Buffer &b = k_.buffer(s.buffer);
  if (b.role != Role::kLocal) report(Rule::kAlloc, "`@" + b.name + "` is not local, it cannot be allocated");
  if (ever_allocated_[index_of(s.buffer)]) report(Rule::kAlloc, "`@" + b.name + "` is allocated a second time");
  allocated_[index_of(s.buffer)] = ever_allocated_[index_of(s.buffer)] = true;
}

bool Verifier::is_fragment(BufferId buffer, std::initializer_list<FragmentUse> uses) {
  allocated(buffer);
  const Buffer &b = k_.buffer(buffer);
  if (std::find(uses.begin(), uses.end(), b.fragment) != uses.end() && b.extents.size() == 2) return true;
  report(Rule::kFragment, "`@" + b.name + "` is no fragment of this use");
  return false;
}

void Verifier::fragment_fill(const FragmentFill &s) {
  use(s.value);
  is_fragment(s.fragment, {FragmentUse::kA, FragmentUse::kB, FragmentUse::kAccumulator});
  use_typed(s.value, {k_.buffer(s.fragment).element, 1}, "the value of a fill");
}

void Verifier::fragment_move(const FragmentMove &s) {
  for (ExprId id : s.indices) use(id);
  access(s.buffer, s.indices, s.is_store);
  is_fragment(s.fragment, {FragmentUse::kA, FragmentUse::kB, FragmentUse::kAccumulator});
  const Buffer &memory = k_.buffer(s.buffer);
  if (memory.fragment != FragmentUse::kNone) report(Rule::kFragment, "a fragment is moved to or from a fragment");
  if (memory.extents.size() < 2 && k_.stage < Stage::kLowerable)
    report(Rule::kFragment, "`@" + memory.name + "` has fewer than two dimensions");
  if (memory.element != k_.buffer(s.fragment).element) report(Rule::kFragment, "a fragment of another element type");
  lanes_fit(s.indices, kNoId<ExprId>, 1);
}

void Verifier::fragment_mma(const FragmentMma &s) {
  const bool d = is_fragment(s.d, {FragmentUse::kAccumulator});
  const bool a = is_fragment(s.a, {FragmentUse::kA});
  const bool b = is_fragment(s.b, {FragmentUse::kB});
  const bool c = is_fragment(s.c, {FragmentUse::kAccumulator});
  if (!d || !a || !b || !c) return;
  const auto same = [&](BufferId x, int i, BufferId y, int j) { return k_.extent(x, i) == k_.extent(y, j); };
  const bool fits = same(s.d, 0, s.a, 0) && same(s.d, 1, s.b, 1) && same(s.a, 1, s.b, 0) && same(s.c, 0, s.d, 0) &&
                    same(s.c, 1, s.d, 1);
  if (!fits) report(Rule::kFragment, "shapes of a multiplication do not fit");
}

} // namespace sparkle
