#include "compiler/schedule/fusion.h"

#include <algorithm>

#include "compiler/analysis/imported.h"
#include "compiler/schedule/inlining.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/schedule/tile_skew.h"
#include "compiler/support/checked_math.h"

namespace sparkle {
namespace {

/// One consumer and the lets placed at its loops.
class Planner {
public:
  Planner(const Program &program, const Schedule &schedule, size_t consumer) : program_(program), schedule_(schedule) {
    fusion_.consumer = consumer;
  }

  Result<Fusion> run(const std::vector<size_t> &lets) {
    SPARKLE_TRY_STATUS(find_loops(lets));
    for (size_t let : lets) fusion_.lets.push_back({let, tensor_written(program_.kernels[let]), {}, {}});
    hulls_.resize(lets.size());
    SPARKLE_TRY_STATUS(see_consumer());
    for (size_t i = fusion_.lets.size(); i-- > 0;) SPARKLE_TRY_STATUS(plan_let(i));
    return std::move(fusion_);
  }

private:
  const Kernel &consumer() const { return program_.kernels[fusion_.consumer]; }

  Error bad(const std::string &let, const std::string &text) const {
    return {ErrorCode::kBadSchedule, "`place at` of `" + let + "`: " + text};
  }

  Status find_loops(const std::vector<size_t> &lets) {
    const std::string &first = program_.kernels[lets.front()].name;
    const KernelSchedule *entry = schedule_.find(consumer().name);
    if (!entry || shared_loop_count(*entry) == 0)
      return bad(first, "`" + consumer().name + "` has no entry with group loops to compute it in");
    if (entry->split_reduction != 1) return bad(first, "the reduction of `" + consumer().name + "` is split");
    SPARKLE_TRY(LoopPlan plan, plan_loops(consumer(), *entry));
    for (const PlannedLoop &loop : plan.loops) {
      if (loop.kind != LoopKind::kGroup) break;
      SPARKLE_TRY_STATUS(add_loop(first, plan.dims[loop.dim], loop));
    }
    for (size_t let : lets) {
      const Kernel &kernel = program_.kernels[let];
      const LoopRef &at = schedule_.find(kernel.name)->at.loop;
      if (at.dim != fusion_.loops.back().dim || at.split != 0)
        return bad(kernel.name, "`" + at.text() + "` is not the innermost group loop of `" + consumer().name + "`");
      if (schedule_.find(kernel.name)->split_reduction != 1) return bad(kernel.name, "its reduction is split");
    }
    return ok();
  }

  Status add_loop(const std::string &let, const PlannedDim &dim, const PlannedLoop &loop) {
    if (dim.sources.size() != 1) return bad(let, "`" + dim.name + "` is several dimensions in one");
    if (loop.split != 0) return bad(let, "`" + dim.name + "` has two group loops");
    SharedLoop shared{dim.name, static_cast<size_t>(dim.sources.front()), dim.stride(0), std::nullopt};
    if (dim.extent) shared.count = dim.factors.front();
    if (!dim.extent && shared.tile != 1) return bad(let, "the extent of `" + dim.name + "` is open");
    fusion_.loops.push_back(std::move(shared));
    return ok();
  }

  TileHulls known() const {
    std::vector<std::optional<int64_t>> counts;
    for (const SharedLoop &loop : fusion_.loops) counts.push_back(loop.count);
    return TileHulls(std::move(counts));
  }

  static Interval range_of(const Kernel &kernel, const DefinitionDim &dim) {
    auto begin = kernel.constant(dim.begin), end = kernel.constant(dim.end);
    return {begin, end ? std::optional(*end - 1) : std::nullopt};
  }

  Status see_consumer() {
    TileHulls hulls = known();
    Definition def = definition_of(consumer());
    for (const DefinitionDim &dim : def.dims) hulls.set(dim.var, hulls.fixed(range_of(consumer(), dim)));
    for (size_t i = 0; i < fusion_.loops.size(); ++i) {
      const SharedLoop &loop = fusion_.loops[i];
      const DefinitionDim &dim = def.dims[loop.source];
      auto begin = consumer().constant(dim.begin);
      TileHull hull = hulls.fixed({begin, begin ? std::optional(*begin + loop.tile - 1) : std::nullopt});
      hull.steps[i] = loop.tile;
      hulls.set(dim.var, std::move(hull));
    }
    return see_reads(consumer(), hulls);
  }

