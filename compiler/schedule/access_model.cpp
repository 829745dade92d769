#include "compiler/schedule/access_model.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "compiler/analysis/element_functions.h"
#include "compiler/analysis/imported.h"
#include "compiler/analysis/interval.h"
#include "compiler/analysis/linear.h"
#include "compiler/analysis/tile_hull.h"
#include "compiler/analysis/walk.h"
#include "compiler/schedule/loop_plan.h"

namespace sparkle {
namespace {

class Modeller {
public:
  Modeller(const Kernel &kernel, const TensorBounds &tensors)
      : kernel_(kernel), tensors_(tensors), def_(definition_of(kernel)) {}

  DefinitionModel run() {
    for (const DefinitionDim &dim : def_.dims) add_dim(dim.name, dim.var, dim.begin, dim.end, false);
    for (const DefinitionDim &dim : def_.dims) ranges_.push_loop(kernel_, dim.var, dim.begin, dim.end);
    for_each_expr(kernel_, def_.store->value, [&](ExprId id) {
      const auto *reduce = std::get_if<Reduce>(&kernel_.expr(id));
      for (size_t i = 0; reduce && i < reduce->axes.size(); ++i)
        ranges_.push_loop(kernel_, reduce->axes[i].var, reduce->axes[i].begin, reduce->axes[i].end);
    });
    std::vector<ExprId> reduces = main_reduces(kernel_, def_);
    if (!reduces.empty())
      for (const ReduceAxis &axis : std::get<Reduce>(kernel_.expr(reduces.front())).axes)
        add_dim(axis_name(kernel_, axis.var, names()), axis.var, axis.begin, axis.end, true);
    model_.accumulators = static_cast<int>(reduces.size());
    model_.store = access(def_.store->buffer, def_.store->indices, kNoId<ExprId>, false);
    add_reads(reduces);
    count_operations(reduces);
    model_.narrowing = narrowing(reduces);
    return std::move(model_);
  }

private:
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const ModelDim &dim : model_.dims) names.push_back(dim.name);
    return names;
  }

  void add_dim(const std::string &name, VarId var, ExprId begin, ExprId end, bool reduction) {
    auto lo = kernel_.constant(begin), hi = kernel_.constant(end);
    ModelDim dim{name, var, 1, !lo || !hi, reduction};
    if (!dim.is_open) dim.extent = std::max<int64_t>(1, *hi - *lo);
    if (dim.is_open && reduction) dim.extent = kOpenTerms;
    model_.dims.push_back(dim);
  }

  ModelAccess access(BufferId id, const std::vector<ExprId> &indices, ExprId guard, bool in_reduction) const {
    const Buffer &buffer = kernel_.buffer(id);
    ModelAccess result;
    result.tensor = buffer.name;
    result.is_constant = buffer.role == Role::kConst || buffer.role == Role::kPacked;
    result.in_reduction = in_reduction;
    result.element_bytes = bytes_of(buffer.element);
    size_t n = model_.dims.size();
    result.strides.assign(n, 0);
    result.depends.assign(n, false);
    result.irregular.assign(n, false);
    result.guarded.assign(n, false);
    result.limited.assign(n, false);
    for (size_t d = 0; d < indices.size(); ++d) {
      result.tensor_elements *= std::max<int64_t>(1, kernel_.extent(id, static_cast<int>(d)).value_or(1));
      add_index(result, indices[d], kernel_.stride(id, static_cast<int>(d)).value_or(1));
    }
    if (is_valid(guard))
      for (VarId var : vars_of(kernel_, guard))
        if (auto dim = dim_of(var)) result.guarded[*dim] = true;
    for (size_t d = 0; d < n; ++d)
      if (result.depends[d]) result.walked.push_back(d);
    std::ranges::stable_sort(result.walked, {}, [&](size_t d) { return std::abs(result.strides[d]); });
    return result;
  }

