#include "compiler/passes/pack_relax.h"

#include <algorithm>
#include <map>

#include "compiler/analysis/imported.h"
#include "compiler/analysis/interval.h"
#include "compiler/analysis/walk.h"

namespace sparkle {
namespace {

class Guard {
public:
  Guard(const Kernel &kernel, StmtId id, const CoveredLoads &covered)
      : kernel_(kernel), covered_(covered), if_(std::get<If>(kernel.stmt(id))), ranges_(ranges_at(kernel, id)) {}

  std::vector<ExprId> needed() {
    std::vector<ExprId> all = conjuncts(kernel_, if_.cond);
    if (is_valid(if_.else_body) || !collect()) return all;
    std::vector<ExprId> kept = all;
    for (ExprId candidate : all) {
      std::vector<ExprId> rest;
      std::copy_if(kept.begin(), kept.end(), std::back_inserter(rest), [&](ExprId e) { return e != candidate; });
      if (value_unaffected(candidate) && loads_inside(rest)) kept = rest;
    }
    return kept;
  }

private:
  /// Gathers loads and register stores; false when there is anything else.
  bool collect() {
    bool simple = true;
    for_each_stmt(kernel_, if_.then_body, [&](StmtId id) {
      const Stmt &stmt = kernel_.stmt(id);
      if (std::holds_alternative<Load>(stmt)) {
        loads_.push_back(id);
      } else if (const auto *store = std::get_if<Store>(&stmt)) {
        simple &= kernel_.buffer(store->buffer).level == MemoryLevel::kRegister;
        stores_.push_back(store);
      } else {
        simple &= std::holds_alternative<Block>(stmt) || std::holds_alternative<Let>(stmt);
      }
    });
    return simple && !stores_.empty();
  }

  /// Loops around the guard that neither index the cells nor surround their allocation: those of the reduction.
  bool mentions_reduction(ExprId conjunct) const {
    VarSet parallel;
    for (const Store *store : stores_) {
      for (ExprId index : store->indices) parallel.merge(vars_of(kernel_, index));
      for_each_stmt(kernel_, kernel_.body, [&](StmtId id) {
        const auto *alloc = std::get_if<Alloc>(&kernel_.stmt(id));
        if (!alloc || alloc->buffer != store->buffer) return;
        for (StmtId loop : loops_around(kernel_, id)) parallel.insert(std::get<For>(kernel_.stmt(loop)).var);
      });
    }
    VarSet used = vars_of(kernel_, conjunct);
    return std::any_of(used.begin(), used.end(), [&](VarId var) {
      VarKind kind = kernel_.var(var).kind;
      bool fixed = kind == VarKind::kSymbol || kind == VarKind::kUniform;
      return !fixed && !parallel.contains(var);
    });
  }

  /// Every use of the cells after the reduction stands under the same condition: that of a tile's tail.
  bool is_result_unused_without(ExprId conjunct) const {
    bool unused = true;
    for (const Store *store : stores_)
      for_each_stmt(kernel_, kernel_.body, [&](StmtId id) {
        const auto *load = std::get_if<Load>(&kernel_.stmt(id));
        if (!load || load->buffer != store->buffer || std::find(loads_.begin(), loads_.end(), id) != loads_.end())
          return;
        unused &= stands_under(id, *load, *store, conjunct);
      });
    return unused;
  }

  /// A condition around `load` is `conjunct`, where the loops that index the load take the place of those that index
  /// `store`.
  bool stands_under(StmtId id, const Load &load, const Store &store, ExprId conjunct) const {
    auto wanted = difference(conjunct);
    if (!wanted) return false;
    std::map<ExprId, ExprId> place;
    for (size_t i = 0; i < load.indices.size(); ++i) place[load.indices[i]] = store.indices[i];
    bool found = false;
    for_each_stmt(kernel_, kernel_.body, [&](StmtId outer) {
      const auto *guard = std::get_if<If>(&kernel_.stmt(outer));
      if (!guard || found || !contains(guard->then_body, id)) return;
      for (ExprId condition : conjuncts(kernel_, guard->cond)) {
        auto form = difference(condition);
        if (!form || std::get<Compare>(kernel_.expr(condition)).op != std::get<Compare>(kernel_.expr(conjunct)).op)
          continue;
        for (LinearTerm &term : form->terms)
          if (auto other = place.find(term.atom); other != place.end()) term.atom = other->second;
        std::sort(form->terms.begin(), form->terms.end(),
                  [](const LinearTerm &a, const LinearTerm &b) { return a.atom < b.atom; });
        found |= *form == *wanted;
      }
    });
    return found;
  }

