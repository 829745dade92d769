// What a call makes of sizes: the dimensions of the kernel that is called take the extents of the tensors given, by
// formulas over those of the caller. Whether they agree is found at bind time.
#include "compiler/support/match.h"
#include "dsl/check_impl.h"

namespace sparkle::dsl {
namespace {

bool is_int(const Param &param) { return param.type.extents.empty() && param.type.elem == Elem::kInt; }

} // namespace

bool Checker::any_below(ExprId expr, bool (*is_it)(const Expr &)) const {
  const Expr &node = kernel_.exprs[expr].expr;
  if (is_it(node)) return true;
  const auto below = [&](ExprId child) { return is_valid(child) && any_below(child, is_it); };
  return match(
      node, [&](const Unary &e) { return below(e.operand); },
      [&](const Binary &e) { return below(e.lhs) || below(e.rhs); },
      [&](const Select &e) { return below(e.condition) || below(e.if_true) || below(e.if_false); },
      [&](const Apply &e) { return below(e.operand); }, [&](const Cast &e) { return below(e.operand); },
      [&](const Reduce &e) { return below(e.body) || below(e.filter); }, [](const auto &) { return false; });
}

/// The number of elements along a dimension, as far as the text says it: kNoId for a `let` whose index takes its range
/// from its readers, or does not start at 0.
ExprId Checker::extent_of(TensorId id, size_t dim) {
  const CheckedTensor &tensor = kernel_.tensors[id];
  if (tensor.role != TensorRole::kLet) return tensor.extents[dim];
  const IndexId index = tensor.indices[dim];
  const CheckedIndex &range = kernel_.indices[index];
  if (range.kind == RangeKind::kDemand) return kNoId<ExprId>;
  if (range.kind == RangeKind::kNone) return extent_of_index(id, index);
  const auto *begin = std::get_if<Literal>(&kernel_.exprs[range.begin].expr);
  if (begin == nullptr || begin->whole != 0) return kNoId<ExprId>;
  if (range.kind == RangeKind::kHalfOpen) return range.end;
  const Typed end{Typed::State::kValue, {}, 0, range.end, range.range};
  return arithmetic(BinaryOp::kAdd, end, literal(Rational(1), range.range), range.range).id;
}

/// Rule 3 of the ranges: a dimension in which the index stands alone, in its statement, without `outside`. That all of
/// them agree is checked at bind time.
ExprId Checker::extent_of_index(TensorId let, IndexId index) {
  const Definition *definition = nullptr;
  for (const Definition &d : kernel_.definitions)
    if (d.target == let) definition = &d;
  if (definition == nullptr) return kNoId<ExprId>;
  std::set<ExprId> seen;
  ExprId found = kNoId<ExprId>;
  const auto walk = [&](const auto &self, ExprId id) -> void {
    if (!is_valid(id) || is_valid(found) || !seen.insert(id).second) return;
    const Expr node = kernel_.exprs[id].expr; // A copy: extent_of may add nodes.
    const auto visit_read = [&](const Read &read) {
      for (size_t d = 0; d < read.subscripts.size() && !is_valid(found); ++d) {
        const auto *alone = std::get_if<IndexRef>(&kernel_.exprs[read.subscripts[d]].expr);
        if (alone != nullptr && alone->index == index && read.access[d].mode == OutsideMode::kNone)
          found = extent_of(read.tensor, d);
      }
    };
    match(
        node, visit_read, [&](const Unary &e) { self(self, e.operand); },
        [&](const Binary &e) { self(self, e.lhs), self(self, e.rhs); },
        [&](const Select &e) { self(self, e.condition), self(self, e.if_true), self(self, e.if_false); },
        [&](const Apply &e) { self(self, e.operand); }, [&](const Cast &e) { self(self, e.operand); },
        [&](const Reduce &e) { self(self, e.filter), self(self, e.body); }, [](const auto &) {});
  };
  walk(walk, definition->value);
  return found;
}

void Checker::declare_called_int(const std::string &name, ExprId value, SourceRange range, std::string by) {
  const IntId id = kernel_.ints.add({own_.prefix + name, false, value, range, own_.call});
  names_[name] = {Symbol::Kind::kInt, index_of(id), range, {}};
  own_.said_by[index_of(id)] = std::move(by);
}

/// Bare names that nothing has given yet take the extents of the tensor.
void Checker::declare_called_dimensions(const Param &param, std::set<AstId> &introduced) {
  const TensorId tensor = own_.given[param.name.name].tensor;
  for (size_t d = 0; d < param.type.extents.size(); ++d) {
    const AstNode &node = file_.exprs[param.type.extents[d]];
    const auto *bare = std::get_if<AstName>(&node.expr);
    if (bare == nullptr || find(bare->name) != nullptr || pending_.contains(bare->name) ||
        scope_.items.contains(bare->name))
      continue;
    const ExprId extent = extent_of(tensor, d);
    if (!is_valid(extent)) continue;
    declare_called_int(bare->name, extent, node.range, "by `" + kernel_.tensors[tensor].name + "`");
    introduced.insert(param.type.extents[d]);
  }
}

bool Checker::check_called_shapes(const KernelDecl &callee, const std::set<AstId> &introduced) {
  const CallSite site = kernel_.calls[own_.call];
  for (const Param &param : callee.params) {
    const TensorId tensor = own_.given[param.name.name].tensor;
    for (size_t d = 0; is_valid(tensor) && d < param.type.extents.size(); ++d) {
      const AstId ast = param.type.extents[d];
      if (introduced.contains(ast)) continue;
      const ExprId given = extent_of(tensor, d);
      if (!is_valid(given)) {
        report_error(diagnostics_, kernel_, site.parent, "range-unknown", site.range,
                     "`" + kernel_.tensors[tensor].name + "` is given to `" + callee.name.name +
                         "`, and its text does not say how long its dimension " + std::to_string(d) + " is")
            .hint = "write the range of its index, from 0: `i in 0..E`";
        return false;
      }
      const ExprId wanted = check_int(ast);
      if (!is_valid(wanted)) return false;
      const auto *ref = std::get_if<IntRef>(&kernel_.exprs[wanted].expr);
      const auto said = ref == nullptr ? own_.said_by.end() : own_.said_by.find(index_of(ref->name));
      const auto *bare = std::get_if<AstName>(&file_.exprs[ast].expr);
      const std::string what = bare != nullptr ? "`" + bare->name + "`" : "dimension " + std::to_string(d);
      kernel_.agreements.push_back({wanted, given, what + " of `" + callee.name.name + "`",
                                    said == own_.said_by.end() ? "as `" + param.name.name + "` declares" : said->second,
                                    "by `" + kernel_.tensors[tensor].name + "`", site.range, file_.exprs[ast].range,
                                    site.parent});
    }
  }
  return true;
}

/// Names, in an order in which each formula finds what it needs: its text was checked.
bool Checker::declare_called(const KernelDecl &callee) {
  std::set<std::string> params;
  for (const Param &param : callee.params) {
    params.insert(param.name.name);
    const auto given = own_.given.find(param.name.name);
    if (!is_int(param)) continue;
    if (given == own_.given.end())
      pending_.insert(param.name.name);
    else
      declare_value(param.name, given->second.expr);
  }
  const SourceRange site = kernel_.calls[own_.call].range;
  for (const auto &[name, value] : own_.given)
    if (!params.contains(name)) declare_called_int(name, value.expr, site, "by the call");
  std::set<AstId> introduced;
  for (const Param &param : callee.params)
    if (!declare_called_param(param, introduced)) return false;
  if (!declare_called_facts(callee) || !check_called_shapes(callee, introduced)) return false;
  for (const Param &param : callee.params) declare_called_view(param);
  return true;
}

void Checker::declare_value(const Ident &name, ExprId id) {
  names_[name.name] = {Symbol::Kind::kValue, 0, name.range, {Typed::State::kValue, {}, 0, id, name.range}};
}

bool Checker::declare_called_param(const Param &param, std::set<AstId> &introduced) {
  const auto given = own_.given.find(param.name.name);
  const bool is_given = given != own_.given.end();
  if (is_given && is_valid(given->second.tensor)) {
    declare_called_dimensions(param, introduced);
    return true;
  }
  pending_.erase(param.name.name);
  if (is_given) {
    declare_value(param.name, given->second.expr);
    return true;
  }
  const ExprId value =
      is_int(param) ? check_int(param.default_value) : check_leaf(param.default_value, param.type.elem);
  declare_value(param.name, value);
  return is_valid(value);
}

/// The tensor that is given, by the rules of the parameter.
void Checker::declare_called_view(const Param &param) {
  const auto given = own_.given.find(param.name.name);
  if (given == own_.given.end() || !is_valid(given->second.tensor)) return;
  View view{given->second.tensor, {}, {}};
  for (AstId extent : param.type.extents) {
    const auto *bare = std::get_if<AstName>(&file_.exprs[extent].expr);
    view.dim_names.push_back(bare != nullptr ? bare->name : "");
  }
  view.rules = check_outside(param.outside, view.dim_names, param.type.elem, param.name);
  views_.push_back(std::move(view));
  names_[param.name.name] = {Symbol::Kind::kView, static_cast<uint32_t>(views_.size() - 1), param.name.range, {}};
}

bool Checker::declare_called_facts(const KernelDecl &callee) {
  const CallSite site = kernel_.calls[own_.call];
  for (const Fact &fact : callee.facts) {
    if (!fact.defines) {
      const ExprId condition = check_condition(fact.expr);
      if (!is_valid(condition)) return false;
      kernel_.facts.push_back({condition, fact.range, own_.call});
      continue;
    }
    const ExprId value = check_int(fact.expr);
    if (!is_valid(value)) return false;
    const Symbol *known = find(fact.defines->name);
    if (known == nullptr) {
      declare_called_int(fact.defines->name, value, fact.defines->range, "by its formula");
      continue;
    }
    const auto id = static_cast<IntId>(known->id);
    const std::string by = own_.said_by[index_of(id)];
    const ExprId now = add_value(IntRef{id}, Elem::kInt, fact.defines->range, {}).id;
    kernel_.agreements.push_back({value, now, "`" + fact.defines->name + "` of `" + callee.name.name + "`",
                                  "by its formula", by, site.range, fact.range, site.parent});
  }
  return true;
}

bool Checker::declare_called_results(const KernelDecl &callee, const std::vector<Ident> &names) {
  size_t place = 0;
  for (const Out &out : callee.outs)
    if (!declare_result(out.name, out.type, names[place++])) return false;
  for (const Param &param : callee.params) {
    if (param.kind != ParamKind::kInOut) continue;
    if (!declare_result(param.name, param.type, names[place++])) return false;
    own_.results.find(param.name.name)->second.old = own_.given[param.name.name].tensor;
  }
  return true;
}

bool Checker::declare_result(const Ident &declared, const TypeText &type, const Ident &name) {
  CallResult result{name, type.elem, {}, {}, kNoId<TensorId>, kNoId<TensorId>};
  for (AstId extent : type.extents) {
    const auto *bare = std::get_if<AstName>(&file_.exprs[extent].expr);
    if (bare != nullptr && find(bare->name) == nullptr && !scope_.items.contains(bare->name)) {
      const CallSite &site = kernel_.calls[own_.call];
      report_error(diagnostics_, kernel_, site.parent, "dimension-unknown", site.range,
                   "nothing says the dimension `" + bare->name + "` of `" + site.callee + "`")
          .hint = "give it: `" + site.callee + "(..., " + bare->name + " = ...)`";
      return false;
    }
    result.extents.push_back(check_int(extent));
    if (!is_valid(result.extents.back())) return false;
    result.dim_names.push_back(bare != nullptr ? bare->name : "");
  }
  own_.results[declared.name] = std::move(result);
  return true;
}

} // namespace sparkle::dsl
