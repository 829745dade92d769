// Calls of kernels: `let y = conv2d(src, wei, p = 1);` puts the statements of a kernel above in the place of the call.
// Its parameters are views of what is given, its outputs intermediates of the caller, its own intermediates too, under
// qualified names (`y.acc`). The text of a kernel that is called is sound: it was checked by itself before.
#include <algorithm>

#include "compiler/support/match.h"
#include "dsl/check_impl.h"
#include "dsl/limits.h"
#include "dsl/suggest.h"

namespace sparkle::dsl {
namespace {

bool is_int(const Param &param) { return param.type.extents.empty() && param.type.elem == Elem::kInt; }
bool is_scalar(const Param &param) {
  return param.type.extents.empty() && param.kind != ParamKind::kInOut && !is_int(param);
}

const Param *param_named(const KernelDecl &kernel, std::string_view name) {
  const auto at = std::find_if(kernel.params.begin(), kernel.params.end(),
                               [&](const Param &param) { return param.name.name == name; });
  return at == kernel.params.end() ? nullptr : &*at;
}

/// In order: outputs, then what is `inout`.
std::vector<Ident> results_of(const KernelDecl &kernel) {
  std::vector<Ident> names;
  for (const Out &out : kernel.outs) names.push_back(out.name);
  for (const Param &param : kernel.params)
    if (param.kind == ParamKind::kInOut) names.push_back(param.name);
  return names;
}

/// That a call may give with its name: bare names of shapes, and what formulas define.
std::vector<std::string> dimensions_of(const File &file, const KernelDecl &kernel) {
  std::vector<std::string> names;
  const auto add = [&](const TypeText &type) {
    for (AstId extent : type.extents)
      if (const auto *bare = std::get_if<AstName>(&file.exprs[extent].expr)) names.push_back(bare->name);
  };
  for (const Param &param : kernel.params) add(param.type);
  for (const Out &out : kernel.outs) add(out.type);
  for (const Fact &fact : kernel.facts)
    if (fact.defines) names.push_back(fact.defines->name);
  return names;
}

} // namespace

/// The item of the kernel that `ast` calls; SIZE_MAX when it is one that can't be called here (said already).
std::optional<size_t> Checker::kernel_called(AstId ast) {
  const auto *call = std::get_if<AstCall>(&file_.exprs[ast].expr);
  const auto item = call == nullptr ? scope_.items.end() : scope_.items.find(call->callee.name);
  if (item == scope_.items.end() || item->second.kind != Symbol::Kind::kKernel) return std::nullopt;
  const Symbol symbol = lookup(call->callee.name, call->callee.range);
  return symbol.kind == Symbol::Kind::kKernel ? symbol.id : SIZE_MAX;
}

/// True if it is a call of a kernel, sound or not.
bool Checker::check_kernel_let(const LetText &let) {
  const auto item = kernel_called(let.value);
  if (!item && let.names.size() == 1) return false;
  std::vector<TensorId> results;
  if (!item)
    error("call-results", let.names[1].range, "several names take the results of a kernel, and this is not a call");
  else if (let.has_indices)
    error("unsupported-call", let.names[0].range, "the result of a kernel has the dimensions that the kernel declares")
        .hint = "write `let " + let.names[0].name + " = ...`, without brackets";
  else if (*item != SIZE_MAX) {
    std::vector<Ident> names = let.names;
    for (Ident &name : names) name.name = own_.prefix + name.name;
    results = put_in_place(*item, std::get<AstCall>(file_.exprs[let.value].expr), file_.exprs[let.value].range, names);
  }
  for (size_t i = 0; i < let.names.size(); ++i) {
    if (results.empty()) {
      declare(let.names[i], {});
      continue;
    }
    auto rules = check_outside(let.outside, kernel_.tensors[results[i]].dim_names, kernel_.tensors[results[i]].elem,
                               let.names[i]);
    kernel_.tensors[results[i]].rules = std::move(rules);
    declare(let.names[i], {Symbol::Kind::kTensor, index_of(results[i]), {}, {}});
  }
  return true;
}

/// The results, in order; none when a mistake was reported.
std::vector<TensorId> Checker::put_in_place(size_t item, const AstCall &call, SourceRange range,
                                            const std::vector<Ident> &names) {
  const auto &callee = std::get<KernelDecl>(file_.items[item]);
  const size_t results = results_of(callee).size();
  if (results != names.size()) {
    error("call-results", range,
          "`" + callee.name.name + "` has " + std::to_string(results) + " result" + (results == 1 ? "" : "s") +
              ", and " + std::to_string(names.size()) + " name" + (names.size() == 1 ? " is" : "s are") + " given");
    return {};
  }
  if (too_large_) return {};
  if (call_depth_ >= kMaxCallDepth || kernel_.calls.size() >= kMaxCalls) {
    const bool deep = call_depth_ >= kMaxCallDepth;
    error(deep ? "too-deep" : "too-large", range,
          "more than " + std::to_string(deep ? size_t{kMaxCallDepth} : kMaxCalls) + " calls of kernels " +
              (deep ? "in each other" : "in one kernel"));
    too_large_ = true;
    return {};
  }
  CallScope inner;
  inner.item = item;
  inner.prefix = names[0].name + ".";
  if (!match_arguments(callee, call, inner)) return {};
  inner.call = kernel_.calls.add({range, callee.name.name, own_.call});
  swap_scope(inner);
  ++call_depth_;
  std::vector<TensorId> made = check_called(callee, names);
  --call_depth_;
  swap_scope(inner);
  return made;
}

void Checker::swap_scope(CallScope &other) {
  std::swap(names_, other.names);
  std::swap(order_, other.order);
  std::swap(pending_, other.pending);
  std::swap(item_, other.item);
  std::swap(own_.call, other.call);
  std::swap(own_.prefix, other.prefix);
  std::swap(own_.results, other.results);
  std::swap(own_.given, other.given);
  std::swap(own_.said_by, other.said_by);
}

/// First those without names, in order of the parameters; then those with names, which may be of dimensions too.
bool Checker::match_arguments(const KernelDecl &callee, const AstCall &call, CallScope &inner) {
  bool sound = true, named = false;
  size_t place = 0;
  for (const AstArgument &argument : call.arguments) {
    named = named || argument.name;
    if (!argument.name && (named || place >= callee.params.size())) {
      error("bad-arguments", file_.exprs[argument.value].range,
            named ? "an argument without a name stands behind one with a name"
                  : "`" + callee.name.name + "` has " + std::to_string(callee.params.size()) + " parameters");
      return false;
    }
    const Ident name =
        argument.name ? *argument.name : Ident{callee.params[place++].name.name, file_.exprs[argument.value].range};
    if (inner.given.contains(name.name)) {
      error("bad-arguments", name.range, "`" + name.name + "` is given twice");
      return false;
    }
    std::vector<std::string> known = dimensions_of(file_, callee);
    for (const Param &param : callee.params) known.push_back(param.name.name);
    if (std::find(known.begin(), known.end(), name.name) == known.end()) {
      auto &d = error("bad-arguments", name.range,
                      "`" + callee.name.name + "` has no parameter or dimension `" + name.name + "`");
      const std::string nearest = nearest_name(name.name, known);
      if (!nearest.empty()) d.hint = "did you mean `" + nearest + "`?";
      if (!nearest.empty()) d.fixes.push_back({name.range, nearest});
      return false;
    }
    sound = check_argument(callee, name.name, argument.value, inner) && sound;
  }
  if (!sound) return false;
  for (const Param &param : callee.params) {
    if (inner.given.contains(param.name.name) || is_valid(param.default_value)) continue;
    auto &d = error("bad-arguments", call.callee.range,
                    "`" + callee.name.name + "` needs a value for `" + param.name.name + "`");
    d.notes.push_back({param.name.range, "`" + param.name.name + "` declared here"});
    return false;
  }
  return true;
}

bool Checker::check_argument(const KernelDecl &callee, const std::string &name, AstId value, CallScope &inner) {
  const Param *param = param_named(callee, name);
  if (param != nullptr && !is_int(*param))
    return is_scalar(*param) ? check_scalar_argument(*param, value, inner)
                             : check_tensor_argument(*param, value, inner);
  inner.given[name].expr = check_int(value);
  return is_valid(inner.given[name].expr);
}

bool Checker::check_scalar_argument(const Param &param, AstId value, CallScope &inner) {
  const Typed typed = check_expr(value, param.type.elem);
  const ExprId id = coerce(typed, param.type.elem);
  if (!is_valid(id)) return false;
  if (any_below(id, [](const Expr &e) { return std::holds_alternative<Reduce>(e); })) {
    error("bad-arguments", typed.range, "a reduction as an argument would be computed wherever it is used").hint =
        "name it: `let m = ...;`, and give `m`";
    return false;
  }
  inner.given[param.name.name].expr = id;
  return true;
}

bool Checker::tensor_may_be_given(const Param &param, TensorId id, SourceRange range) {
  const CheckedTensor &tensor = kernel_.tensors[id];
  const std::string shown = "`" + tensor.name + "`";
  if (tensor.role == TensorRole::kOutput || tensor.role == TensorRole::kInOut) {
    error(tensor.role == TensorRole::kOutput ? "output-not-readable" : "inout-not-pointwise", range,
          shown + " is written by this kernel, and can't be given to another one");
    return false;
  }
  if (tensor.rank() != param.type.extents.size()) {
    error("rank-mismatch", range,
          shown + " has " + std::to_string(tensor.rank()) + " dimensions, and `" + param.name.name + "` has " +
              std::to_string(param.type.extents.size()))
        .notes.push_back({param.name.range, "`" + param.name.name + "` declared here"});
    return false;
  }
  if (tensor.elem == param.type.elem) return true;
  auto &d = error("type-mismatch", range,
                  shown + " holds `" + std::string(name_of(tensor.elem)) + "`, and `" + param.name.name + "` is `" +
                      std::string(name_of(param.type.elem)) + "`");
  d.hint = "convert it first, in a `let`";
  d.notes.push_back({param.type.range, "`" + param.name.name + "` declared here"});
  return false;
}

/// The name of a tensor or view, or a call of a kernel with one result.
bool Checker::check_tensor_argument(const Param &param, AstId value, CallScope &inner) {
  const AstNode &node = file_.exprs[value];
  CallValue &given = inner.given[param.name.name];
  if (const auto item = kernel_called(value)) {
    if (*item == SIZE_MAX) return false;
    const Ident name{inner.prefix + param.name.name, node.range};
    const auto results = put_in_place(*item, std::get<AstCall>(node.expr), node.range, {name});
    if (results.empty()) return false;
    given.tensor = results[0];
    return tensor_may_be_given(param, given.tensor, node.range);
  }
  const auto *name = std::get_if<AstName>(&node.expr);
  const Symbol symbol = name == nullptr ? Symbol{} : lookup(name->name, node.range);
  const bool view = symbol.kind == Symbol::Kind::kView;
  if (name != nullptr && symbol.kind == Symbol::Kind::kBad) return false;
  if (!view && symbol.kind != Symbol::Kind::kTensor) {
    error("bad-arguments", node.range, "`" + param.name.name + "` takes the name of a tensor").hint =
        "name the value first: `let t[i] = ...;`";
    return false;
  }
  given.tensor = view ? views_[symbol.id].base : static_cast<TensorId>(symbol.id);
  return tensor_may_be_given(param, given.tensor, node.range);
}

/// In the scope of the kernel that is called.
std::vector<TensorId> Checker::check_called(const KernelDecl &callee, const std::vector<Ident> &names) {
  if (!declare_called(callee) || !declare_called_results(callee, names)) return {};
  for (const StatementText &statement : callee.body) {
    if (diagnostics_.full() || too_large_) return {};
    check_statement(statement);
  }
  std::vector<TensorId> made;
  for (const Ident &result : results_of(callee)) {
    const TensorId id = own_.results.find(result.name)->second.made;
    if (!is_valid(id)) return {};
    made.push_back(id);
  }
  return made;
}

/// `dst[n, c] = e` of the kernel that is called becomes `let y[n in 0..N, c in 0..C] = e`.
void Checker::check_call_def(const DefText &def) {
  CallResult &result = own_.results.find(def.target.name)->second;
  const size_t scope = order_.size();
  CheckedTensor tensor;
  tensor.name = result.name.name;
  tensor.range = result.name.range;
  tensor.call = kernel_.calls[own_.call].parent;
  tensor.elem = result.elem;
  tensor.role = TensorRole::kLet;
  tensor.dim_names = result.dim_names;
  tensor.rules.resize(result.extents.size());
  std::vector<ExprId> subscripts;
  for (size_t d = 0; d < def.subscripts.size(); ++d) {
    Bind bind;
    bind.index = {std::get<AstName>(file_.exprs[def.subscripts[d]].expr).name, file_.exprs[def.subscripts[d]].range};
    const auto index = declare_index(bind, false);
    if (!index) return;
    kernel_.indices[*index].kind = RangeKind::kHalfOpen;
    kernel_.indices[*index].begin = add_value(Literal{}, Elem::kInt, bind.index.range, {}).id;
    kernel_.indices[*index].end = result.extents[d];
    tensor.indices.push_back(*index);
    if (def.accumulate) subscripts.push_back(add_value(IndexRef{*index}, Elem::kInt, bind.index.range, {}).id);
  }
  Typed value = check_expr(def.value, result.elem);
  if (def.accumulate && value.valid()) {
    const Elem elem = kernel_.tensors[result.old].elem;
    const Read read{result.old, subscripts, std::vector<Access>(subscripts.size())};
    value = arithmetic(BinaryOp::kAdd, add_value(read, elem, def.target.range, subscripts), value, value.range);
  }
  close_scope(scope);
  const ExprId id = coerce(value, result.elem);
  if (!is_valid(id)) return;
  Definition definition{kNoId<TensorId>, tensor.indices, id, kernel_.exprs[id].constant, def.range, own_.call};
  result.made = definition.target = kernel_.tensors.add(std::move(tensor));
  kernel_.definitions.push_back(std::move(definition));
}

} // namespace sparkle::dsl
