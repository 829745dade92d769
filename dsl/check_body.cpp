#include <algorithm>

#include "compiler/support/match.h"
#include "dsl/check_impl.h"
#include "dsl/limits.h"

namespace sparkle::dsl {

CheckedKernel Checker::check_kernel(const KernelDecl &decl) {
  kernel_.name = decl.name.name;
  kernel_.range = decl.name.range;
  declare_params(decl);
  declare_outs(decl);
  declare_facts(decl);
  check_shapes(decl);
  for (const StatementText &statement : decl.body) {
    if (diagnostics_.full()) break;
    check_statement(statement);
  }
  check_all_defined(decl);
  return std::move(kernel_);
}

void Checker::check_statement(const StatementText &statement) {
  match(
      statement,
      [&](const ConstDecl &constant) {
        const Symbol symbol = check_const(constant);
        declare(constant.name, symbol);
      },
      [&](const LetText &let) { check_let(let); },
      [&](const DefText &def) { is_valid(own_.call) ? check_call_def(def) : check_def(def); });
}

void Checker::check_all_defined(const KernelDecl &decl) {
  const auto require = [&](const Ident &name) {
    const Symbol *symbol = find(name.name);
    if (symbol == nullptr || symbol->kind != Symbol::Kind::kTensor || defined_.contains(symbol->id)) return;
    error("output-not-defined", name.range, "no statement writes `" + name.name + "`");
  };
  for (const Param &param : decl.params)
    if (param.kind == ParamKind::kInOut) require(param.name);
  for (const Out &out : decl.outs) require(out.name);
}

ExprId Checker::check_range_end(AstId expr) {
  const ExprId id = check_int(expr);
  if (!is_valid(id) || !kernel_.exprs[id].has_index) return id;
  error("range-not-box", kernel_.exprs[id].range, "the end of a range depends on an index: every domain is a box")
      .hint = "write the whole range, and a filter: `sum[j in 0..N where j <= i](...)`";
  return kNoId<ExprId>;
}

std::optional<IndexId> Checker::declare_index(const Bind &bind, bool may_demand) {
  CheckedIndex index{bind.index.name, bind.kind, kNoId<ExprId>, kNoId<ExprId>, bind.index.range, own_.call};
  if (bind.kind == RangeKind::kDemand && !may_demand) {
    error("demand-range", bind.index.range, "only an index of a `let` may range over what is read").hint =
        "write the range, as in `" + bind.index.name + " in 0..E`";
    return std::nullopt;
  }
  if (is_valid(bind.begin)) {
    index.begin = check_range_end(bind.begin);
    index.end = check_range_end(bind.end);
    if (!is_valid(index.begin) || !is_valid(index.end)) {
      declare(bind.index, {});
      return std::nullopt;
    }
  }
  const IndexId id = kernel_.indices.add(std::move(index));
  if (!declare(bind.index, {Symbol::Kind::kIndex, index_of(id), {}, {}})) return std::nullopt;
  return id;
}

/// `let v outside ... = t;`: true if it is one, sound or not.
bool Checker::check_view(const LetText &let) {
  const AstNode &node = file_.exprs[let.value];
  const auto *name = std::get_if<AstName>(&node.expr);
  if (let.has_indices || name == nullptr) return false;
  const Symbol *symbol = find(name->name);
  if (symbol == nullptr && scope_.items.contains(name->name)) lookup(name->name, node.range);
  symbol = find(name->name);
  if (symbol == nullptr) {
    const auto item = scope_.items.find(name->name);
    const auto constant = item == scope_.items.end() ? file_consts_.end() : file_consts_.find(item->second.id);
    if (constant != file_consts_.end()) symbol = &constant->second;
  }
  if (symbol == nullptr) return false;
  View view;
  if (symbol->kind == Symbol::Kind::kTensor) {
    view.base = static_cast<TensorId>(symbol->id);
    view.dim_names = kernel_.tensors[view.base].dim_names;
  } else if (symbol->kind == Symbol::Kind::kView) {
    view = views_[symbol->id];
  } else
    return false;
  const CheckedTensor &base = kernel_.tensors[view.base];
  if (base.rank() == 0) return false;
  if (base.role == TensorRole::kOutput || base.role == TensorRole::kInOut) {
    error("output-not-readable", node.range, "`" + base.name + "` is written by this kernel, and can't be viewed");
    declare(let.names[0], {});
    return true;
  }
  view.rules = check_outside(let.outside, view.dim_names, base.elem, let.names[0]);
  views_.push_back(std::move(view));
  declare(let.names[0], {Symbol::Kind::kView, static_cast<uint32_t>(views_.size() - 1), {}, {}});
  return true;
}

void Checker::check_let(const LetText &let) {
  if (check_kernel_let(let) || check_view(let)) return;
  if (let.binds.size() > kMaxRank)
    error("rank-limit", let.names[0].range,
          "`" + let.names[0].name + "` has more than " + std::to_string(kMaxRank) + " dimensions");
  CheckedTensor tensor;
  tensor.name = own_.prefix + let.names[0].name;
  tensor.role = TensorRole::kLet;
  tensor.range = let.names[0].range;
  tensor.call = own_.call;
  const size_t scope = order_.size();
  bool sound = true;
  for (const Bind &bind : let.binds) {
    const auto index = declare_index(bind, true);
    sound = sound && index;
    if (index) tensor.indices.push_back(*index);
    tensor.dim_names.push_back(bind.index.name);
  }
  const Typed value = check_expr(let.value, std::nullopt);
  close_scope(scope);
  Definition definition{kNoId<TensorId>, tensor.indices, kNoId<ExprId>, false, let.range, own_.call};
  if (value.is_literal())
    error("literal-needs-type", value.range, "nothing says the type of this value").hint =
        "write `f32(...)` or `i32(...)`";
  else if (value.valid() && !is_data(type_of(value)))
    error("type-mismatch", value.range,
          "`" + tensor.name + "` would hold `" + std::string(name_of(type_of(value))) + "`, which is not data")
        .hint = "write `i32(...)` or `f32(...)`";
  else
    definition.value = value.id;
  if (!sound || !is_valid(definition.value)) {
    declare(let.names[0], {});
    return;
  }
  tensor.elem = type_of(value);
  tensor.rules = check_outside(let.outside, tensor.dim_names, tensor.elem, let.names[0]);
  definition.constant = kernel_.exprs[definition.value].constant;
  definition.target = kernel_.tensors.add(std::move(tensor));
  declare(let.names[0], {Symbol::Kind::kTensor, index_of(definition.target), {}, {}});
  kernel_.definitions.push_back(std::move(definition));
}

bool Checker::check_target(const DefText &def, TensorId target, std::vector<IndexId> &indices) {
  for (AstId subscript : def.subscripts) {
    const AstNode &node = file_.exprs[subscript];
    const auto *name = std::get_if<AstName>(&node.expr);
    if (name == nullptr) {
      auto &d = error("lhs-not-index", node.range, "the left side of a statement takes plain index names");
      d.hint = "say what each element is, by reading: `h[b] = sum[i where i32(src[i]) == i32(b)](1)`";
      return false;
    }
    Bind bind;
    bind.index = {name->name, node.range};
    const auto index = declare_index(bind, false);
    if (!index) return false;
    indices.push_back(*index);
  }
  const CheckedTensor &tensor = kernel_.tensors[target];
  if (indices.size() == tensor.rank()) return true;
  error("rank-mismatch", def.target.range,
        "`" + tensor.name + "` has " + std::to_string(tensor.rank()) + " dimensions, and " +
            std::to_string(indices.size()) + " indices here");
  return false;
}

void Checker::check_def(const DefText &def) {
  const Symbol symbol = lookup(def.target.name, def.target.range);
  if (symbol.kind == Symbol::Kind::kBad) return;
  const bool tensor = symbol.kind == Symbol::Kind::kTensor;
  const TensorId target = tensor ? static_cast<TensorId>(symbol.id) : kNoId<TensorId>;
  const TensorRole role = tensor ? kernel_.tensors[target].role : TensorRole::kInput;
  if (role != TensorRole::kOutput && role != TensorRole::kInOut) {
    error("not-an-output", def.target.range, "`" + def.target.name + "` is no output of this kernel").hint =
        "write `let` in front to name an intermediate";
    return;
  }
  if (def.accumulate && role != TensorRole::kInOut)
    error("accumulate-needs-inout", def.target.range,
          "`+=` adds to what `" + def.target.name + "` holds, so it must be `inout`");
  if (!defined_.insert(symbol.id).second) {
    error("duplicate-definition", def.target.range, "`" + def.target.name + "` has two statements; each output has one")
        .hint = "the value may be a sum, or use `select`";
    return;
  }
  const size_t scope = order_.size();
  std::vector<IndexId> indices;
  if (check_target(def, target, indices)) {
    target_ = target;
    target_indices_ = &indices;
    Typed value = check_expr(def.value, kernel_.tensors[target].elem);
    if (def.accumulate && value.valid()) {
      std::vector<ExprId> subscripts;
      for (IndexId index : indices)
        subscripts.push_back(add_value(IndexRef{index}, Elem::kInt, kernel_.indices[index].range, {}).id);
      const CheckedTensor &t = kernel_.tensors[target];
      const Typed old = add_value(Read{target, subscripts, std::vector<Access>(subscripts.size())}, t.elem,
                                  def.target.range, subscripts);
      value = arithmetic(BinaryOp::kAdd, old, value, value.range);
    }
    const ExprId id = coerce(value, kernel_.tensors[target].elem);
    if (is_valid(id)) kernel_.definitions.push_back({target, indices, id, false, def.range, own_.call});
    target_ = kNoId<TensorId>;
    target_indices_ = nullptr;
  }
  close_scope(scope);
}

} // namespace sparkle::dsl
