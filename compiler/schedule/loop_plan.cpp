#include "compiler/schedule/loop_plan.h"

#include <algorithm>

#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

class Planner {
public:
  Planner(const std::vector<PlannedSource> &sources, bool keeps_term_order, const KernelSchedule &schedule)
      : keeps_term_order_(keeps_term_order), schedule_(schedule) {
    plan_.sources = sources;
  }

  Result<LoopPlan> run() {
    SPARKLE_TRY_STATUS(fuse_and_split());
    SPARKLE_TRY_STATUS(order_loops());
    SPARKLE_TRY_STATUS(check_order());
    return std::move(plan_);
  }

private:
  Error bad(const std::string &text) const {
    return {ErrorCode::kBadSchedule, "schedule of kernel `" + schedule_.kernel + "`: " + text};
  }

  std::optional<int> source(const std::string &name) const {
    for (size_t i = 0; i < plan_.sources.size(); ++i)
      if (plan_.sources[i].name == name) return static_cast<int>(i);
    return std::nullopt;
  }

  Status fuse_and_split() {
    std::vector<bool> taken(plan_.sources.size(), false);
    plan_.dims.reserve(plan_.sources.size());
    for (const DimSchedule &entry : schedule_.dims) {
      PlannedDim dim;
      dim.name = entry.dim;
      dim.sources.reserve(std::max<size_t>(1, entry.fused.size()));
      if (entry.fused.empty()) SPARKLE_TRY_STATUS(take(entry.dim, taken, dim));
      for (const std::string &name : entry.fused) SPARKLE_TRY_STATUS(take(name, taken, dim));
      if (entry.fused.size() > 1 && source(entry.dim))
        return bad("fused dimension `" + entry.dim + "` has the name of another");
      SPARKLE_TRY_STATUS(finish_dim(dim, entry.splits));
      plan_.dims.push_back(std::move(dim));
    }
    for (size_t i = 0; i < plan_.sources.size(); ++i) {
      if (taken[i]) continue;
      PlannedDim dim;
      dim.name = plan_.sources[i].name;
      dim.sources = {static_cast<int>(i)};
      SPARKLE_TRY_STATUS(finish_dim(dim, {}));
      plan_.dims.push_back(std::move(dim));
    }
    return ok();
  }

  Status take(const std::string &name, std::vector<bool> &taken, PlannedDim &dim) const {
    auto s = source(name);
    if (!s) return bad("there is no dimension `" + name + "`");
    if (taken[*s]) return bad("dimension `" + name + "` is scheduled twice");
    taken[*s] = true;
    dim.sources.push_back(*s);
    return ok();
  }

  Status finish_dim(PlannedDim &dim, const std::vector<Split> &splits) {
    dim.is_reduction = plan_.sources[dim.sources.front()].is_reduction;
    dim.extent = 1;
    for (int s : dim.sources) {
      if (plan_.sources[s].is_reduction != dim.is_reduction)
        return bad("`" + dim.name + "` fuses output dimensions with reduction axes");
      std::optional<int64_t> extent = plan_.sources[s].extent;
      if (!extent && dim.sources.size() > 1 && s != dim.sources.front())
        return bad("`" + dim.name + "` fuses `" + plan_.sources[s].name + "`, whose extent is open, behind another");
      dim.extent = dim.extent && extent ? checked_mul(*dim.extent, *extent) : std::nullopt;
    }
    if (splits.empty()) return set_factors(dim, {Split{LoopKind::kSerial, 0}}, 1);
    int64_t inner = 1;
    for (size_t i = 1; i < splits.size(); ++i) {
      auto product = checked_mul(inner, splits[i].factor);
      if (splits[i].factor <= 0 || !product) return bad("factors of `" + dim.name + "` must be positive");
      inner = *product;
    }
    return set_factors(dim, splits, inner);
  }

  Status set_factors(PlannedDim &dim, const std::vector<Split> &splits, int64_t inner) {
    int64_t outer = splits.front().factor;
    if (outer == 0) outer = dim.extent ? std::max<int64_t>(1, ceil_div(*dim.extent, inner)) : 0;
    if (outer != 0 && !dim.extent)
      return bad("the outermost factor of `" + dim.name + "`, whose extent is open, must be left out");
    if (dim.extent && (!checked_mul(outer, inner) || outer * inner < *dim.extent))
      return bad("factors of `" + dim.name + "` cover " + std::to_string(outer * inner) + " of its extent " +
                 std::to_string(*dim.extent));
    dim.kinds.reserve(splits.size());
    dim.factors.reserve(splits.size());
    for (size_t i = 0; i < splits.size(); ++i) {
      LoopKind kind = splits[i].kind;
      if (dim.is_reduction) SPARKLE_TRY_STATUS(check_reduction(dim, kind));
      int64_t factor = i == 0 ? outer : splits[i].factor;
      if (factor == 0 && kind != LoopKind::kGroup && kind != LoopKind::kSerial)
        return bad("`" + dim.name + "` has an open extent: its outermost loop must be group or serial");
      dim.kinds.push_back(kind);
      dim.factors.push_back(factor);
    }
    return ok();
  }