  /// What the reads of `kernel` touch of each let.
  Status see_reads(const Kernel &kernel, TileHulls &hulls) {
    ExprId value = definition_of(kernel).store->value;
    hulls.add_axes(kernel, value);
    for (ExprId id : reads_of(kernel, value)) {
      const Read &read = std::get<Read>(kernel.expr(id));
      for (size_t i = 0; i < fusion_.lets.size(); ++i) {
        if (fusion_.lets[i].tensor != kernel.buffer(read.buffer).tensor) continue;
        std::vector<TileHull> touched;
        for (ExprId index : read.indices) touched.push_back(hulls.of(kernel, index));
        hulls_[i].push_back(std::move(touched));
      }
    }
    return ok();
  }

  Status plan_let(size_t i) {
    FusedLet &let = fusion_.lets[i];
    const Kernel &kernel = program_.kernels[let.kernel];
    if (hulls_[i].empty()) return bad(kernel.name, "`" + consumer().name + "` does not need it");
    TileHulls hulls = known();
    Definition def = definition_of(kernel);
    std::vector<bool> used(fusion_.loops.size(), false);
    for (size_t d = 0; d < def.dims.size(); ++d) {
      Interval range = range_of(kernel, def.dims[d]);
      std::optional<int64_t> extent = range.is_bounded() ? std::optional(*range.hi - *range.lo + 1) : std::nullopt;
      TiledDim dim = tiled(i, d, extent, used);
      if (dim.loop < 0 && !extent)
        return bad(kernel.name, "a group needs all of `" + def.dims[d].name + "`, whose extent is open");
      auto elements = checked_mul(let.elements, dim.loop < 0 ? *extent : dim.rows);
      if (!elements) return bad(kernel.name, "a group needs too much of it");
      let.elements = *elements;
      if (dim.loop < 0 || dim.rows > 1) let.tile.push_back(dim.loop < 0 ? *extent : dim.rows);
      hulls.set(def.dims[d].var, hull_of(hulls, dim, range));
      let.dims.push_back(dim);
    }
    SPARKLE_TRY_STATUS(add_skew(let, kernel.name));
    count_repeats(let, used);
    return see_reads(kernel, hulls);
  }

  Status add_skew(FusedLet &let, const std::string &name) const {
    const std::vector<int64_t> &skew = schedule_.find(name)->at.skew;
    SPARKLE_TRY_STATUS(check_skew(name, skew, let.tile.size()));
    const auto elements = skewed_elements(let.tile, skew);
    if (!elements) return bad(name, "a group needs too much of it");
    let.near_elements = *elements;
    return ok();
  }

  /// All reads move along one loop, alike: then a group needs a part of the dimension.
  TiledDim tiled(size_t i, size_t d, std::optional<int64_t> extent, std::vector<bool> &used) const {
    std::optional<TileHull> all = hulls_[i].front()[d];
    for (const std::vector<TileHull> &touched : hulls_[i]) all = all ? join(*all, touched[d]) : std::nullopt;
    TiledDim dim;
    if (!all || !all->offset.is_bounded()) return dim;
    for (size_t l = 0; l < all->steps.size(); ++l) {
      if (all->steps[l] == 0) continue;
      if (dim.loop >= 0 || all->steps[l] < 0 || used[l]) return {};
      dim.loop = static_cast<int>(l);
      dim.step = all->steps[l];
    }
    dim.first = *all->offset.lo;
    dim.rows = *all->offset.hi - dim.first + 1;
    if (dim.loop < 0 || (extent && dim.rows >= *extent)) return {};
    used[static_cast<size_t>(dim.loop)] = true;
    return dim;
  }

  /// Of the let's variable: where its rows lie outside the let, the nearest element inside stands for them.
  TileHull hull_of(const TileHulls &hulls, const TiledDim &dim, const Interval &range) const {
    if (dim.loop < 0) return hulls.fixed(range);
    TileHull position = hulls.fixed({dim.first, dim.first + dim.rows - 1});
    position.steps[static_cast<size_t>(dim.loop)] = dim.step;
    if (!range.is_bounded()) return position;
    position = hulls.clamped(position, {0, *range.hi - *range.lo});
    position.offset = add(position.offset, Interval::point(*range.lo));
    return position;
  }

  void count_repeats(FusedLet &let, const std::vector<bool> &used) const {
    for (const TiledDim &dim : let.dims)
      if (dim.loop >= 0) let.repeats *= static_cast<double>(dim.rows) / static_cast<double>(dim.step);
    for (size_t l = 0; l < used.size(); ++l)
      if (!used[l]) let.repeats *= static_cast<double>(fusion_.loops[l].count.value_or(1));
  }

