#include <algorithm>
#include <utility>

#include "compiler/import/import_impl.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

/// f32 counts exactly up to here.
constexpr int64_t kLargestExactCount = int64_t{1} << 24;

UnaryOp op_of(dsl::Function function) {
  switch (function) {
  case dsl::Function::kExp: return UnaryOp::kExp;
  case dsl::Function::kLog: return UnaryOp::kLog;
  case dsl::Function::kSqrt: return UnaryOp::kSqrt;
  case dsl::Function::kRsqrt: return UnaryOp::kRsqrt;
  case dsl::Function::kTanh: return UnaryOp::kTanh;
  case dsl::Function::kSigmoid: return UnaryOp::kSigmoid;
  case dsl::Function::kErf: return UnaryOp::kErf;
  case dsl::Function::kAbs: return UnaryOp::kAbs;
  case dsl::Function::kFloor: return UnaryOp::kFloor;
  case dsl::Function::kCeil: return UnaryOp::kCeil;
  case dsl::Function::kRound: return UnaryOp::kRound;
  case dsl::Function::kTrunc: return UnaryOp::kTrunc;
  }
  SPARKLE_CHECK(false, "an unknown function");
}

ReduceOp op_of(dsl::ReduceOp op) {
  switch (op) {
  case dsl::ReduceOp::kSum:
  case dsl::ReduceOp::kMean: return ReduceOp::kSum;
  case dsl::ReduceOp::kProd: return ReduceOp::kProd;
  case dsl::ReduceOp::kMax: return ReduceOp::kMax;
  case dsl::ReduceOp::kMin: return ReduceOp::kMin;
  }
  SPARKLE_CHECK(false, "an unknown reduction");
}

BinaryOp op_of(dsl::BinaryOp op) {
  switch (op) {
  case dsl::BinaryOp::kOr: return BinaryOp::kOr;
  case dsl::BinaryOp::kAnd: return BinaryOp::kAnd;
  case dsl::BinaryOp::kAdd: return BinaryOp::kAdd;
  case dsl::BinaryOp::kSub: return BinaryOp::kSub;
  case dsl::BinaryOp::kMul: return BinaryOp::kMul;
  case dsl::BinaryOp::kDiv: return BinaryOp::kDiv;
  case dsl::BinaryOp::kMod: return BinaryOp::kMod;
  case dsl::BinaryOp::kMin: return BinaryOp::kMin;
  case dsl::BinaryOp::kMax: return BinaryOp::kMax;
  default: break;
  }
  SPARKLE_CHECK(false, "a comparison is no arithmetic");
}

bool is_comparison(dsl::BinaryOp op) { return op >= dsl::BinaryOp::kEq && op <= dsl::BinaryOp::kGe; }

} // namespace

Scalar scalar_of(dsl::Elem elem) {
  switch (elem) {
  case dsl::Elem::kF32: return Scalar::kF32;
  case dsl::Elem::kF16: return Scalar::kF16;
  case dsl::Elem::kBf16: return Scalar::kBF16;
  case dsl::Elem::kI32: return Scalar::kI32;
  case dsl::Elem::kI8: return Scalar::kI8;
  case dsl::Elem::kU8: return Scalar::kU8;
  case dsl::Elem::kInt: return Scalar::kIndex;
  case dsl::Elem::kBool: return Scalar::kBool;
  }
  SPARKLE_CHECK(false, "an unknown element type");
}

Scalar wide(Scalar scalar) {
  if (is_float(scalar)) return Scalar::kF32;
  return scalar == Scalar::kI8 || scalar == Scalar::kU8 ? Scalar::kI32 : scalar;
}

ExprId DefinitionImporter::widened(ExprId value) { return b_.cast({wide(out_.type_of(value).scalar), 1}, value); }

ExprId DefinitionImporter::expr(dsl::ExprId id) {
  Memo &memo = in_filter_ ? filter_memo_ : memo_;
  if (const auto known = memo.find(id); known != memo.end()) return known->second;
  const ExprId made = node(in_.exprs[id]);
  return memo[id] = made;
}

