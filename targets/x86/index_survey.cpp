// What the variables of a kernel are to its index expressions.
#include <algorithm>

#include "compiler/analysis/walk.h"
#include "targets/x86/index_forms.h"

namespace sparkle::x86 {
namespace {

constexpr int kGroupDepth = 1;

bool is_index_like(Type type) { return type.scalar == Scalar::kIndex || type.scalar == Scalar::kBool; }

} // namespace

IndexForms::IndexForms(const Kernel &kernel, std::function<AtomId(ExprId)> opaque)
    : k_(kernel), opaque_(std::move(opaque)), vars_(kernel.var_count()), known_(kernel.expr_count()) {
  for (uint32_t i = 0; i < kernel.var_count(); ++i)
    if (kernel.var(VarId{i}).kind == VarKind::kSymbol) add_variable(VarId{i}, 0, false, true);
  survey(kernel.body, kGroupDepth);
}

// ---- What variables are

void IndexForms::survey(StmtId id, int depth) {
  const Stmt &stmt = k_.stmt(id);
  if (const auto *block = std::get_if<Block>(&stmt)) {
    for (StmtId child : block->stmts) survey(child, depth);
  } else if (const auto *loop = std::get_if<For>(&stmt)) {
    survey_loop(*loop, depth);
  } else if (const auto *branch = std::get_if<If>(&stmt)) {
    survey(branch->then_body, depth);
    if (is_valid(branch->else_body)) survey(branch->else_body, depth);
  } else if (const auto *let = std::get_if<Let>(&stmt)) {
    if (k_.var(let->var).type != kIndexType || !is_pure(let->value)) return;
    VarState &var = vars_[index_of(let->var)];
    var.kind = VarState::Kind::kInlined;
    var.value = let->value;
  }
}

void IndexForms::survey_loop(const For &loop, int depth) {
  const auto begin = k_.constant(loop.begin), end = k_.constant(loop.end);
  const bool is_serial = loop.kind != LoopKind::kGroup && loop.kind != LoopKind::kUnrolled;
  const bool is_single = is_serial && begin && end && *end - *begin == 1;
  if (loop.kind == LoopKind::kUnrolled || is_single) {
    VarState &var = vars_[index_of(loop.var)];
    var.kind = VarState::Kind::kExpanded;
    var.begin = var.number = begin.value();
    var.end = end.value();
    return survey(loop.body, depth);
  }
  const bool is_group = loop.kind == LoopKind::kGroup;
  const int inside = is_group ? depth : depth + 1;
  add_variable(loop.var, inside, !is_group, begin && *begin >= 0);
  survey(loop.body, inside);
}

void IndexForms::add_variable(VarId var, int depth, bool is_counter, bool is_not_negative) {
  Atom atom;
  atom.kind = Atom::Kind::kVariable;
  atom.depth = depth;
  atom.is_counter = is_counter;
  atom.is_not_negative = is_not_negative;
  atom.var = var;
  vars_[index_of(var)].kind = VarState::Kind::kAtom;
  vars_[index_of(var)].atom = add(std::move(atom));
}

AtomId IndexForms::add(Atom atom) {
  atoms_.push_back(std::move(atom));
  return AtomId{static_cast<uint32_t>(atoms_.size() - 1)};
}

AtomId IndexForms::add_value(int depth) {
  Atom atom;
  atom.depth = depth;
  return add(std::move(atom));
}

AtomId IndexForms::bind_value(VarId var, int depth) { return vars_[index_of(var)].atom = add_value(depth); }

bool IndexForms::is_pure(ExprId id) const {
  if (!is_index_like(k_.type_of(id)) || k_.type_of(id).is_vector()) return false;
  const Expr &expr = k_.expr(id);
  if (std::get_if<IntConst>(&expr)) return true;
  if (const auto *ref = std::get_if<VarRef>(&expr)) return vars_[index_of(ref->var)].kind != VarState::Kind::kOther;
  if (const auto *e = std::get_if<Unary>(&expr))
    return (e->op == UnaryOp::kNeg || e->op == UnaryOp::kNot) && is_pure(e->a);
  if (const auto *e = std::get_if<Binary>(&expr)) return is_pure(e->a) && is_pure(e->b);
  if (const auto *e = std::get_if<Compare>(&expr)) return is_pure(e->a) && is_pure(e->b);
  if (const auto *e = std::get_if<Select>(&expr)) return is_pure(e->cond) && is_pure(e->a) && is_pure(e->b);
  return false;
}

bool IndexForms::has_pure_lane(ExprId id) const {
  if (!k_.type_of(id).is_vector()) return is_pure(id);
  const Expr &expr = k_.expr(id);
  if (const auto *e = std::get_if<Ramp>(&expr)) return is_pure(e->base);
  if (const auto *e = std::get_if<Broadcast>(&expr)) return is_pure(e->a);
  if (const auto *e = std::get_if<Binary>(&expr)) return has_pure_lane(e->a) && has_pure_lane(e->b);
  return std::get_if<IntConst>(&expr) != nullptr;
}

std::vector<VarId> IndexForms::expanded_in(ExprId id) const {
  std::vector<VarId> found;
  const auto add_new = [&](VarId var) {
    if (std::ranges::find(found, var) == found.end()) found.push_back(var);
  };
  for_each_expr(k_, id, [&](ExprId sub) {
    const auto *ref = std::get_if<VarRef>(&k_.expr(sub));
    if (!ref) return;
    if (is_expanded(ref->var)) add_new(ref->var);
    if (!is_inlined(ref->var)) return;
    for (VarId var : expanded_in(vars_[index_of(ref->var)].value)) add_new(var);
  });
  return found;
}

} // namespace sparkle::x86