  const Program &program_;
  const Schedule &schedule_;
  Fusion fusion_;
  std::vector<std::vector<std::vector<TileHull>>> hulls_; ///< By let, read and dimension.
};

std::optional<size_t> kernel_named(const Program &program, const std::string &name) {
  for (size_t i = 0; i < program.kernels.size(); ++i)
    if (program.kernels[i].name == name) return i;
  return std::nullopt;
}

/// Nobody else may read what only exists inside the groups of one kernel.
Status check_readers(const Program &program, const Fusion &fusion) {
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    bool inside = k == fusion.consumer;
    for (const FusedLet &let : fusion.lets) inside |= let.kernel == k;
    if (inside) continue;
    const Kernel &kernel = program.kernels[k];
    for (ExprId id : reads_of(kernel, definition_of(kernel).store->value))
      if (const FusedLet *let = fusion.find(kernel.buffer(std::get<Read>(kernel.expr(id)).buffer).tensor))
        return Error{ErrorCode::kBadSchedule, "`place at` of `" + program.kernels[let->kernel].name + "`: `" +
                                                  kernel.name + "` reads it too, which is not computed there"};
  }
  return ok();
}

} // namespace

const FusedLet *Fusion::find(TensorId tensor) const {
  for (const FusedLet &let : lets)
    if (let.tensor == tensor) return &let;
  return nullptr;
}

Result<std::vector<Fusion>> plan_fusions(const Program &program, const Schedule &schedule) {
  std::vector<std::vector<size_t>> lets(program.kernels.size());
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    const Kernel &kernel = program.kernels[k];
    const KernelSchedule *entry = schedule.find(kernel.name);
    if (!entry || entry->placement != Placement::kAt) continue;
    auto bad = [&](const std::string &text) {
      return Error{ErrorCode::kBadSchedule, "`place at` of `" + kernel.name + "`: " + text};
    };
    if (program.tensors[tensor_written(kernel)].role != Role::kWorkspace) return bad("it is no `let`");
    auto consumer = kernel_named(program, entry->at.consumer);
    const KernelSchedule *other = schedule.find(entry->at.consumer);
    if (!consumer || *consumer <= k || (other && other->placement == Placement::kAt))
      return bad("`" + entry->at.consumer + "` is no stored definition behind it");
    lets[*consumer].push_back(k);
  }
  std::vector<Fusion> fusions;
  for (size_t k = 0; k < lets.size(); ++k) {
    if (lets[k].empty()) continue;
    SPARKLE_TRY(Fusion fusion, Planner(program, schedule, k).run(lets[k]));
    SPARKLE_TRY_STATUS(check_readers(program, fusion));
    fusions.push_back(std::move(fusion));
  }
  return fusions;
}

size_t shared_loop_count(const KernelSchedule &consumer) {
  size_t count = 0;
  for (const DimSchedule &dim : consumer.dims)
    for (const Split &split : dim.splits) count += split.kind == LoopKind::kGroup;
  return count;
}

KernelSchedule share_groups(KernelSchedule entry, const Kernel &kernel, size_t shared) {
  Definition def = definition_of(kernel);
  std::vector<DimSchedule> dims;
  std::vector<LoopRef> order;
  for (size_t i = 0; i < shared; ++i) {
    const std::string &name = def.dims[i].name;
    dims.push_back({name, {}, {{LoopKind::kGroup, 0}}});
    order.push_back({name, 0});
    std::erase_if(entry.order, [&](const LoopRef &loop) { return loop.dim == name; });
    for (const DimSchedule &dim : entry.dims)
      if (std::ranges::find(dim.fused, name) != dim.fused.end())
        std::erase_if(entry.order, [&](const LoopRef &loop) { return loop.dim == dim.dim; });
    std::erase_if(entry.dims, [&](const DimSchedule &dim) {
      return dim.dim == name || std::ranges::find(dim.fused, name) != dim.fused.end();
    });
  }
  for (DimSchedule &dim : entry.dims)
    for (Split &split : dim.splits)
      if (split.kind == LoopKind::kGroup) split.kind = LoopKind::kSerial;
  entry.dims.insert(entry.dims.begin(), dims.begin(), dims.end());
  if (!entry.order.empty()) entry.order.insert(entry.order.begin(), order.begin(), order.end());
  return entry;
}

} // namespace sparkle
