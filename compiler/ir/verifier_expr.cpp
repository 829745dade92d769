#include <bit>
#include <cmath>

#include "compiler/ir/numeric.h"
#include "compiler/ir/operands.h"
#include "compiler/ir/verifier_impl.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

/// Expressions bind by their own id, statements by their number: kept apart.
constexpr uint64_t kExprBinder = uint64_t{1} << 32;

bool is_storage(Scalar s) { return s == Scalar::kF16 || s == Scalar::kBF16 || s == Scalar::kI8 || s == Scalar::kU8; }

} // namespace

bool Verifier::use(ExprId id) {
  ++use_;
  return walk(id).varies;
}

void Verifier::use_typed(ExprId id, Type type, std::string_view what) {
  if (k_.type_of(id) == type) return;
  report(Rule::kType, std::string(what) + " is " + to_string(k_.type_of(id)) + ", not " + to_string(type));
}

void Verifier::walk_var(const VarRef &ref, Walk &walked) {
  const Variable &v = k_.var(ref.var);
  if (v.kind == VarKind::kSymbol || v.kind == VarKind::kUniform) return;
  walked.keeps = in_scope_[index_of(ref.var)];
  walked.varies = varies_[index_of(ref.var)];
  walked.last = ref.var;
  if (!walked.keeps) report(Rule::kScope, "`%" + v.name + "` is not bound here");
}

Verifier::Walk Verifier::walk(ExprId id) {
  const Walk &known = visited_[index_of(id)];
  if (known.use == use_) return known;
  if (known.use != 0 && known.keeps && (!is_valid(known.last) || in_scope_[index_of(known.last)])) return known;
  const Expr &e = k_.expr(id);
  const NodeInfo &info = node_info(e);
  if (k_.stage < info.first || k_.stage > info.last)
    report(Rule::kStage, "a " + std::string(info.name) + " at stage " + std::string(name_of(k_.stage)));
  Walk walked;
  if (const auto *ref = std::get_if<VarRef>(&e)) walk_var(*ref, walked);
  if (const auto *reduce = std::get_if<Reduce>(&e))
    walk_reduce(id, *reduce, walked);
  else
    for_each_operand(e, [&](ExprId operand) { join(walked, walk(operand)); });
  walked.use = use_;
  visited_[index_of(id)] = walked;
  if (checked_[index_of(id)]) return walked;
  checked_[index_of(id)] = true;
  types(e);
  return walked;
}

void Verifier::join(Walk &all, const Walk &part) const {
  all.varies |= part.varies;
  all.keeps = all.keeps && part.keeps;
  const auto bound_at = [&](VarId var) { return is_valid(var) ? bound_at_[index_of(var)] : 0; };
  if (bound_at(part.last) > bound_at(all.last)) all.last = part.last;
}

void Verifier::walk_reduce(ExprId id, const Reduce &e, Walk &walked) {
  for (const ReduceAxis &axis : e.axes) {
    join(walked, walk(axis.begin));
    join(walked, walk(axis.end));
  }
  for (const ReduceAxis &axis : e.axes) bind(axis.var, VarKind::kAxis, kExprBinder + index_of(id), false);
  join(walked, walk(e.body));
  if (is_valid(e.filter)) join(walked, walk(e.filter));
  for (const ReduceAxis &axis : e.axes) unbind(axis.var);
  walked.keeps = false;
  ++use_; // What was walked inside must be walked again outside, where the axes are not bound.
}

