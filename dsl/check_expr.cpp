#include <algorithm>

#include "compiler/support/match.h"
#include "dsl/check_impl.h"
#include "dsl/limits.h"

namespace sparkle::dsl {

Typed Checker::check_expr(AstId ast, Expected expected) {
  if (too_large_) return {}; // What was said holds for the whole kernel; going on could take exponential time.
  if (depth_ >= kMaxInlinedDepth) {
    if (!too_large_)
      error("too-deep", file_.exprs[ast].range,
            "more than " + std::to_string(kMaxInlinedDepth) + " operators deep with its functions in place");
    too_large_ = true;
    return {};
  }
  ++depth_;
  Typed value = check_node(ast, expected);
  --depth_;
  return value;
}

Typed Checker::check_node(AstId ast, Expected expected) {
  const AstNode &node = file_.exprs[ast];
  const SourceRange range = node.range;
  return match(
      node.expr, [&](const AstNumber &number) { return literal(*Rational::parse(number.digits), range); },
      [&](const AstInf &) {
        Typed value = literal(Rational(), range);
        value.infinite = 1;
        return value;
      },
      [&](const AstName &name) { return check_name(name, range); },
      [&](const AstRead &read) { return check_read(read, range); },
      [&](const AstCall &call) { return check_call(call, range, expected); },
      [&](const AstUnary &unary) { return check_unary(unary, range, expected); },
      [&](const AstBinary &binary) { return check_binary(binary, range, expected); },
      [&](const AstReduce &reduce) { return check_reduce(reduce, range, expected); });
}

Typed Checker::check_name(const AstName &name, SourceRange range) {
  const Symbol symbol = lookup(name.name, range);
  switch (symbol.kind) {
  case Symbol::Kind::kBad: return {};
  case Symbol::Kind::kInt: return add_value(IntRef{static_cast<IntId>(symbol.id)}, Elem::kInt, range, {});
  case Symbol::Kind::kIndex: return add_value(IndexRef{static_cast<IndexId>(symbol.id)}, Elem::kInt, range, {});
  case Symbol::Kind::kValue: return symbol.value;
  case Symbol::Kind::kScalar: {
    const auto id = static_cast<ScalarId>(symbol.id);
    if (!context_.in_subscript) return add_value(ScalarRef{id}, kernel_.scalars[id].elem, range, {});
    error("index-depends-on-data", range, "`" + name.name + "` is known only at run time; subscripts and sizes are not")
        .hint = "declare it as `int` if it is known when the kernel is compiled";
    return {};
  }
  case Symbol::Kind::kTensor:
  case Symbol::Kind::kView: return check_read({{name.name, range}, {}}, range);
  default: break;
  }
  error("not-a-value", range,
        "`" + name.name + "` is a " + (symbol.kind == Symbol::Kind::kFn ? "function" : "kernel") +
            ", and has no value without arguments");
  return {};
}

Typed Checker::check_read(const AstRead &read, SourceRange range) {
  const Symbol symbol = lookup(read.tensor.name, read.tensor.range);
  if (symbol.kind == Symbol::Kind::kBad) return {};
  const bool view = symbol.kind == Symbol::Kind::kView;
  if (!view && symbol.kind != Symbol::Kind::kTensor) {
    error("rank-mismatch", range, "`" + read.tensor.name + "` has no dimensions, and takes no subscripts");
    return {};
  }
  const TensorId id = view ? views_[symbol.id].base : static_cast<TensorId>(symbol.id);
  const size_t rank = kernel_.tensors[id].rank();
  if (context_.in_outside) {
    error("outside-value", range,
          "a value outside is made of literals and scalar parameters; `" + read.tensor.name + "` is data");
    return {};
  }
  if (context_.in_subscript) {
    error("index-depends-on-data", range,
          "a subscript or size may not depend on data, and `" + read.tensor.name + "` holds data");
    return {};
  }
  if (read.subscripts.size() != rank) {
    error("rank-mismatch", range,
          "`" + read.tensor.name + "` has " + std::to_string(rank) + " dimensions, and " +
              std::to_string(read.subscripts.size()) + " subscripts here");
    return {};
  }
  std::vector<ExprId> subscripts;
  bool sound = true;
  for (AstId subscript : read.subscripts) {
    subscripts.push_back(check_int(subscript));
    sound = sound && is_valid(subscripts.back());
  }
  if (!sound || !check_inout_read(id, subscripts, range)) return {};
  const CheckedTensor &tensor = kernel_.tensors[id];
  const auto rules = view ? views_[symbol.id].rules : tensor.rules;
  const Elem elem = tensor.elem;
  return add_value(Read{id, subscripts, rules}, elem, range, subscripts);
}

bool Checker::check_inout_read(TensorId id, const std::vector<ExprId> &subscripts, SourceRange range) {
  const CheckedTensor &tensor = kernel_.tensors[id];
  if (tensor.role == TensorRole::kOutput) {
    error("output-not-readable", range, "`" + tensor.name + "` is written by this kernel, and can't be read").hint =
        "name the value with `let`, and read that";
    return false;
  }
  if (tensor.role != TensorRole::kInOut) return true;
  bool exact = id == target_ && target_indices_ != nullptr;
  for (size_t d = 0; exact && d < subscripts.size(); ++d) {
    const auto *index = std::get_if<IndexRef>(&kernel_.exprs[subscripts[d]].expr);
    exact = index != nullptr && index->index == (*target_indices_)[d];
  }
  if (!exact)
    error("inout-not-pointwise", range,
          "`" + tensor.name + "` is `inout`: only the statement that writes it reads it, at the written index exactly")
        .hint = "for other reads, take the old values as a separate input";
  return exact;
}

Typed Checker::check_unary(const AstUnary &unary, SourceRange range, Expected expected) {
  Typed operand = check_expr(unary.operand, expected);
  if (!operand.valid()) return operand;
  if (unary.op == UnaryOp::kNegate && operand.is_literal()) {
    operand.literal = operand.literal.negated();
    operand.infinite = -operand.infinite;
    operand.range = range;
    return operand;
  }
  const bool wants_bool = unary.op == UnaryOp::kNot;
  if (operand.is_literal() || wants_bool != (type_of(operand) == Elem::kBool)) {
    error("type-mismatch", range, wants_bool ? "`!` takes a condition" : "`-` takes a number");
    return {};
  }
  const ExprId id = wants_bool ? operand.id : widen(operand.id);
  return add_value(Unary{unary.op, id}, kernel_.exprs[id].type, range, {id});
}

ExprId Checker::check_int(AstId ast) {
  const ExprContext before = context_;
  context_.in_subscript = true;
  const Typed value = check_expr(ast, Elem::kInt);
  context_ = before;
  if (!value.valid()) return kNoId<ExprId>;
  if (value.is_literal() || type_of(value) == Elem::kInt) return coerce(value, Elem::kInt);
  error("type-mismatch", value.range,
        "expected an `int` made of indices, dimensions and `int` parameters, found `" +
            std::string(name_of(type_of(value))) + "`");
  return kNoId<ExprId>;
}

/// Of dimensions, after `where` in a signature.
ExprId Checker::check_condition(AstId ast) {
  const ExprContext before = context_;
  context_.in_subscript = true;
  const Typed value = check_expr(ast, std::nullopt);
  context_ = before;
  if (!value.valid()) return kNoId<ExprId>;
  if (!value.is_literal() && type_of(value) == Elem::kBool) return value.id;
  error("type-mismatch", value.range, "expected a condition, as in `IC % 16 == 0`");
  return kNoId<ExprId>;
}

Typed Checker::check_reduce(const AstReduce &reduce, SourceRange range, Expected expected) {
  if (context_.in_subscript || context_.in_outside) {
    error("index-depends-on-data", range, "a reduction is data, and can't stand here");
    return {};
  }
  if (reduce.binds.size() > kMaxRank) {
    error("rank-limit", range, "a reduction over more than " + std::to_string(kMaxRank) + " indices");
    return {};
  }
  const size_t scope = order_.size();
  std::vector<IndexId> indices;
  for (const Bind &bind : reduce.binds)
    if (const auto index = declare_index(bind, false)) indices.push_back(*index);
  Typed value;
  if (indices.size() == reduce.binds.size()) value = reduce_body(reduce, range, expected, std::move(indices));
  close_scope(scope);
  return value;
}

std::optional<Elem> Checker::accumulator_of(const AstReduce &reduce, Elem term, SourceRange range) {
  const bool picks = reduce.op == ReduceOp::kMax || reduce.op == ReduceOp::kMin;
  const std::string name(name_of(reduce.op));
  if (!is_data(term)) {
    error("type-mismatch", range,
          "the terms of `" + name + "` are `" + std::string(name_of(term)) + "`, which is not data")
        .hint = "write `i32(...)` or `f32(...)`, or `select(condition, 1, 0)`";
    return std::nullopt;
  }
  if (reduce.op == ReduceOp::kMean && !is_float(term)) {
    error("type-mismatch", range, "`mean` takes f32 terms").hint = "write `f32(...)`";
    return std::nullopt;
  }
  if (!reduce.accumulator) return picks ? term : widened(term);
  const Elem wanted = *reduce.accumulator;
  const bool possible = !picks && is_float(wanted) == is_float(term) && (is_float(wanted) || wanted == Elem::kI32);
  if (possible) return wanted;
  error("accumulator-type", range,
        "`" + name + "` of `" + std::string(name_of(term)) + "` can't accumulate in `" + std::string(name_of(wanted)) +
            "`")
      .hint = "sums of floats accumulate in f32, f16 or bf16, sums of integers in i32";
  return std::nullopt;
}

Typed Checker::reduce_body(const AstReduce &reduce, SourceRange range, Expected expected,
                           std::vector<IndexId> indices) {
  std::vector<ExprId> children;
  ExprId filter = kNoId<ExprId>;
  bool sound = true;
  if (is_valid(reduce.filter)) {
    const Typed condition = check_expr(reduce.filter, std::nullopt);
    sound = condition.valid();
    if (sound && (condition.is_literal() || type_of(condition) != Elem::kBool)) {
      error("type-mismatch", condition.range, "expected a condition after `where`");
      sound = false;
    }
    filter = condition.id;
    children.push_back(filter);
  }
  const Elem wanted = reduce.accumulator.value_or(expected.value_or(Elem::kBool));
  const Typed body = check_expr(reduce.body, wanted == Elem::kBool ? std::nullopt : Expected(widened(wanted)));
  if (!sound || !body.valid()) return {};
  if (body.is_literal() && !is_data(wanted)) {
    error("literal-needs-type", body.range, "nothing says the type of these terms").hint =
        "write `f32(...)` or `i32(...)`";
    return {};
  }
  const ExprId term = body.is_literal() ? coerce(body, wanted) : body.id;
  if (!is_valid(term)) return {};
  const auto accumulator = accumulator_of(reduce, kernel_.exprs[term].type, body.range);
  if (!accumulator) return {};
  ExprId id = term;
  if (kernel_.exprs[id].type != *accumulator) id = add_value(Cast{id}, *accumulator, body.range, {id}).id;
  children.push_back(id);
  if (!is_valid(id)) return {};
  return add_value(Reduce{reduce.op, std::move(indices), filter, id}, *accumulator, range, children);
}

} // namespace sparkle::dsl