  bool contains(StmtId root, StmtId wanted) const {
    bool found = false;
    for_each_stmt(kernel_, root, [&](StmtId id) { found |= id == wanted; });
    return found;
  }

  /// Left side minus right side of a comparison of indices.
  std::optional<LinearForm> difference(ExprId comparison) const {
    const auto *compare = std::get_if<Compare>(&kernel_.expr(comparison));
    if (!compare || kernel_.type_of(compare->a).scalar != Scalar::kIndex) return std::nullopt;
    return subtract(to_linear(kernel_, compare->a), to_linear(kernel_, compare->b));
  }

  bool value_unaffected(ExprId conjunct) const {
    if (!mentions_reduction(conjunct) && is_result_unused_without(conjunct)) return true;
    if (kernel_.strict) return false;
    return std::all_of(stores_.begin(), stores_.end(),
                       [&](const Store *s) { return term_is_zero(s->value, conjunct); });
  }

  bool term_is_zero(ExprId update, ExprId conjunct) const {
    if (const auto *fma = std::get_if<Fma>(&kernel_.expr(update)))
      return factor_is_zero(fma->a, conjunct) || factor_is_zero(fma->b, conjunct);
    const auto *sum = std::get_if<Binary>(&kernel_.expr(update));
    return sum && sum->op == BinaryOp::kAdd && factor_is_zero(sum->b, conjunct);
  }

  bool factor_is_zero(ExprId factor, ExprId conjunct) const {
    if (const auto *product = std::get_if<Binary>(&kernel_.expr(factor)); product && product->op == BinaryOp::kMul)
      return factor_is_zero(product->a, conjunct) || factor_is_zero(product->b, conjunct);
    const auto *ref = std::get_if<VarRef>(&kernel_.expr(factor));
    if (!ref) return false;
    return std::any_of(loads_.begin(), loads_.end(), [&](StmtId id) {
      auto covered = covered_.find(id);
      return covered != covered_.end() && std::get<Load>(kernel_.stmt(id)).var == ref->var &&
             covered->second.contains(conjunct);
    });
  }

  bool loads_inside(const std::vector<ExprId> &conditions) {
    RangesScope scope(ranges_);
    for (ExprId condition : conditions) ranges_.push_condition(kernel_, condition);
    return std::all_of(loads_.begin(), loads_.end(),
                       [&](StmtId id) { return covered_.contains(id) || load_inside(id); });
  }

  bool load_inside(StmtId id) {
    const Load &load = std::get<Load>(kernel_.stmt(id));
    RangesScope scope(ranges_);
    // A mask guards what its conditions speak of, which need not be all dimensions.
    if (is_valid(load.mask)) ranges_.push_condition(kernel_, load.mask);
    for (size_t d = 0; d < load.indices.size(); ++d) {
      auto extent = kernel_.extent(load.buffer, static_cast<int>(d));
      Interval interval = bounds(kernel_, load.indices[d], ranges_);
      if (!extent || !interval.is_bounded() || *interval.lo < 0 || *interval.hi >= *extent) return false;
    }
    return true;
  }

  const Kernel &kernel_;
  const CoveredLoads &covered_;
  const If &if_;
  Ranges ranges_;
  std::vector<StmtId> loads_;
  std::vector<const Store *> stores_;
};

} // namespace

std::vector<ExprId> needed_conjuncts(const Kernel &kernel, StmtId guard, const CoveredLoads &covered) {
  return Guard(kernel, guard, covered).needed();
}

bool is_read_later(const Kernel &kernel, const If &guard, const std::vector<const Staging *> &later,
                   const CoveredLoads &covered) {
  bool found = false;
  for_each_stmt(kernel, guard.then_body, [&](StmtId id) {
    const auto *load = std::get_if<Load>(&kernel.stmt(id));
    if (!load || covered.contains(id)) return;
    const Buffer &buffer = kernel.buffer(load->buffer);
    found |= buffer.level == MemoryLevel::kFar && std::ranges::any_of(later, [&](const Staging *staging) {
               return buffer.name == staging->tensor || buffer.origin == staging->tensor;
             });
  });
  return found;
}

} // namespace sparkle
