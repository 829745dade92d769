#include "dsl/check_impl.h"
#include "dsl/limits.h"

namespace sparkle::dsl {

ExprId Checker::check_leaf(AstId leaf, Elem elem) {
  const Typed value = check_expr(leaf, elem);
  const ExprId id = coerce(value, elem);
  if (!is_valid(id)) return id;
  if (std::holds_alternative<Literal>(kernel_.exprs[id].expr)) return id;
  error("table-not-literal", value.range, "the value of a constant is made of literals only");
  return kNoId<ExprId>;
}

bool Checker::flatten(const Table &table, size_t level, Elem elem, CheckedTensor &tensor) {
  if (is_valid(table.leaf) != (level == tensor.rank())) {
    error("table-shape", table.range,
          "the table is " + std::string(is_valid(table.leaf) ? "less" : "more") + " deep here than the " +
              std::to_string(tensor.rank()) + " dimensions of its type");
    return false;
  }
  if (tensor.values.size() >= kMaxTableEntries) {
    error("table-shape", table.range, "a table has at most " + std::to_string(kMaxTableEntries) + " values");
    return false;
  }
  if (is_valid(table.leaf)) {
    const ExprId id = check_leaf(table.leaf, elem);
    if (!is_valid(id)) return false;
    tensor.values.push_back(std::get<Literal>(kernel_.exprs[id].expr));
    return true;
  }
  if (level == tensor.table_shape.size()) tensor.table_shape.push_back(table.rows.size());
  if (tensor.table_shape[level] != table.rows.size()) {
    error("table-shape", table.range,
          "a row of " + std::to_string(table.rows.size()) + " where the one before has " +
              std::to_string(tensor.table_shape[level]) + "; a table is a box");
    return false;
  }
  for (const Table &row : table.rows)
    if (!flatten(row, level + 1, elem, tensor)) return false;
  return true;
}

/// The symbol is kBad when the constant can't be used; file-level names are declared by the file, others by the caller.
Symbol Checker::check_const(const ConstDecl &decl) {
  if (decl.type.extents.empty()) {
    Symbol symbol{Symbol::Kind::kValue, 0, decl.name.range, {}};
    if (!is_valid(decl.table.leaf)) {
      error("table-shape", decl.table.range, "a table, where the type has no dimensions");
      return {};
    }
    const ExprId id = check_leaf(decl.table.leaf, decl.type.elem);
    symbol.value = {is_valid(id) ? Typed::State::kValue : Typed::State::kInvalid, {}, 0, id, decl.table.range};
    return symbol.value.valid() ? symbol : Symbol{};
  }
  if (!tensor_type_allowed(decl.name, decl.type)) return {};
  CheckedTensor tensor;
  tensor.name = own_.prefix + decl.name.name;
  tensor.elem = decl.type.elem;
  tensor.role = TensorRole::kTable;
  tensor.range = decl.name.range;
  for (AstId extent : decl.type.extents) {
    tensor.extents.push_back(check_int(extent));
    if (!is_valid(tensor.extents.back())) return {};
  }
  tensor.rules.resize(tensor.rank());
  tensor.dim_names.resize(tensor.rank());
  if (!flatten(decl.table, 0, tensor.elem, tensor)) return {};
  for (size_t d = 0; d < tensor.rank(); ++d) {
    const auto *extent = std::get_if<Literal>(&kernel_.exprs[tensor.extents[d]].expr);
    if (extent == nullptr || extent->whole == static_cast<int64_t>(tensor.table_shape[d])) continue;
    error("table-shape", decl.table.range,
          "the table has " + std::to_string(tensor.table_shape[d]) + " entries along dimension " + std::to_string(d) +
              ", its type says " + std::to_string(extent->whole));
    return {};
  }
  return {Symbol::Kind::kTensor, index_of(kernel_.tensors.add(std::move(tensor))), decl.name.range, {}};
}

} // namespace sparkle::dsl