void Verifier::types(const Expr &e) {
  match(
      e, [&](const IntConst &n) { int_const(n); }, [&](const FloatConst &n) { float_const(n); }, [](const VarRef &) {},
      [&](const Unary &n) { unary(n); }, [&](const Binary &n) { binary(n); },
      [&](const Compare &n) {
        same_types({n.a, n.b}, "a comparison");
      },
      [&](const Select &n) {
        same_types({n.a, n.b}, "a select");
        if (k_.type_of(n.cond) != kBoolType.with_lanes(k_.type_of(n.a).lanes))
          report(Rule::kOperand, "the condition of a select is " + to_string(k_.type_of(n.cond)));
      },
      [&](const Fma &n) {
        same_types({n.a, n.b, n.c}, "an fma");
        if (k_.type_of(n.a).scalar != Scalar::kF32) report(Rule::kOperand, "an fma of " + to_string(k_.type_of(n.a)));
      },
      [&](const Cast &n) {
        if (n.type.lanes != k_.type_of(n.a).lanes || n.type.scalar == Scalar::kBool)
          report(Rule::kOperand, "a conversion of " + to_string(k_.type_of(n.a)) + " to " + to_string(n.type));
      },
      [&](const Bitcast &n) {
        const Type from = k_.type_of(n.a);
        const bool to_bits = from.scalar == Scalar::kF32 && n.type.scalar == Scalar::kI32;
        const bool from_bits = from.scalar == Scalar::kI32 && n.type.scalar == Scalar::kF32;
        if (n.type.lanes != from.lanes || !(to_bits || from_bits))
          report(Rule::kOperand, "a bit cast of " + to_string(from) + " to " + to_string(n.type));
      },
      [&](const Ramp &n) {
        if (k_.type_of(n.base) != kIndexType || n.lanes < 2)
          report(Rule::kOperand,
                 "a ramp of " + to_string(k_.type_of(n.base)) + " with " + std::to_string(n.lanes) + " lanes");
      },
      [&](const Broadcast &n) {
        if (k_.type_of(n.a).lanes != 1 || n.lanes < 2)
          report(Rule::kOperand,
                 "a broadcast of " + to_string(k_.type_of(n.a)) + " to " + std::to_string(n.lanes) + " lanes");
      },
      [&](const Shuffle &n) { shuffle(n); },
      [&](const ReduceLanes &n) {
        if (k_.type_of(n.a).lanes < 2) report(Rule::kOperand, "a lane reduction of " + to_string(k_.type_of(n.a)));
        arithmetic(k_.type_of(n.a));
      },
      [&](const Dot &n) { dot(n); }, [&](const Read &n) { read(n); },
      [&](const Reduce &n) {
        for (const ReduceAxis &axis : n.axes)
          if (k_.type_of(axis.begin) != kIndexType || k_.type_of(axis.end) != kIndexType)
            report(Rule::kOperand, "a bound of a reduction is not index");
        if (is_valid(n.filter) && k_.type_of(n.filter) != kBoolType) report(Rule::kOperand, "a filter is not bool");
        arithmetic(k_.type_of(n.body));
      });
}

void Verifier::int_const(const IntConst &e) {
  const bool fits = e.value >= least_value(e.type.scalar) && e.value <= greatest_value(e.type.scalar);
  if (e.type.lanes != 1 || is_float(e.type.scalar) || !fits)
    report(Rule::kConstant, "constant " + std::to_string(e.value) + " of type " + to_string(e.type));
}

void Verifier::float_const(const FloatConst &e) {
  const bool is_rounded = std::isnan(e.value) || round_to(e.type.scalar, e.value) == e.value;
  if (e.type.lanes != 1 || !is_float(e.type.scalar) || !is_rounded)
    report(Rule::kConstant, "constant " + std::to_string(e.value) + " of type " + to_string(e.type));
}

void Verifier::arithmetic(Type type) {
  if (is_storage(type.scalar) || type.scalar == Scalar::kBool)
    report(Rule::kOperand, "arithmetic on " + to_string(type));
}

void Verifier::same_types(std::initializer_list<ExprId> ids, std::string_view what) {
  const Type first = k_.type_of(*ids.begin());
  for (ExprId id : ids) {
    if (k_.type_of(id) == first) continue;
    report(Rule::kOperand, std::string(what) + " of " + to_string(first) + " and " + to_string(k_.type_of(id)));
    return;
  }
}

