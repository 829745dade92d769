#include <algorithm>

#include "dsl/check_impl.h"
#include "dsl/limits.h"
#include "dsl/suggest.h"

namespace sparkle::dsl {
namespace {

TensorRole role_of(ParamKind kind) {
  if (kind == ParamKind::kConst) return TensorRole::kConst;
  return kind == ParamKind::kInOut ? TensorRole::kInOut : TensorRole::kInput;
}

bool is_int_param(const Param &param) { return param.type.extents.empty() && param.type.elem == Elem::kInt; }

} // namespace

bool Checker::tensor_type_allowed(const Ident &name, const TypeText &type) {
  if (!is_data(type.elem)) {
    error("unsupported-type", type.range, "`" + name.name + "` can't hold `" + std::string(name_of(type.elem)) + "`")
        .hint = "tensors hold f32, f16, bf16, i32, i8 or u8; `int` is for parameters without dimensions";
    return false;
  }
  if (type.extents.size() <= kMaxRank) return true;
  error("rank-limit", type.range,
        "`" + name.name + "` has " + std::to_string(type.extents.size()) + " dimensions; " + std::to_string(kMaxRank) +
            " are the limit");
  return false;
}

/// Bare names in a shape are dimensions.
void Checker::declare_dimensions(const TypeText &type) {
  for (AstId extent : type.extents) {
    const AstNode &node = file_.exprs[extent];
    const auto *bare = std::get_if<AstName>(&node.expr);
    if (bare == nullptr) continue;
    const Symbol *known = find(bare->name);
    if (known != nullptr && known->kind == Symbol::Kind::kInt) continue;
    const auto item = scope_.items.find(bare->name);
    if (item != scope_.items.end() && item->second.kind == Symbol::Kind::kConst) continue;
    const IntId id = kernel_.ints.add({bare->name, false, kNoId<ExprId>, node.range});
    declare({bare->name, node.range}, {Symbol::Kind::kInt, index_of(id), {}, {}});
  }
}

void Checker::declare_params(const KernelDecl &decl) {
  // `int` parameters first: a shape may name one that stands after it. Defaults still see only what is before them.
  for (const Param &param : decl.params) {
    if (!is_int_param(param)) continue;
    const IntId id = kernel_.ints.add({param.name.name, true, kNoId<ExprId>, param.name.range});
    if (declare(param.name, {Symbol::Kind::kInt, index_of(id), {}, {}})) pending_.insert(param.name.name);
  }
  for (const Param &param : decl.params) declare_param(param);
  pending_.clear();
}

void Checker::declare_param(const Param &param) {
  if (is_int_param(param)) return check_int_default(param);
  if (param.type.extents.empty() && param.kind != ParamKind::kInOut) return declare_scalar(param);
  if (is_valid(param.default_value))
    error("default-not-allowed", param.range, "`" + param.name.name + "` is a tensor, and has no default");
  if (!tensor_type_allowed(param.name, param.type)) {
    declare(param.name, {});
    return;
  }
  CheckedTensor tensor;
  tensor.name = param.name.name;
  tensor.elem = param.type.elem;
  tensor.role = role_of(param.kind);
  tensor.range = param.name.range;
  tensor.rules_end = param.outside.empty() ? param.type.range.end : param.outside.back().range.end;
  declare_dimensions(param.type);
  declare(param.name, {Symbol::Kind::kTensor, index_of(kernel_.tensors.add(std::move(tensor))), {}, {}});
}

void Checker::check_int_default(const Param &param) {
  pending_.erase(param.name.name);
  if (param.kind != ParamKind::kInput || !param.outside.empty())
    error("unsupported-type", param.range,
          "`" + param.name.name + "` is an `int`, known before anything runs: no `const`, `inout` or `outside`");
  const Symbol *symbol = find(param.name.name);
  if (!is_valid(param.default_value) || symbol == nullptr || symbol->kind != Symbol::Kind::kInt) return;
  pending_.insert(param.name.name);
  const ExprId value = check_int(param.default_value);
  pending_.erase(param.name.name);
  kernel_.ints[static_cast<IntId>(symbol->id)].definition = value;
}

void Checker::declare_scalar(const Param &param) {
  ScalarParam scalar{param.name.name, param.type.elem, param.kind == ParamKind::kConst, kNoId<ExprId>,
                     param.name.range};
  Symbol symbol{Symbol::Kind::kScalar, 0, {}, {}};
  if (!is_data(param.type.elem)) {
    error("unsupported-type", param.type.range,
          "`" + param.name.name + "` can't be a `" + std::string(name_of(param.type.elem)) + "`");
    symbol.kind = Symbol::Kind::kBad;
  } else if (is_valid(param.default_value)) {
    scalar.default_value = check_leaf(param.default_value, param.type.elem);
  }
  if (!param.outside.empty())
    error("outside-dimension", param.outside[0].range, "`" + param.name.name + "` has no dimensions, so no outside");
  symbol.id = index_of(kernel_.scalars.add(std::move(scalar)));
  declare(param.name, symbol);
}

void Checker::declare_outs(const KernelDecl &decl) {
  for (const Out &out : decl.outs) {
    if (!tensor_type_allowed(out.name, out.type)) {
      declare(out.name, {});
      continue;
    }
    CheckedTensor tensor;
    tensor.name = out.name.name;
    tensor.elem = out.type.elem;
    tensor.role = TensorRole::kOutput;
    tensor.range = out.name.range;
    declare_dimensions(out.type);
    declare(out.name, {Symbol::Kind::kTensor, index_of(kernel_.tensors.add(std::move(tensor))), {}, {}});
  }
}

/// Top to bottom: a formula sees what stands above it.
void Checker::declare_facts(const KernelDecl &decl) {
  for (const Fact &fact : decl.facts) {
    if (!fact.defines) continue;
    const Symbol *known = find(fact.defines->name);
    if (known == nullptr) {
      const IntId id = kernel_.ints.add({fact.defines->name, false, kNoId<ExprId>, fact.defines->range});
      declare(*fact.defines, {Symbol::Kind::kInt, index_of(id), {}, {}});
    }
    pending_.insert(fact.defines->name);
  }
  for (const Fact &fact : decl.facts) {
    if (!fact.defines) {
      kernel_.facts.push_back({check_condition(fact.expr), fact.range});
      continue;
    }
    const ExprId value = check_int(fact.expr);
    pending_.erase(fact.defines->name);
    const Symbol *symbol = find(fact.defines->name);
    const bool is_dimension = symbol != nullptr && symbol->kind == Symbol::Kind::kInt &&
                              !kernel_.ints[static_cast<IntId>(symbol->id)].is_parameter;
    if (!is_dimension) {
      if (symbol != nullptr)
        error("not-a-dimension", fact.defines->range, "`" + fact.defines->name + "` is not a dimension").hint =
            "write `" + fact.defines->name + " == ...` for a condition that must hold";
      continue;
    }
    IntName &dimension = kernel_.ints[static_cast<IntId>(symbol->id)];
    if (is_valid(dimension.definition))
      error("shadowing", fact.defines->range, "`" + dimension.name + "` is defined twice");
    dimension.definition = value;
  }
  pending_.clear();
}

void Checker::check_shape(const Ident &name, const TypeText &type) {
  const Symbol *symbol = find(name.name);
  if (symbol == nullptr || symbol->kind != Symbol::Kind::kTensor || symbol->range != name.range) return;
  const auto id = static_cast<TensorId>(symbol->id);
  std::vector<ExprId> extents;
  std::vector<std::string> dims;
  for (AstId extent : type.extents) {
    const auto *bare = std::get_if<AstName>(&file_.exprs[extent].expr);
    extents.push_back(check_int(extent));
    dims.push_back(bare != nullptr ? bare->name : "");
  }
  kernel_.tensors[id].extents = std::move(extents);
  kernel_.tensors[id].dim_names = std::move(dims);
  kernel_.tensors[id].rules.resize(type.extents.size());
}

void Checker::check_shapes(const KernelDecl &decl) {
  for (const Param &param : decl.params) check_shape(param.name, param.type);
  for (const Out &out : decl.outs) check_shape(out.name, out.type);
  for (const Param &param : decl.params) {
    const Symbol *symbol = find(param.name.name);
    if (symbol == nullptr || symbol->kind != Symbol::Kind::kTensor || param.outside.empty()) continue;
    const auto id = static_cast<TensorId>(symbol->id);
    auto rules = check_outside(param.outside, kernel_.tensors[id].dim_names, kernel_.tensors[id].elem, param.name);
    kernel_.tensors[id].rules = std::move(rules);
  }
}

ExprId Checker::check_outside_value(const OutsideClause &clause, Elem elem) {
  const ExprContext before = context_;
  context_.in_outside = true;
  const Typed value = check_expr(clause.value, elem);
  context_ = before;
  const ExprId id = coerce(value, elem);
  // An argument of the kernel or function that this stands in may be any scalar.
  if (!is_valid(id) || !any_below(id, [](const Expr &e) { return std::holds_alternative<Read>(e); })) return id;
  error("outside-value", value.range, "a value outside is made of literals and scalar parameters, and this holds data");
  return kNoId<ExprId>;
}

bool Checker::apply_clause(const OutsideClause &clause, const Access &access, const std::vector<std::string> &dims,
                           std::vector<Access> &rules, const Ident &name) {
  const auto set = [&](size_t d, SourceRange range) {
    if (rules[d].mode != OutsideMode::kNone) {
      error("outside-conflict", range, "a dimension of `" + name.name + "` has two `outside` rules");
      return false;
    }
    rules[d] = access;
    return true;
  };
  if (clause.on.empty()) {
    for (size_t d = 0; d < dims.size(); ++d)
      if (!set(d, clause.range)) return false;
    return true;
  }
  for (const Ident &on : clause.on) {
    bool found = false;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d] != on.name) continue;
      found = true;
      if (!set(d, on.range)) return false;
    }
    if (found) continue;
    auto &d = error("outside-dimension", on.range, "`" + name.name + "` has no dimension called `" + on.name + "`");
    const std::string nearest = nearest_name(on.name, dims);
    if (!nearest.empty()) d.hint = "did you mean `" + nearest + "`?";
    if (!nearest.empty()) d.fixes.push_back({on.range, nearest});
    return false;
  }
  return true;
}

std::vector<Access> Checker::check_outside(const std::vector<OutsideClause> &clauses,
                                           const std::vector<std::string> &dims, Elem elem, const Ident &name) {
  std::vector<Access> rules(dims.size());
  const OutsideClause *valued = nullptr;
  for (const OutsideClause &clause : clauses) {
    if (dims.empty()) {
      error("outside-dimension", clause.range, "`" + name.name + "` has no dimensions, so no outside");
      return rules;
    }
    Access access{clause.mode, kNoId<ExprId>};
    if (clause.mode == OutsideMode::kValue) {
      // A corner lies outside of two dimensions at once: with two values it would have none.
      if (valued != nullptr)
        error("outside-conflict", clause.range, "`" + name.name + "` has two `outside` values").hint =
            "name all dimensions of one value in one clause, or make a view with `let`";
      valued = &clause;
      access.value = check_outside_value(clause, elem);
      if (!is_valid(access.value)) continue;
    }
    if (!apply_clause(clause, access, dims, rules, name)) return rules;
  }
  return rules;
}

} // namespace sparkle::dsl