  void add_index(ModelAccess &result, ExprId index, int64_t stride) const {
    for (const LinearTerm &term : to_linear(kernel_, index).terms) {
      auto value = clamped_value(kernel_, term.atom); // As it is inside the limits: most of the tiles are.
      if (!value) value = wrapped_value(term.atom);
      if (value) {
        for (VarId var : vars_of(kernel_, *value))
          if (auto dim = dim_of(var)) result.limited[*dim] = true;
        add_index(result, *value, stride * term.coefficient);
        continue;
      }
      const auto *ref = std::get_if<VarRef>(&kernel_.expr(term.atom));
      for (VarId var : vars_of(kernel_, term.atom)) {
        auto dim = dim_of(var);
        if (!dim) continue;
        result.depends[*dim] = true;
        if (ref)
          result.strides[*dim] += term.coefficient * stride;
        else
          result.irregular[*dim] = true;
      }
    }
  }

  /// The x of x % c where x leaves the first period for less than one on either side: indices that wrap around.
  std::optional<ExprId> wrapped_value(ExprId id) const {
    const auto *e = std::get_if<Binary>(&kernel_.expr(id));
    const auto period = e && e->op == BinaryOp::kMod ? splat_constant(kernel_, e->b) : std::nullopt;
    if (!period || *period <= 0) return std::nullopt;
    const Interval x = bounds(kernel_, e->a, ranges_);
    const bool stays = x.is_bounded() && *x.lo >= -*period && *x.hi < 2 * *period && *x.hi - *x.lo >= *period;
    return stays ? std::optional(e->a) : std::nullopt;
  }

  int64_t narrowing(const std::vector<ExprId> &reduces) const {
    const bool halves = std::all_of(reduces.begin(), reduces.end(), [&](ExprId id) {
      return kernel_.type_of(id) == kI32Type && fits_16_bits(value_bounds(kernel_, id, ranges_, tensors_));
    });
    if (halves && !reduces.empty()) return 2;
    return reduces.size() == 1 ? extremum_narrowing(reduces.front()) : 1;
  }

  /// An extremum of widened elements that is stored as one of them.
  int64_t extremum_narrowing(ExprId id) const {
    const Reduce &reduce = std::get<Reduce>(kernel_.expr(id));
    const auto *cast = std::get_if<Cast>(&kernel_.expr(reduce.body));
    const auto *read = cast ? std::get_if<Read>(&kernel_.expr(cast->a)) : nullptr;
    if (!read || (reduce.op != ReduceOp::kMax && reduce.op != ReduceOp::kMin)) return 1;
    const Scalar element = kernel_.buffer(read->buffer).element;
    const bool returns = kernel_.buffer(def_.store->buffer).element == element;
    const auto *back = std::get_if<Cast>(&kernel_.expr(def_.store->value));
    if (!returns || !back || back->a != id || is_float(element)) return 1;
    return 4 / std::min<int64_t>(4, bytes_of(element));
  }

  std::optional<size_t> dim_of(VarId var) const {
    for (size_t i = 0; i < model_.dims.size(); ++i)
      if (model_.dims[i].var == var) return i;
    // Further reductions over the same box have axes of their own, with the same names.
    const Variable &variable = kernel_.var(var);
    if (variable.kind != VarKind::kAxis) return std::nullopt;
    for (size_t i = 0; i < model_.dims.size(); ++i)
      if (model_.dims[i].is_reduction && kernel_.var(model_.dims[i].var).dim == variable.dim && !variable.dim.empty())
        return i;
    return std::nullopt;
  }

  void add_reads(const std::vector<ExprId> &reduces) {
    std::set<ExprId> inside;
    for (ExprId reduce : reduces) {
      std::vector<ExprId> reads = reads_of(kernel_, reduce);
      if (reads.empty()) ++model_.counts;
      inside.insert(reads.begin(), reads.end());
    }
    for (ExprId id : reads_of(kernel_, def_.store->value)) {
      const Read &read = std::get<Read>(kernel_.expr(id));
      ExprId guard = read.guard;
      ModelAccess result = access(read.buffer, read.indices, guard, inside.contains(id));
      model_.reads.push_back(std::move(result));
    }
    for (ExprId reduce : reduces) mark_filter(std::get<Reduce>(kernel_.expr(reduce)).filter);
  }