void Verifier::unary(const Unary &e) {
  const Type type = k_.type_of(e.a);
  if (e.op == UnaryOp::kNot) {
    if (type.scalar != Scalar::kBool) report(Rule::kOperand, "`not` of " + to_string(type));
    return;
  }
  arithmetic(type);
  const bool whole = e.op == UnaryOp::kNeg || e.op == UnaryOp::kAbs;
  if (!whole && is_integer(type.scalar))
    report(Rule::kOperand, "`" + std::string(name_of(e.op)) + "` of " + to_string(type));
}

void Verifier::binary(const Binary &e) {
  const Type type = k_.type_of(e.a);
  const auto quoted = [&] { return "`" + std::string(name_of(e.op)) + "`"; };
  if (type != k_.type_of(e.b)) same_types({e.a, e.b}, quoted());
  if (e.op == BinaryOp::kAnd || e.op == BinaryOp::kOr) {
    if (type.scalar != Scalar::kBool) report(Rule::kOperand, quoted() + " of " + to_string(type));
    return;
  }
  arithmetic(type);
  if (e.op == BinaryOp::kMod && is_float(type.scalar)) report(Rule::kOperand, quoted() + " of " + to_string(type));
  const bool divides = e.op == BinaryOp::kDiv || e.op == BinaryOp::kMod;
  const auto *splat = std::get_if<Broadcast>(&k_.expr(e.b));
  const auto divisor = k_.constant(splat ? splat->a : e.b);
  if (divides && divisor && *divisor <= 0) report(Rule::kDivisor, "division by " + std::to_string(*divisor));
}

void Verifier::shuffle(const Shuffle &e) {
  if (e.inputs.empty() || e.indices.empty()) return report(Rule::kOperand, "a shuffle of nothing");
  int lanes = 0;
  for (ExprId id : e.inputs) {
    lanes += k_.type_of(id).lanes;
    if (k_.type_of(id).scalar != k_.type_of(e.inputs.front()).scalar)
      report(Rule::kOperand, "inputs of a shuffle differ");
  }
  for (int lane : e.indices)
    if (lane < 0 || lane >= lanes)
      report(Rule::kOperand, "lane " + std::to_string(lane) + " of " + std::to_string(lanes));
}

void Verifier::dot(const Dot &e) {
  const Type acc = k_.type_of(e.acc);
  const Type a = k_.type_of(e.a);
  const Type b = k_.type_of(e.b);
  arithmetic(acc);
  if (a.lanes != b.lanes || a.lanes % acc.lanes != 0)
    report(Rule::kOperand, "a dot of " + to_string(a) + " and " + to_string(b) + " into " + to_string(acc));
}

void Verifier::read(const Read &e) {
  rank(e.buffer, e.indices);
  mask_and_other(e.guard, e.other);
  for (ExprId id : e.indices)
    if (k_.type_of(id) != kIndexType) report(Rule::kOperand, "an index of a read is " + to_string(k_.type_of(id)));
  if (is_valid(e.guard) && k_.type_of(e.guard) != kBoolType) report(Rule::kOperand, "a guard is not bool");
  const Type element{k_.buffer(e.buffer).element, 1};
  if (is_valid(e.other) && k_.type_of(e.other) != element)
    report(Rule::kOperand, "a read of " + to_string(element) + " or else " + to_string(k_.type_of(e.other)));
}

bool Verifier::is_static(ExprId id) const {
  const Expr &e = k_.expr(id);
  if (std::holds_alternative<IntConst>(e)) return true;
  if (const auto *ref = std::get_if<VarRef>(&e)) return k_.var(ref->var).kind == VarKind::kSymbol;
  if (const auto *binary = std::get_if<Binary>(&e)) return is_static(binary->a) && is_static(binary->b);
  return false;
}

} // namespace sparkle