  /// Lanes and workers have partial results of a reduction.
  Status check_reduction(const PlannedDim &dim, LoopKind kind) const {
    if (kind == LoopKind::kGroup || kind == LoopKind::kTeam)
      return bad("reduction `" + dim.name + "` cannot be split over " + std::string(name_of(kind)) + " loops");
    if (!gives_partials(kind) || !keeps_term_order_) return ok();
    return bad("reduction `" + dim.name + "` cannot be split over " + std::string(name_of(kind)) +
               " loops: a strict kernel keeps the order of its terms");
  }

  static bool gives_partials(LoopKind kind) { return kind == LoopKind::kWorker || kind == LoopKind::kLane; }

  void add_loop(size_t dim, size_t split) {
    const PlannedDim &d = plan_.dims[dim];
    LoopKind kind = d.kinds[split];
    bool has_partials = d.is_reduction && std::any_of(d.kinds.begin(), d.kinds.end(), gives_partials);
    bool is_partial = has_partials && (gives_partials(kind) || kind == LoopKind::kUnrolled);
    plan_.loops.push_back({static_cast<int>(dim), static_cast<int>(split), kind, d.is_reduction, is_partial});
  }

  /// Dimensions in the definition's order, output dimensions first; split 0 of all, then split 1 of all, and so on.
  void default_order() {
    for (bool reduction : {false, true})
      for (size_t depth = 0; depth < 8; ++depth)
        for (size_t d = 0; d < plan_.dims.size(); ++d)
          if (plan_.dims[d].is_reduction == reduction && depth < plan_.dims[d].kinds.size()) add_loop(d, depth);
    std::stable_sort(plan_.loops.begin(), plan_.loops.end(),
                     [](const PlannedLoop &a, const PlannedLoop &b) { return rank(a) < rank(b); });
  }

  static int rank(const PlannedLoop &loop) {
    switch (loop.kind) {
    case LoopKind::kGroup: return 0;
    case LoopKind::kTeam: return 1;
    case LoopKind::kWorker: return 2;
    case LoopKind::kSerial: return loop.is_reduction ? 4 : 3;
    case LoopKind::kUnrolled: return loop.is_reduction ? 5 : 6;
    case LoopKind::kLane: return 7;
    }
    return 8;
  }

  Status order_loops() {
    if (schedule_.order.empty()) {
      default_order();
      return ok();
    }
    size_t total = 0;
    for (const PlannedDim &dim : plan_.dims) total += dim.kinds.size();
    plan_.loops.reserve(total);
    for (const LoopRef &ref : schedule_.order) {
      auto dim =
          std::find_if(plan_.dims.begin(), plan_.dims.end(), [&](const PlannedDim &d) { return d.name == ref.dim; });
      if (dim == plan_.dims.end() || ref.split < 0 || ref.split >= static_cast<int>(dim->kinds.size()))
        return bad("`order` names loop `" + ref.text() + "`, which does not exist");
      const auto number = static_cast<int>(dim - plan_.dims.begin());
      if (std::ranges::any_of(plan_.loops,
                              [&](const PlannedLoop &l) { return l.dim == number && l.split == ref.split; }))
        return bad("`order` names loop `" + ref.text() + "` twice");
      add_loop(static_cast<size_t>(number), static_cast<size_t>(ref.split));
    }
    if (plan_.loops.size() == total) return ok();
    for (const PlannedDim &dim : plan_.dims)
      for (size_t s = 0; s < dim.kinds.size(); ++s)
        if (LoopRef ref{dim.name, static_cast<int>(s)}; !plan_.position(ref))
          return bad("`order` lacks loop `" + ref.text() + "`");
    return ok();
  }

  /// group < team < worker, and all of them outside whatever indexes the accumulators.
  Status check_order() {
    int last = 0;
    bool inside = false;
    plan_.first_inner = plan_.loops.size();
    for (size_t i = 0; i < plan_.loops.size(); ++i) {
      const PlannedLoop &loop = plan_.loops[i];
      int rank_of_kind = rank(loop);
      const auto name = [&] { return LoopRef{plan_.dims[loop.dim].name, loop.split}.text(); };
      bool inner = (loop.is_reduction && loop.kind != LoopKind::kWorker) || loop.kind == LoopKind::kUnrolled ||
                   loop.kind == LoopKind::kLane;
      if (inner && !inside) plan_.first_inner = i;
      inside |= inner;
      if (rank_of_kind <= 2) {
        if (inside || rank_of_kind < last || (rank_of_kind == 0 && i > 0 && rank(plan_.loops[i - 1]) != 0))
          return bad("loop `" + name() + "` is out of order: group, then team, then worker loops come first");
        last = rank_of_kind;
      }
      if (loop.kind == LoopKind::kLane && i + 1 != plan_.loops.size())
        return bad("lane loop `" + name() + "` must be innermost");
    }
    return ok();
  }

