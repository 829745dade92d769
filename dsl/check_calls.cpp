#include <algorithm>

#include "dsl/check_impl.h"

namespace sparkle::dsl {

bool Checker::arguments_allowed(const AstCall &call, size_t count) {
  if (call.arguments.size() != count) {
    error("bad-arguments", call.callee.range,
          "`" + call.callee.name + "` takes " + std::to_string(count) + " argument" + (count == 1 ? "" : "s") +
              ", found " + std::to_string(call.arguments.size()));
    return false;
  }
  for (const AstArgument &argument : call.arguments) {
    if (!argument.name) continue;
    error("bad-arguments", argument.name->range, "arguments have names in calls of kernels only");
    return false;
  }
  return true;
}

Typed Checker::check_call(const AstCall &call, SourceRange range, Expected expected) {
  const std::string &name = call.callee.name;
  if (const auto elem = elem_named(name)) return check_cast(*elem, call, range);
  if (name == "min") return check_min_max(BinaryOp::kMin, call, range, expected);
  if (name == "max") return check_min_max(BinaryOp::kMax, call, range, expected);
  if (name == "clamp") return check_clamp(call, range, expected);
  if (name == "select") return check_select(call, range, expected);
  if (name == "ceil_div") return check_ceil_div(call, range);
  if (const auto function = function_named(name)) return check_function(*function, call, range, expected);
  const auto item = scope_.items.find(name);
  const Symbol symbol = lookup(name, call.callee.range);
  if (symbol.kind == Symbol::Kind::kBad) return {};
  if (symbol.kind == Symbol::Kind::kFn)
    return inline_fn(std::get<FnDecl>(file_.items[symbol.id]), item->second.id, call, range);
  if (symbol.kind == Symbol::Kind::kKernel) {
    error("unsupported-call", range, "a kernel is called in a `let` of its own, or for a tensor that a call is given")
        .hint = "write `let y = " + name + "(...);`, and read `y`";
    return {};
  }
  auto &d = error("not-a-function", call.callee.range, "`" + name + "` is not a function");
  if (symbol.kind == Symbol::Kind::kTensor || symbol.kind == Symbol::Kind::kView)
    d.hint = "tensors are read with `[` and `]`";
  return {};
}

bool Checker::cast_allowed(Elem to, ExprId operand, SourceRange argument, SourceRange range) {
  const ExprNode &node = kernel_.exprs[operand];
  const std::string target(name_of(to));
  if (node.type == Elem::kBool) {
    error("type-mismatch", range, "a condition is not a number").hint = "write `select(condition, 1, 0)`";
    return false;
  }
  if (is_float(to) || !is_float(node.type) || node.whole) return true;
  auto &d = error("cast-needs-rounding", range, "`" + target + "` of a float that need not be whole");
  d.hint = "say how to round: `" + target + "(round(...))`, or `floor`, `ceil`, `trunc`";
  d.fixes.push_back({{argument.begin, argument.begin}, "round("});
  d.fixes.push_back({{argument.end, argument.end}, ")"});
  return false;
}

Typed Checker::check_cast(Elem to, const AstCall &call, SourceRange range) {
  if (!arguments_allowed(call, 1)) return {};
  if (!is_data(to)) {
    error("type-mismatch", range, "nothing can be made into `" + std::string(name_of(to)) + "`");
    return {};
  }
  if (context_.in_subscript) {
    error("type-mismatch", range, "`" + std::string(name_of(to)) + "(...)` is data, and `int` is due here");
    return {};
  }
  const Typed value = check_expr(call.arguments[0].value, to);
  if (!value.valid()) return {};
  if (value.is_literal()) {
    const ExprId id = coerce(value, to);
    return {is_valid(id) ? Typed::State::kValue : Typed::State::kInvalid, {}, 0, id, range};
  }
  if (!cast_allowed(to, value.id, file_.exprs[call.arguments[0].value].range, range)) return {};
  if (type_of(value) == to) return value;
  return add_value(Cast{value.id}, to, range, {value.id});
}

Typed Checker::check_function(Function function, const AstCall &call, SourceRange range, Expected) {
  if (!arguments_allowed(call, 1)) return {};
  if (context_.in_subscript) {
    error("index-not-affine", range, "`" + call.callee.name + "` can't stand in a subscript or size");
    return {};
  }
  const Typed value = check_expr(call.arguments[0].value, Elem::kF32);
  if (!value.valid()) return {};
  const bool whole_abs = function == Function::kAbs && !value.is_literal() && is_data_integer(type_of(value));
  if (!whole_abs && !value.is_literal() && !is_float(type_of(value))) {
    error("type-mismatch", value.range,
          "`" + call.callee.name + "` takes f32, found `" + std::string(name_of(type_of(value))) + "`")
        .hint = "write `" + call.callee.name + "(f32(...))`";
    return {};
  }
  const ExprId id = coerce(value, whole_abs ? Elem::kI32 : Elem::kF32);
  if (!is_valid(id)) return {};
  return add_value(Apply{function, id}, kernel_.exprs[id].type, range, {id});
}

Typed Checker::check_min_max(BinaryOp op, const AstCall &call, SourceRange range, Expected expected) {
  if (!arguments_allowed(call, 2)) return {};
  const Typed a = check_expr(call.arguments[0].value, expected);
  const Typed b = check_expr(call.arguments[1].value, expected);
  return arithmetic(op, a, b, range);
}

/// clamp(x, low, high) is min(max(x, low), high).
Typed Checker::check_clamp(const AstCall &call, SourceRange range, Expected expected) {
  if (!arguments_allowed(call, 3)) return {};
  const Typed x = check_expr(call.arguments[0].value, expected);
  const Typed low = check_expr(call.arguments[1].value, expected);
  const Typed high = check_expr(call.arguments[2].value, expected);
  return arithmetic(BinaryOp::kMin, arithmetic(BinaryOp::kMax, x, low, range), high, range);
}

Typed Checker::check_select(const AstCall &call, SourceRange range, Expected expected) {
  if (!arguments_allowed(call, 3)) return {};
  if (context_.in_subscript) {
    error("index-not-affine", range, "`select` can't stand in a subscript or size").hint =
        "`min`, `max` and `clamp` can";
    return {};
  }
  const Typed condition = check_expr(call.arguments[0].value, std::nullopt);
  Typed a = check_expr(call.arguments[1].value, expected);
  Typed b = check_expr(call.arguments[2].value, expected);
  if (!condition.valid() || !a.valid() || !b.valid()) return {};
  if (condition.is_literal() || type_of(condition) != Elem::kBool) {
    error("type-mismatch", condition.range, "expected a condition");
    return {};
  }
  if (a.is_literal() && b.is_literal()) {
    if (!expected || !is_data(*expected)) {
      error("literal-needs-type", range, "nothing says the type of this value").hint = "write `f32(...)` or `i32(...)`";
      return {};
    }
    a = {Typed::State::kValue, {}, 0, coerce(a, *expected), a.range};
    if (!is_valid(a.id)) return {};
  }
  if (!unify(BinaryOp::kMax, a, b)) return {};
  if (type_of(a) != type_of(b) || !is_data(type_of(a))) {
    error_types(a, b, range, "`select`");
    return {};
  }
  return add_value(Select{condition.id, a.id, b.id}, type_of(a), range, {condition.id, a.id, b.id});
}

/// ceil_div(a, b) is (a + (b - 1)) / b.
Typed Checker::check_ceil_div(const AstCall &call, SourceRange range) {
  if (!arguments_allowed(call, 2)) return {};
  const ExprId a = check_int(call.arguments[0].value);
  const ExprId b = check_int(call.arguments[1].value);
  if (!is_valid(a) || !is_valid(b)) return {};
  const Typed top{Typed::State::kValue, {}, 0, a, range}, bottom{Typed::State::kValue, {}, 0, b, range};
  const Typed sum =
      arithmetic(BinaryOp::kAdd, top, arithmetic(BinaryOp::kSub, bottom, literal(Rational(1), range), range), range);
  return arithmetic(BinaryOp::kDiv, sum, bottom, range);
}

Typed Checker::inline_fn(const FnDecl &fn, size_t item, const AstCall &call, SourceRange range) {
  if (!arguments_allowed(call, fn.params.size())) return {};
  std::map<std::string, Symbol, std::less<>> names;
  bool sound = true;
  for (size_t i = 0; i < fn.params.size(); ++i) {
    const Typed value = check_expr(call.arguments[i].value, fn.params[i].elem);
    const ExprId id = coerce(value, fn.params[i].elem);
    sound = sound && is_valid(id);
    names[fn.params[i].name.name] = {
        Symbol::Kind::kValue, 0, fn.params[i].name.range, {Typed::State::kValue, {}, 0, id, range}};
  }
  if (!sound) return {};
  // The body sees its parameters and the items above it, and nothing of the kernel.
  std::vector<std::string> order;
  std::set<std::string, std::less<>> pending;
  std::swap(names, names_);
  std::swap(order, order_);
  std::swap(pending, pending_);
  std::swap(item, item_);
  const Typed body = check_expr(fn.body, fn.result);
  std::swap(names, names_);
  std::swap(order, order_);
  std::swap(pending, pending_);
  std::swap(item, item_);
  const ExprId id = coerce(body, fn.result);
  if (!is_valid(id)) return {};
  return {Typed::State::kValue, {}, 0, id, range};
}

bool Checker::check_fn(const FnDecl &decl) {
  for (const FnParam &param : decl.params) {
    Symbol symbol{Symbol::Kind::kInt, 0, {}, {}};
    if (param.elem == Elem::kInt) {
      symbol.id = index_of(kernel_.ints.add({param.name.name, true, kNoId<ExprId>, param.name.range}));
    } else {
      symbol.kind = Symbol::Kind::kScalar;
      symbol.id = index_of(kernel_.scalars.add({param.name.name, param.elem, false, kNoId<ExprId>, param.name.range}));
    }
    declare(param.name, symbol);
  }
  const Typed body = check_expr(decl.body, decl.result);
  return is_valid(coerce(body, decl.result));
}

} // namespace sparkle::dsl