ExprId DefinitionImporter::node(const dsl::ExprNode &node) {
  return match(
      node.expr, [&](const dsl::Literal &e) { return literal(e, node.type); },
      [&](const dsl::IndexRef &e) { return indices_.at(e.index); },
      [&](const dsl::IntRef &e) { return b_.var(symbol(e.name)); },
      [&](const dsl::ScalarRef &e) { return scalar(e.scalar); }, [&](const dsl::Read &e) { return read(e); },
      [&](const dsl::Unary &e) { return unary(e); }, [&](const dsl::Binary &e) { return binary(e, node.type); },
      [&](const dsl::Select &e) {
        const ExprId condition = expr(e.condition), if_true = expr(e.if_true);
        return b_.select(condition, if_true, expr(e.if_false));
      },
      [&](const dsl::Apply &e) {
        return b_.cast({scalar_of(node.type), 1}, b_.unary(op_of(e.function), widened(expr(e.operand))));
      },
      [&](const dsl::Cast &e) {
        return b_.cast({scalar_of(node.type), 1}, expr(e.operand));
      },
      [&](const dsl::Reduce &e) { return reduce(e, node); });
}

ExprId DefinitionImporter::literal(const dsl::Literal &value, dsl::Elem type) {
  const Type made{scalar_of(type), 1};
  return is_float(made.scalar) ? b_.real(made, value.number) : b_.integer(made, value.whole);
}

ExprId DefinitionImporter::unary(const dsl::Unary &e) {
  const ExprId operand = expr(e.operand);
  if (e.op == dsl::UnaryOp::kNot) return b_.unary(UnaryOp::kNot, operand);
  const Type type = out_.type_of(operand);
  return b_.cast(type, b_.unary(UnaryOp::kNeg, widened(operand)));
}

ExprId DefinitionImporter::binary(const dsl::Binary &e, dsl::Elem type) {
  const ExprId a = widened(expr(e.lhs));
  const ExprId b = widened(expr(e.rhs));
  if (is_comparison(e.op)) return compare(e.op, a, b);
  return b_.cast({scalar_of(type), 1}, b_.binary(op_of(e.op), a, b));
}

ExprId DefinitionImporter::compare(dsl::BinaryOp op, ExprId a, ExprId b) {
  switch (op) {
  case dsl::BinaryOp::kEq: return b_.compare(CompareOp::kEq, a, b);
  case dsl::BinaryOp::kNe: return b_.compare(CompareOp::kNe, a, b);
  case dsl::BinaryOp::kLt: return b_.less(a, b);
  case dsl::BinaryOp::kLe: return b_.less_equal(a, b);
  case dsl::BinaryOp::kGt: return b_.less(b, a);
  default: return b_.less_equal(b, a);
  }
}

std::vector<ReduceAxis> DefinitionImporter::bind_axes(const dsl::Reduce &e) {
  std::vector<ReduceAxis> axes;
  for (dsl::IndexId id : e.indices) {
    const dsl::BoundIndex &index = in_.indices[id];
    const VarId var = out_.add_var({index.name, kIndexType, VarKind::kAxis, index.name, 0});
    indices_[id] = b_.var(var);
    const ExprId begin = size(index.extent.begin);
    axes.push_back({var, begin, size(index.extent.end)});
  }
  return axes;
}

