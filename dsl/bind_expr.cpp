#include <algorithm>

#include "compiler/support/match.h"
#include "dsl/bind_impl.h"
#include "dsl/limits.h"

namespace sparkle::dsl {
namespace {

std::string_view code_of(const Error &error) {
  if (error.code == ErrorCode::kShapeOverflow) return "shape-overflow";
  return error.code == ErrorCode::kInvalidInput ? "divisor-not-positive" : "dimension-needed";
}

} // namespace

/// An error without text stands for a mistake that was reported already.
void Binder::report_math(ExprId expr, const Error &failure) {
  if (failure.text.empty()) return;
  error(code_of(failure), origin_of(in_.exprs[expr]), "`" + text_of(in_, expr) + "` " + failure.text);
}

Result<Linear> Binder::linear_binary(const Binary &binary) {
  SPARKLE_TRY(const Linear a, linear(binary.lhs));
  SPARKLE_TRY(const Linear b, linear(binary.rhs));
  switch (binary.op) {
  case BinaryOp::kAdd: return math_.add(a, b);
  case BinaryOp::kSub: return math_.sub(a, b);
  case BinaryOp::kMul: return math_.mul(a, b);
  case BinaryOp::kDiv: return math_.div(a, b);
  case BinaryOp::kMod: return math_.mod(a, b);
  case BinaryOp::kMin: return math_.pick(AtomKind::kMin, a, b);
  case BinaryOp::kMax: return math_.pick(AtomKind::kMax, a, b);
  default: break;
  }
  SPARKLE_CHECK(false, "an int expression with a logical operator");
}

/// Of an int expression; kept, since indices have one range each.
Result<Linear> Binder::linear(ExprId expr) {
  if (const auto &known = forms_[index_of(expr)]) return *known;
  const Expr &node = in_.exprs[expr].expr;
  Result<Linear> form = Linear{};
  if (const auto *literal = std::get_if<Literal>(&node))
    form = Linear{literal->whole, {}};
  else if (const auto *index = std::get_if<IndexRef>(&node))
    form = math_.of_index(index->index);
  else if (const auto *ref = std::get_if<IntRef>(&node)) {
    if (!resolve(ref->name)) return Error{ErrorCode::kInvalidInput, ""};
    form = Linear{out_.ints[ref->name].value, {}};
  } else if (const auto *unary = std::get_if<Unary>(&node)) {
    SPARKLE_TRY(const Linear operand, linear(unary->operand));
    form = math_.sub(Linear{}, operand);
  } else if (const auto *binary = std::get_if<Binary>(&node))
    form = linear_binary(*binary);
  else
    SPARKLE_CHECK(false, "not an int expression");
  if (form) forms_[index_of(expr)] = *form;
  return form;
}

ExprId Binder::add_node(Expr expr, Elem type, const ExprNode &like) {
  ExprNode node = like;
  node.expr = std::move(expr);
  node.type = type;
  return out_.exprs.add(std::move(node));
}

ExprId Binder::emit_literal(int64_t value, SourceRange range) {
  return out_.exprs.add({Literal{0, value}, Elem::kInt, range, false, true, true, false});
}

ExprId Binder::emit_atom(const Atom &atom, SourceRange range) {
  const auto node = [&](Expr expr) {
    return out_.exprs.add({std::move(expr), Elem::kInt, range, true, false, true, false});
  };
  if (atom.kind == AtomKind::kIndex) return node(IndexRef{atom.index});
  const ExprId lhs = emit(atom.lhs, range);
  if (atom.kind == AtomKind::kMin) return node(Binary{BinaryOp::kMin, lhs, emit(atom.rhs, range)});
  if (atom.kind == AtomKind::kMax) return node(Binary{BinaryOp::kMax, lhs, emit(atom.rhs, range)});
  return node(
      Binary{atom.kind == AtomKind::kDiv ? BinaryOp::kDiv : BinaryOp::kMod, lhs, emit_literal(atom.divisor, range)});
}

ExprId Binder::emit_product(ExprId atom, int64_t factor, SourceRange range) {
  if (factor == 1) return atom;
  const ExprId literal = emit_literal(factor, range);
  return out_.exprs.add({Binary{BinaryOp::kMul, atom, literal}, Elem::kInt, range, true, false, true, false});
}

/// Sums from left to right; the constant last, subtracted where it is negative.
ExprId Binder::emit(const Linear &form, SourceRange range) {
  ExprId sum = kNoId<ExprId>;
  const auto append = [&](BinaryOp op, ExprId part) {
    sum = is_valid(sum) ? out_.exprs.add({Binary{op, sum, part}, Elem::kInt, range, true, false, true, false}) : part;
  };
  const auto append_product = [&](ExprId atom, int64_t factor) {
    const bool minus = is_valid(sum) && factor < 0 && factor != INT64_MIN;
    append(minus ? BinaryOp::kSub : BinaryOp::kAdd, emit_product(atom, minus ? -factor : factor, range));
  };
  for (const LinearTerm &term : form.terms) append_product(emit_atom(math_.atom(term.atom), range), term.factor);
  for (const auto &[symbol, factor] : form.constant.terms())
    append_product(out_.exprs.add({IntRef{symbol}, Elem::kInt, range, false, true, true, false}), factor);
  const int64_t constant = form.constant.constant();
  if (!is_valid(sum)) return emit_literal(constant, range);
  const bool minus = constant < 0 && constant != INT64_MIN;
  if (constant != 0) append(minus ? BinaryOp::kSub : BinaryOp::kAdd, emit_literal(minus ? -constant : constant, range));
  return sum;
}

ExprId Binder::rewrite_int(ExprId expr) {
  const auto form = linear(expr);
  if (form) return emit(*form, in_.exprs[expr].range);
  report_math(expr, form.error());
  return emit_literal(0, in_.exprs[expr].range);
}

void Binder::report_bounds(const Read &read, size_t dim, const Interval &seen) {
  const CheckedTensor &tensor = in_.tensors[read.tensor];
  const IndexRange extent = out_.tensors[read.tensor].dims[dim].extent;
  const ExprNode &subscript = in_.exprs[read.subscripts[dim]];
  const std::string name = out_.tensors[read.tensor].dims[dim].name;
  const std::string shown = "`" + text_of(in_, read.subscripts[dim]) + "` reaches " + text(seen.least) +
                            "..=" + text(seen.greatest) + ", and dimension " +
                            (name.empty() ? std::to_string(dim) : "`" + name + "`") + " of `" + tensor.name + "` has " +
                            text(extent);
  const bool symbolic = !seen.least.is_constant() || !seen.greatest.is_constant() || !extent.end.is_constant();
  if (symbolic) {
    error("dimension-needed", origin_of(subscript), shown)->hint =
        "with the open dimension given, the proof may succeed";
    return;
  }
  auto *d = error("out-of-bounds", origin_of(subscript), shown);
  d->hint = "say what lies outside, as in `outside 0" + (name.empty() ? std::string() : " on (" + name + ")") +
            "`, or read less";
  const uint32_t place = tensor.rules_end;
  const bool alone =
      !is_valid(subscript.call) && std::all_of(tensor.rules.begin(), tensor.rules.end(),
                                               [](const Access &a) { return a.mode != OutsideMode::kValue; });
  if (place > 0 && alone && (!name.empty() || tensor.rank() == 1))
    d->fixes.push_back({{place, place}, name.empty() ? " outside 0" : " outside 0 on (" + name + ")"});
  d->notes.push_back({tensor.range, "`" + tensor.name + "` declared here"});
}

/// kNone when the subscript stays inside over the whole box, else the rule; reports where there is none.
Access Binder::prove(const Read &read, size_t dim, const Linear &form) {
  Access rule = read.access[dim];
  if (dead_) return {};
  const auto seen = math_.interval(form);
  const IndexRange extent = out_.tensors[read.tensor].dims[dim].extent;
  const auto last = SymInt::sub(extent.end, 1);
  if (!seen || !last) {
    report_math(read.subscripts[dim], seen ? Error{ErrorCode::kShapeOverflow, "leaves 64 bits"} : seen.error());
    return {};
  }
  if (SymInt::surely_le(extent.begin, seen->least) && SymInt::surely_le(seen->greatest, *last)) return {};
  const bool copies = rule.mode == OutsideMode::kClamp || rule.mode == OutsideMode::kMirror ||
                      rule.mode == OutsideMode::kReflect || rule.mode == OutsideMode::kWrap;
  if (rule.mode == OutsideMode::kNone || (copies && extent.surely_empty())) {
    report_bounds(read, dim, *seen);
    return {};
  }
  if (rule.mode == OutsideMode::kSkip && reductions_ == 0) {
    error("skip-outside-reduction", origin_of(in_.exprs[read.subscripts[dim]]),
          "`" + in_.tensors[read.tensor].name +
              "` is left here, and `outside skip` needs a reduction whose term is left out")
        ->hint = "use a value, as in `outside 0`, or make a view with `let`";
    return {};
  }
  if (is_valid(rule.value)) rule.value = rewrite(rule.value);
  return rule;
}

ExprId Binder::rewrite_read(const Read &read, const ExprNode &node) {
  Read bound{read.tensor, {}, {}};
  for (size_t d = 0; d < read.subscripts.size(); ++d) {
    const auto form = linear(read.subscripts[d]);
    if (!form) {
      report_math(read.subscripts[d], form.error());
      return emit_literal(0, node.range);
    }
    bound.access.push_back(prove(read, d, *form));
    bound.subscripts.push_back(emit(*form, in_.exprs[read.subscripts[d]].range));
  }
  return add_node(std::move(bound), node.type, node);
}

ExprId Binder::rewrite_reduce(const Reduce &reduce, const ExprNode &node) {
  auto outer = std::exchange(rewritten_, {});
  const bool dead = dead_;
  for (IndexId index : reduce.indices) dead_ = dead_ || ranges_[index_of(index)]->surely_empty();
  ++reductions_;
  Reduce bound = reduce;
  if (is_valid(reduce.filter)) bound.filter = rewrite(reduce.filter);
  bound.body = rewrite(reduce.body);
  --reductions_;
  dead_ = dead;
  rewritten_ = std::move(outer);
  return add_node(std::move(bound), node.type, node);
}

ExprId Binder::rewrite_binary(const Binary &binary, const ExprNode &node) {
  const ExprId lhs = rewrite(binary.lhs);
  const ExprId rhs = rewrite(binary.rhs);
  if (node.type != Elem::kI32 || (binary.op != BinaryOp::kDiv && binary.op != BinaryOp::kMod))
    return add_node(Binary{binary.op, lhs, rhs}, node.type, node);
  // The divisor is made of literals and dimensions, so it has its value now.
  const auto *cast = std::get_if<Cast>(&in_.exprs[binary.rhs].expr);
  if (cast == nullptr || in_.exprs[cast->operand].type != Elem::kInt)
    return add_node(Binary{binary.op, lhs, rhs}, node.type, node);
  const auto form = linear(cast->operand);
  if (form && !SymInt::surely_le(1, form->constant))
    error("divisor-not-positive", origin_of(in_.exprs[binary.rhs]),
          "the divisor is " + text(form->constant) + ", and must be positive");
  return add_node(Binary{binary.op, lhs, rhs}, node.type, node);
}

ExprId Binder::rewrite(ExprId expr) {
  const ExprNode &node = in_.exprs[expr];
  if (out_.exprs.size() > 4 * kMaxTypedNodes) {
    error("too-large", {in_.range},
          "the kernel has more than " + std::to_string(4 * kMaxTypedNodes) + " operations with its functions in place");
    return emit_literal(0, node.range);
  }
  if (const auto known = rewritten_.find(index_of(expr)); known != rewritten_.end()) return known->second;
  const ExprId bound = node.type == Elem::kInt ? rewrite_int(expr) : rewrite_node(node);
  rewritten_[index_of(expr)] = bound;
  return bound;
}

ExprId Binder::rewrite_node(const ExprNode &node) {
  return match(
      node.expr, [&](const Literal &literal) { return add_node(literal, node.type, node); },
      [&](const ScalarRef &ref) { return add_node(ref, node.type, node); },
      [&](const IndexRef &ref) { return add_node(ref, node.type, node); },
      [&](const IntRef &ref) { return add_node(ref, node.type, node); },
      [&](const Read &read) { return rewrite_read(read, node); },
      [&](const Unary &unary) {
        return add_node(Unary{unary.op, rewrite(unary.operand)}, node.type, node);
      },
      [&](const Binary &binary) { return rewrite_binary(binary, node); },
      [&](const Select &select) {
        const ExprId condition = rewrite(select.condition), a = rewrite(select.if_true), b = rewrite(select.if_false);
        return add_node(Select{condition, a, b}, node.type, node);
      },
      [&](const Apply &apply) {
        return add_node(Apply{apply.function, rewrite(apply.operand)}, node.type, node);
      },
      [&](const Cast &cast) { return add_node(Cast{rewrite(cast.operand)}, node.type, node); },
      [&](const Reduce &reduce) { return rewrite_reduce(reduce, node); });
}

void Binder::bind_definitions() {
  for (uint32_t i = 0; i < in_.indices.size(); ++i) {
    const CheckedIndex &index = in_.indices[static_cast<IndexId>(i)];
    out_.indices.add({index.name, ranges_[i].value_or(IndexRange{0, 0}), index.range});
  }
  for (uint32_t t = 0; t < in_.tensors.size(); ++t) {
    const CheckedTensor &tensor = in_.tensors[static_cast<TensorId>(t)];
    for (IndexId index : tensor.indices)
      out_.tensors[static_cast<TensorId>(t)].dims.push_back({in_.indices[index].name, out_.indices[index].extent});
  }
  for (ScalarParam &scalar : out_.scalars)
    if (is_valid(scalar.default_value)) scalar.default_value = rewrite(scalar.default_value);
  for (BoundTensor &tensor : out_.tensors)
    for (Access &rule : tensor.rules)
      if (is_valid(rule.value)) rule.value = rewrite(rule.value);
  for (const Definition &definition : in_.definitions) {
    rewritten_.clear();
    dead_ = false;
    for (IndexId index : definition.indices) dead_ = dead_ || ranges_[index_of(index)]->surely_empty();
    Definition bound = definition;
    bound.value = rewrite(definition.value);
    out_.definitions.push_back(std::move(bound));
  }
}

} // namespace sparkle::dsl