  void mark_filter(ExprId filter) {
    if (!is_valid(filter)) return;
    for (VarId var : vars_of(kernel_, filter))
      if (auto dim = dim_of(var))
        for (ModelAccess &read : model_.reads)
          if (read.in_reduction && read.depends[*dim]) read.guarded[*dim] = true;
  }

  void count_operations(const std::vector<ExprId> &reduces) {
    ExprId root = reduces.empty() ? def_.store->value : std::get<Reduce>(kernel_.expr(reduces.front())).body;
    int64_t operations = 0;
    std::set<ExprId> seen;
    count_below(root, seen, operations);
    // The multiplication of a product and its addition are one fused operation.
    model_.operations = std::max<int64_t>(1, operations) * static_cast<int64_t>(std::max<size_t>(1, reduces.size()));
  }

  /// Arithmetic on values; where a read stands and whether it is inside is no part of it.
  void count_below(ExprId id, std::set<ExprId> &seen, int64_t &operations) {
    const Expr &expr = kernel_.expr(id);
    if (!seen.insert(id).second || std::holds_alternative<Read>(expr)) return;
    Scalar type = kernel_.type_of(id).scalar;
    bool arithmetic = std::holds_alternative<Binary>(expr) || std::holds_alternative<Unary>(expr) ||
                      std::holds_alternative<Fma>(expr) || std::holds_alternative<Select>(expr);
    const auto *unary = std::get_if<Unary>(&expr);
    const ElementFunction *function = unary ? element_function(unary->op) : nullptr;
    if (arithmetic && type != Scalar::kIndex && type != Scalar::kBool)
      operations += function ? function->operations : 1;
    if (const auto *nested = std::get_if<Reduce>(&expr))
      for (const ReduceAxis &axis : nested->axes)
        model_.nested_terms *=
            std::max<int64_t>(1, kernel_.constant(axis.end).value_or(1) - kernel_.constant(axis.begin).value_or(0));
    for_each_child(expr, [&](ExprId child) { count_below(child, seen, operations); });
  }

  const Kernel &kernel_;
  const TensorBounds &tensors_;
  Definition def_;
  DefinitionModel model_;
  Ranges ranges_; ///< Of all dimensions and axes.
};

} // namespace

size_t DefinitionModel::parallel_dims() const {
  return static_cast<size_t>(
      std::count_if(dims.begin(), dims.end(), [](const ModelDim &d) { return !d.is_reduction; }));
}

int64_t DefinitionModel::outputs() const {
  int64_t product = 1;
  for (const ModelDim &dim : dims)
    if (!dim.is_reduction) product *= dim.extent;
  return product;
}

int64_t DefinitionModel::terms() const {
  int64_t product = 1;
  for (const ModelDim &dim : dims)
    if (dim.is_reduction) product *= dim.extent;
  return product;
}

bool is_even(const DefinitionModel &model, const ModelAccess &access, const std::vector<int> &dims) {
  for (size_t i = 0; i + 1 < dims.size(); ++i) {
    const auto outer = static_cast<size_t>(dims[i]), inner = static_cast<size_t>(dims[i + 1]);
    for (size_t d : {outer, inner})
      if (access.irregular[d] || access.guarded[d]) return false;
    if (access.limited[inner] || access.strides[outer] != access.strides[inner] * model.dims[inner].extent)
      return false;
  }
  return true;
}

DefinitionModel model_of(const Kernel &kernel, const TensorBounds &tensors) { return Modeller(kernel, tensors).run(); }

} // namespace sparkle
