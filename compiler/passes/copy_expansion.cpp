#include "compiler/passes/copy_expansion.h"

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

int64_t vector_count(const Copy &copy) {
  int64_t count = 1;
  for (const CopyAxis &axis : copy.axes) count *= axis.extent;
  return count / copy.lanes;
}

} // namespace

CopyExpansion::CopyExpansion(Rewriter &rw, const Copy &copy, ExprId worker, int64_t workers)
    : rw_(rw), b_(rw.build()), copy_(copy), worker_(worker), workers_(workers), vectors_(vector_count(copy)),
      steps_(ceil_div(vectors_, workers)), type_{rw.in().buffer(copy.dst).element, static_cast<uint16_t>(copy.lanes)} {}

StmtId CopyExpansion::declare() {
  std::vector<int64_t> extents = {steps_, copy_.lanes};
  registers_ = b_.local(rw_.in().buffer(copy_.dst).origin + ".fetch", type_.scalar, extents, MemoryLevel::kRegister);
  return b_.kernel().add_stmt(Alloc{registers_});
}

/// Substitutes the copy's axes by what vector `vector_number` of the box stands at; the last one becomes a ramp.
void CopyExpansion::place_axes(ExprId vector_number) {
  ExprId rest = vector_number;
  for (size_t i = copy_.axes.size(); i-- > 0;) {
    bool last = i + 1 == copy_.axes.size();
    int64_t extent = last ? copy_.axes[i].extent / copy_.lanes : copy_.axes[i].extent;
    ExprId position = i == 0 ? rest : b_.mod(rest, b_.index(extent));
    if (i > 0) rest = b_.div(rest, b_.index(extent));
    if (last && copy_.lanes > 1) position = b_.ramp(b_.mul(position, b_.index(copy_.lanes)), 1, copy_.lanes);
    rw_.substitute(copy_.axes[i].var, position);
  }
}

/// Workers beyond the last vector take no part.
ExprId CopyExpansion::scalar_guard(ExprId vector_number) {
  if (vectors_ % workers_ == 0) return kNoId<ExprId>;
  return b_.less(vector_number, b_.index(vectors_));
}

StmtId CopyExpansion::load(VarId var, ExprId mask) {
  ExprId guard = rw_.expr_or_none(copy_.guard);
  if (is_valid(mask) && is_valid(guard))
    guard = b_.both(mask, guard);
  else if (is_valid(mask))
    guard = mask;
  ExprId other = kNoId<ExprId>;
  if (is_valid(guard))
    other = is_valid(copy_.other) ? b_.broadcast(rw_.expr(copy_.other), copy_.lanes) : b_.zero(type_);
  return b_.kernel().add_stmt(Load{var, rw_.buffer(copy_.src), rw_.exprs(copy_.src_indices), guard, other});
}

StmtId CopyExpansion::store(ExprId value, ExprId mask, ExprId rotation) {
  std::vector<ExprId> indices = rw_.exprs(copy_.dst_indices);
  if (is_valid(rotation)) indices.front() = rotation;
  return b_.store(rw_.buffer(copy_.dst), std::move(indices), value, mask);
}

StmtId CopyExpansion::per_vector(const std::function<StmtId(VarId, ExprId)> &body) {
  if (steps_ == 0) return b_.block({});
  VarId step = b_.loop_var("v");
  ExprId vector = b_.add(b_.mul(b_.var(step), b_.index(workers_)), worker_);
  return b_.loop(step, steps_, workers_ > 1 ? LoopKind::kUnrolled : LoopKind::kSerial, body(step, vector));
}

StmtId CopyExpansion::fetch() {
  return per_vector([&](VarId step, ExprId vector) {
    place_axes(vector);
    VarId value = b_.value_var(rw_.in().buffer(copy_.dst).origin, type_);
    StmtId from = load(value, scalar_guard(vector));
    ExprId lanes = copy_.lanes > 1 ? b_.ramp(b_.index(0), 1, copy_.lanes) : b_.index(0);
    return b_.block({from, b_.store(registers_, {b_.var(step), lanes}, b_.var(value))});
  });
}

StmtId CopyExpansion::commit(ExprId rotation) {
  return per_vector([&](VarId step, ExprId vector) {
    place_axes(vector);
    VarId value = b_.value_var(rw_.in().buffer(copy_.dst).origin, type_);
    ExprId lanes = copy_.lanes > 1 ? b_.ramp(b_.index(0), 1, copy_.lanes) : b_.index(0);
    StmtId from = b_.kernel().add_stmt(Load{value, registers_, {b_.var(step), lanes}});
    ExprId mask = scalar_guard(vector);
    StmtId to = store(b_.var(value), kNoId<ExprId>, rotation);
    if (is_valid(mask)) to = b_.when(mask, to);
    return b_.block({from, to});
  });
}

StmtId CopyExpansion::move(ExprId rotation) {
  std::vector<VarId> vars;
  for (size_t i = 0; i < copy_.axes.size(); ++i) {
    bool last = i + 1 == copy_.axes.size();
    vars.push_back(b_.loop_var(rw_.in().var(copy_.axes[i].var).name));
    ExprId position = b_.var(vars.back());
    if (last && copy_.lanes > 1) position = b_.ramp(b_.mul(position, b_.index(copy_.lanes)), 1, copy_.lanes);
    rw_.substitute(copy_.axes[i].var, position);
  }
  VarId value = b_.value_var(rw_.in().buffer(copy_.dst).origin, type_);
  StmtId from = load(value, kNoId<ExprId>);
  StmtId body = b_.block({from, store(b_.var(value), kNoId<ExprId>, rotation)});
  for (size_t i = copy_.axes.size(); i-- > 0;) {
    bool last = i + 1 == copy_.axes.size();
    body = b_.loop(vars[i], last ? copy_.axes[i].extent / copy_.lanes : copy_.axes[i].extent, LoopKind::kSerial, body);
  }
  return body;
}

} // namespace sparkle