  bool keeps_term_order_;
  const KernelSchedule &schedule_;
  LoopPlan plan_;
};

std::optional<int64_t> extent_of(const Kernel &kernel, ExprId begin, ExprId end) {
  auto first = kernel.constant(begin), last = kernel.constant(end);
  if (!first || !last) return std::nullopt;
  return std::max<int64_t>(0, *last - *first);
}

bool same_axes(const Kernel &kernel, const Reduce &a, const Reduce &b) {
  if (a.axes.size() != b.axes.size()) return false;
  for (size_t i = 0; i < a.axes.size(); ++i) {
    const Variable &va = kernel.var(a.axes[i].var), &vb = kernel.var(b.axes[i].var);
    const std::string &na = va.dim.empty() ? va.name : va.dim, &nb = vb.dim.empty() ? vb.name : vb.dim;
    if (na != nb || a.axes[i].begin != b.axes[i].begin || a.axes[i].end != b.axes[i].end) return false;
  }
  return true;
}

} // namespace

int64_t PlannedDim::covered() const { return factors.front() * stride(0); }

int64_t PlannedDim::stride(int split) const {
  int64_t product = 1;
  for (size_t i = static_cast<size_t>(split) + 1; i < factors.size(); ++i) product *= factors[i];
  return product;
}

const PlannedDim *LoopPlan::find(std::string_view name) const {
  for (const PlannedDim &dim : dims)
    if (dim.name == name) return &dim;
  return nullptr;
}

std::vector<ExprId> LoopPlan::source_indices(Builder &b, const PlannedDim &dim, ExprId index) const {
  std::vector<ExprId> values(dim.sources.size());
  for (size_t i = dim.sources.size(); i-- > 1;) {
    ExprId extent = b.index(std::max<int64_t>(1, *sources[dim.sources[i]].extent));
    values[i] = b.mod(index, extent);
    index = b.div(index, extent);
  }
  values.front() = index;
  return values;
}

std::optional<size_t> LoopPlan::position(const LoopRef &ref) const {
  for (size_t i = 0; i < loops.size(); ++i)
    if (dims[loops[i].dim].name == ref.dim && loops[i].split == ref.split) return i;
  return std::nullopt;
}

std::string axis_name(const Kernel &kernel, VarId axis, const std::vector<std::string> &taken) {
  const Variable &var = kernel.var(axis);
  const std::string &base = var.dim.empty() ? var.name : var.dim;
  std::string name = base;
  for (int i = 2; std::find(taken.begin(), taken.end(), name) != taken.end(); ++i)
    name = base + "_" + std::to_string(i);
  return name;
}

std::vector<ExprId> main_reduces(const Kernel &kernel, const Definition &def) {
  std::vector<ExprId> result;
  for (ExprId id : outer_reduces(kernel, def.store->value))
    if (result.empty() ||
        same_axes(kernel, std::get<Reduce>(kernel.expr(result.front())), std::get<Reduce>(kernel.expr(id))))
      result.push_back(id);
  return result;
}

LoopPlanner::LoopPlanner(const Kernel &kernel) {
  const Definition def = definition_of(kernel);
  for (const DefinitionDim &dim : def.dims)
    sources_.push_back({dim.name, dim.var, dim.begin, dim.end, extent_of(kernel, dim.begin, dim.end), false});
  const std::vector<ExprId> reduces = main_reduces(kernel, def);
  if (reduces.empty()) return;
  for (const ReduceAxis &axis : std::get<Reduce>(kernel.expr(reduces.front())).axes) {
    std::vector<std::string> taken;
    for (const PlannedSource &source : sources_) taken.push_back(source.name);
    sources_.push_back({axis_name(kernel, axis.var, taken), axis.var, axis.begin, axis.end,
                        extent_of(kernel, axis.begin, axis.end), true});
  }
  keeps_term_order_ =
      kernel.strict && std::ranges::any_of(reduces, [&](ExprId id) { return is_float(kernel.type_of(id).scalar); });
}

Result<LoopPlan> LoopPlanner::plan(const KernelSchedule &schedule) const {
  return Planner(sources_, keeps_term_order_, schedule).run();
}

Result<LoopPlan> plan_loops(const Kernel &kernel, const KernelSchedule &schedule) {
  return LoopPlanner(kernel).plan(schedule);
}

} // namespace sparkle