/// The places below that leave the term out, each once. Reductions below have their own.
void DefinitionImporter::collect_skips(dsl::ExprId id, std::unordered_map<dsl::ExprId, bool> &seen,
                                       std::vector<ExprId> &conditions) {
  if (!is_valid(id) || std::exchange(seen[id], true)) return;
  const auto walk = [&](dsl::ExprId operand) { collect_skips(operand, seen, conditions); };
  const auto leaf = [](const auto &) {};
  const auto visit_read = [&](const dsl::Read &e) {
    for (size_t d = 0; d < e.subscripts.size(); ++d) {
      if (e.access[d].mode != dsl::OutsideMode::kSkip) continue;
      const ExprId condition = inside(subscript(e, d));
      const bool known = std::find(conditions.begin(), conditions.end(), condition) != conditions.end();
      if (is_valid(condition) && !known) conditions.push_back(condition);
    }
  };
  const auto visit_binary = [&](const dsl::Binary &e) { walk(e.lhs), walk(e.rhs); };
  const auto visit_select = [&](const dsl::Select &e) { walk(e.condition), walk(e.if_true), walk(e.if_false); };
  match(
      in_.exprs[id].expr, visit_read, visit_binary, visit_select, leaf, [&](const dsl::Unary &e) { walk(e.operand); },
      [&](const dsl::Apply &e) { walk(e.operand); }, [&](const dsl::Cast &e) { walk(e.operand); });
}

/// What is skipped comes first: the rest of a filter may be evaluated only where nothing is.
ExprId DefinitionImporter::filter_of(const dsl::Reduce &e) {
  std::unordered_map<dsl::ExprId, bool> seen;
  std::vector<ExprId> conditions;
  collect_skips(e.body, seen, conditions);
  collect_skips(e.filter, seen, conditions);
  ExprId filter = kNoId<ExprId>;
  for (ExprId condition : conditions) filter = both(filter, condition);
  if (!is_valid(e.filter)) return filter;
  const bool outer = std::exchange(in_filter_, true);
  filter = both(filter, expr(e.filter));
  in_filter_ = outer;
  return filter;
}

ExprId DefinitionImporter::reduce(const dsl::Reduce &e, const dsl::ExprNode &node) {
  const bool rounds_each = node.type == dsl::Elem::kF16 || node.type == dsl::Elem::kBf16;
  const bool picks = e.op == dsl::ReduceOp::kMax || e.op == dsl::ReduceOp::kMin;
  if (rounds_each && !picks && out_.strict)
    refuse(ErrorCode::kUnsupported, "`" + std::string(dsl::name_of(e.op)) + "." + std::string(dsl::name_of(node.type)) +
                                        "` in `" + out_.name + "`: sums accumulate in f32 alone when strict");
  std::vector<ReduceAxis> axes = bind_axes(e);
  const ExprId filter = filter_of(e);
  const bool outer = std::exchange(in_filter_, false);
  ExprId value = b_.reduce(op_of(e.op), std::move(axes), widened(expr(e.body)), filter);
  in_filter_ = outer;
  if (e.op == dsl::ReduceOp::kMean) value = b_.div(value, count(e, is_valid(filter)));
  return b_.cast({scalar_of(node.type), 1}, value);
}

/// The number of terms as f32. Filtered, it has axes of its own: a variable is bound once.
ExprId DefinitionImporter::count(const dsl::Reduce &e, bool filtered) {
  std::optional<int64_t> terms = 1;
  ExprId product = b_.index(1);
  for (dsl::IndexId id : e.indices) {
    const dsl::IndexRange &range = in_.indices[id].extent;
    const auto extent = dsl::SymInt::sub(range.end, range.begin);
    if (!extent) refuse(ErrorCode::kShapeOverflow, "the range of `" + in_.indices[id].name + "` leaves 64 bits");
    if (!extent) return b_.real(kF32Type, 0);
    terms = terms && extent->is_constant() ? checked_mul(*terms, extent->constant()) : std::nullopt;
    product = b_.mul(product, size(*extent));
  }
  if (!filtered) return b_.cast(kF32Type, product);
  const Memo memo = std::exchange(memo_, {});
  const Memo filter_memo = std::exchange(filter_memo_, {});
  std::vector<ReduceAxis> axes = bind_axes(e);
  const ExprId filter = filter_of(e);
  memo_ = memo;
  filter_memo_ = filter_memo;
  if (terms && *terms <= kLargestExactCount)
    return b_.reduce(ReduceOp::kSum, std::move(axes), b_.real(kF32Type, 1), filter);
  return b_.cast(kF32Type, b_.reduce(ReduceOp::kSum, std::move(axes), b_.integer(kI32Type, 1), filter));
}

} // namespace sparkle
