#include "compiler/import/flops.h"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

/// The most points of a group of indices that are tried one by one.
constexpr int64_t kMaxPoints = 1'000'000;

/// A bool expression over indices, or a subscript that must lie in `inside`.
struct Condition {
  dsl::ExprId expr;
  std::optional<dsl::IndexRange> inside;
};

/// Where a value is computed: once for each point of the box for which all conditions hold.
struct Scope {
  std::vector<dsl::IndexId> indices;
  std::vector<Condition> conditions;
};

/// Indices that conditions tie together.
struct Group {
  std::vector<dsl::IndexId> indices;
  std::vector<Condition> conditions;
};

template <class T> bool contains(const std::vector<T> &list, T value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// The operands of a node. A Reduce has none here: it is a scope of its own.
std::vector<dsl::ExprId> operands(const dsl::Expr &expr) {
  using Ids = std::vector<dsl::ExprId>;
  return match(
      expr, [](const dsl::Unary &e) { return Ids{e.operand}; },
      [](const dsl::Binary &e) {
        return Ids{e.lhs, e.rhs};
      },
      [](const dsl::Select &e) {
        return Ids{e.condition, e.if_true, e.if_false};
      },
      [](const dsl::Apply &e) { return Ids{e.operand}; }, [](const dsl::Cast &e) { return Ids{e.operand}; },
      [](const auto &) { return Ids{}; });
}

class Counter {
public:
  Counter(const dsl::BoundKernel &kernel, bool strict) : k_(kernel), strict_(strict), at_(kernel.indices.size()) {}

  Result<Flops> run() {
    for (const dsl::Definition &definition : k_.definitions)
      if (!definition.constant) value(definition.value, {definition.indices, {}}, 0);
    if (overflow_) return Error{ErrorCode::kShapeOverflow, "the operations of `" + k_.name + "` leave 64 bits"};
    return total_;
  }

private:
  void value(dsl::ExprId root, const Scope &scope, int64_t operations) {
    std::unordered_set<dsl::ExprId> seen;
    std::vector<const dsl::Reduce *> reduces;
    count_nodes(root, seen, operations, reduces);
    add(scope, operations);
    for (const dsl::Reduce *reduce : reduces) terms(*reduce, scope);
  }

  /// Shared nodes are computed once.
  void count_nodes(dsl::ExprId id, std::unordered_set<dsl::ExprId> &seen, int64_t &operations,
                   std::vector<const dsl::Reduce *> &reduces) {
    if (!seen.insert(id).second) return;
    const dsl::ExprNode &node = k_.exprs[id];
    if (!dsl::is_data(node.type) && node.type != dsl::Elem::kBool) return;
    const bool computes = std::holds_alternative<dsl::Binary>(node.expr) ||
                          std::holds_alternative<dsl::Unary>(node.expr) ||
                          std::holds_alternative<dsl::Apply>(node.expr);
    if (computes && dsl::is_data(node.type)) ++operations;
    for (dsl::ExprId operand : operands(node.expr)) count_nodes(operand, seen, operations, reduces);
    const auto *reduce = std::get_if<dsl::Reduce>(&node.expr);
    if (reduce) reduces.push_back(reduce);
    if (reduce && reduce->op == dsl::ReduceOp::kMean) ++operations;
  }

  void terms(const dsl::Reduce &reduce, const Scope &outer) {
    Scope inner = outer;
    inner.indices.insert(inner.indices.end(), reduce.indices.begin(), reduce.indices.end());
    if (is_valid(reduce.filter)) value(reduce.filter, inner, 0);
    std::unordered_set<dsl::ExprId> seen;
    collect_skips(reduce.body, seen, inner.conditions);
    if (is_valid(reduce.filter)) {
      collect_skips(reduce.filter, seen, inner.conditions);
      collect_conjuncts(reduce.filter, inner.conditions);
    }
    if (!strict_ && reduce.op == dsl::ReduceOp::kSum) collect_zeros(reduce.body, inner.conditions);
    value(reduce.body, inner, 1);
  }

  void collect(const dsl::Read &read, dsl::OutsideMode mode, std::vector<Condition> &conditions) const {
    for (size_t d = 0; d < read.subscripts.size(); ++d)
      if (read.access[d].mode == mode)
        conditions.push_back({read.subscripts[d], k_.tensors[read.tensor].dims[d].extent});
  }

  void collect_skips(dsl::ExprId id, std::unordered_set<dsl::ExprId> &seen, std::vector<Condition> &conditions) const {
    if (!seen.insert(id).second) return;
    const dsl::Expr &node = k_.exprs[id].expr;
    if (const auto *read = std::get_if<dsl::Read>(&node)) collect(*read, dsl::OutsideMode::kSkip, conditions);
    for (dsl::ExprId operand : operands(node)) collect_skips(operand, seen, conditions);
  }

  void collect_conjuncts(dsl::ExprId id, std::vector<Condition> &conditions) const {
    const auto *both = std::get_if<dsl::Binary>(&k_.exprs[id].expr);
    if (both && both->op == dsl::BinaryOp::kAnd) {
      collect_conjuncts(both->lhs, conditions);
      collect_conjuncts(both->rhs, conditions);
    } else if (knows_value(id)) {
      conditions.push_back({id, {}});
    }
  }

  /// A factor that reads 0 outside makes the term 0. Conversions keep 0.
  void collect_zeros(dsl::ExprId id, std::vector<Condition> &conditions) const {
    const dsl::Expr &node = k_.exprs[id].expr;
    if (const auto *product = std::get_if<dsl::Binary>(&node); product && product->op == dsl::BinaryOp::kMul) {
      collect_zeros(product->lhs, conditions);
      collect_zeros(product->rhs, conditions);
    }
    if (const auto *cast = std::get_if<dsl::Cast>(&node)) collect_zeros(cast->operand, conditions);
    const auto *read = std::get_if<dsl::Read>(&node);
    if (!read) return;
    for (const dsl::Access &access : read->access)
      if (access.mode == dsl::OutsideMode::kValue && !is_zero(access.value)) return;
    collect(*read, dsl::OutsideMode::kValue, conditions);
  }

  bool is_zero(dsl::ExprId id) const {
    const auto *literal = std::get_if<dsl::Literal>(&k_.exprs[id].expr);
    return literal && literal->number == 0 && literal->whole == 0;
  }

  // ---- Points of a box

  /// Open dimensions are at least 0, and counted as that.
  static int64_t least(const dsl::SymInt &size) { return size.constant(); }

  int64_t extent(dsl::IndexId id) {
    const dsl::IndexRange &range = k_.indices[id].extent;
    const auto size = checked_sub(least(range.end), least(range.begin));
    overflow_ = overflow_ || !size;
    return std::max<int64_t>(0, size.value_or(0));
  }

  void multiply(int64_t &product, int64_t factor) {
    const auto result = checked_mul(product, factor);
    overflow_ = overflow_ || !result;
    product = result.value_or(0);
  }

  void add(const Scope &scope, int64_t operations) {
    if (operations == 0) return;
    const bool empty =
        std::any_of(scope.indices.begin(), scope.indices.end(), [&](auto id) { return extent(id) == 0; });
    if (empty) return;
    int64_t whole = operations, kept = operations;
    for (dsl::IndexId id : scope.indices) multiply(whole, extent(id));
    for (const Group &group : groups(scope)) multiply(kept, points(group));
    const auto nominal = checked_add(total_.nominal, whole), executed = checked_add(total_.executed, kept);
    overflow_ = overflow_ || !nominal || !executed;
    total_ = {nominal.value_or(0), executed.value_or(0)};
  }

  std::vector<Group> groups(const Scope &scope) const {
    std::vector<Group> list;
    for (dsl::IndexId id : scope.indices) list.push_back({{id}, {}});
    for (const Condition &condition : scope.conditions) {
      Group joined{{}, {condition}};
      std::vector<dsl::IndexId> used;
      collect_indices(condition.expr, used);
      const auto touches = [&](const Group &group) {
        return std::any_of(used.begin(), used.end(), [&](auto id) { return contains(group.indices, id); });
      };
      for (const Group &group : list) {
        if (!touches(group)) continue;
        joined.indices.insert(joined.indices.end(), group.indices.begin(), group.indices.end());
        joined.conditions.insert(joined.conditions.end(), group.conditions.begin(), group.conditions.end());
      }
      std::erase_if(list, touches);
      list.push_back(std::move(joined));
    }
    return list;
  }

  int64_t points(const Group &group) {
    int64_t box = 1;
    for (dsl::IndexId id : group.indices) multiply(box, extent(id));
    if (group.conditions.empty()) return box;
    const auto is_row = [&](const Condition &condition) { return condition.inside && is_affine(condition.expr); };
    if (std::ranges::all_of(group.conditions, is_row)) return points_of_rows(group);
    if (box > kMaxPoints) return box;
    int64_t kept = 0;
    for (dsl::IndexId id : group.indices) at_[index_of(id)] = least(k_.indices[id].extent.begin);
    for (int64_t i = 0; i < box; ++i) {
      kept += std::all_of(group.conditions.begin(), group.conditions.end(), [&](const auto &c) { return holds(c); });
      advance(group.indices);
    }
    return kept;
  }

  /// Where conditions keep subscripts between numbers, each of them leaves one stretch of the longest index.
  int64_t points_of_rows(const Group &group) {
    std::vector<dsl::IndexId> others = group.indices;
    const auto longest = std::ranges::max_element(others, {}, [&](dsl::IndexId id) { return extent(id); });
    const dsl::IndexId inner = *longest;
    others.erase(longest);
    int64_t rows = 1, kept = 0;
    for (dsl::IndexId id : others) multiply(rows, extent(id));
    if (rows > kMaxPoints) return rows * extent(inner);
    for (dsl::IndexId id : others) at_[index_of(id)] = least(k_.indices[id].extent.begin);
    for (int64_t i = 0; i < rows; ++i) {
      kept += stretch(group.conditions, inner);
      advance(others);
    }
    return kept;
  }

  /// How many values of `inner` meet all conditions, the other indices being what they are.
  int64_t stretch(const std::vector<Condition> &conditions, dsl::IndexId inner) {
    const int64_t begin = least(k_.indices[inner].extent.begin);
    int64_t first = 0, last = extent(inner) - 1;
    for (const Condition &condition : conditions) {
      at_[index_of(inner)] = begin;
      const int64_t start = at(condition.expr), low = least(condition.inside->begin) - start,
                    high = least(condition.inside->end) - 1 - start;
      at_[index_of(inner)] = begin + 1;
      const int64_t step = at(condition.expr) - start;
      if (step == 0 && (low > 0 || high < 0)) return 0;
      if (step == 0) continue;
      first = std::max(first, step > 0 ? ceil_div(low, step) : ceil_div(-high, -step));
      last = std::min(last, step > 0 ? floor_div(high, step) : floor_div(-low, -step));
    }
    return std::max<int64_t>(0, last - first + 1);
  }

  /// A sum of indices times numbers.
  bool is_affine(dsl::ExprId id) const {
    const dsl::Expr &expr = k_.exprs[id].expr;
    if (const auto *unary = std::get_if<dsl::Unary>(&expr))
      return unary->op == dsl::UnaryOp::kNegate && is_affine(unary->operand);
    const auto *binary = std::get_if<dsl::Binary>(&expr);
    if (!binary) return std::holds_alternative<dsl::IndexRef>(expr) || std::holds_alternative<dsl::Literal>(expr);
    const bool is_sum = binary->op == dsl::BinaryOp::kAdd || binary->op == dsl::BinaryOp::kSub;
    if (is_sum) return is_affine(binary->lhs) && is_affine(binary->rhs);
    const auto is_number = [&](dsl::ExprId side) { return std::holds_alternative<dsl::Literal>(k_.exprs[side].expr); };
    return binary->op == dsl::BinaryOp::kMul && is_affine(binary->lhs) && is_affine(binary->rhs) &&
           (is_number(binary->lhs) || is_number(binary->rhs));
  }

  void advance(const std::vector<dsl::IndexId> &indices) {
    for (dsl::IndexId id : indices) {
      const dsl::IndexRange &range = k_.indices[id].extent;
      if (++at_[index_of(id)] < least(range.end)) return;
      at_[index_of(id)] = least(range.begin);
    }
  }

  // ---- Values at a point

  void collect_indices(dsl::ExprId id, std::vector<dsl::IndexId> &used) const {
    const dsl::Expr &node = k_.exprs[id].expr;
    const auto *index = std::get_if<dsl::IndexRef>(&node);
    if (index && !contains(used, index->index)) used.push_back(index->index);
    for (dsl::ExprId operand : operands(node)) collect_indices(operand, used);
  }

  /// Of indices and literals alone; as i32 only where nothing can wrap.
  bool knows_value(dsl::ExprId id) const {
    const dsl::ExprNode &node = k_.exprs[id];
    const bool leaf =
        std::holds_alternative<dsl::Literal>(node.expr) || std::holds_alternative<dsl::IndexRef>(node.expr);
    if (leaf) return !dsl::is_float(node.type);
    if (std::holds_alternative<dsl::IntRef>(node.expr)) return true;
    const bool cast = std::holds_alternative<dsl::Cast>(node.expr);
    const bool whole = node.type == dsl::Elem::kInt || node.type == dsl::Elem::kBool;
    if (cast ? node.type != dsl::Elem::kI32 : !whole) return false;
    const std::vector<dsl::ExprId> parts = operands(node.expr);
    return !parts.empty() && std::all_of(parts.begin(), parts.end(), [&](auto part) { return knows_value(part); });
  }

  bool holds(const Condition &condition) const {
    const int64_t value = at(condition.expr);
    if (!condition.inside) return value != 0;
    return least(condition.inside->begin) <= value && value < least(condition.inside->end);
  }

  int64_t at(dsl::ExprId id) const {
    return match(
        k_.exprs[id].expr, [](const dsl::Literal &e) { return e.whole; },
        [&](const dsl::IndexRef &e) { return at_[index_of(e.index)]; },
        [&](const dsl::Unary &e) { return e.op == dsl::UnaryOp::kNot ? int64_t{at(e.operand) == 0} : -at(e.operand); },
        [&](const dsl::Cast &e) { return at(e.operand); },
        [&](const dsl::Select &e) { return at(at(e.condition) ? e.if_true : e.if_false); },
        [&](const dsl::Binary &e) { return combine(e.op, at(e.lhs), at(e.rhs)); },
        [](const auto &) { return int64_t{0}; }); // An open dimension at its minimum.
  }

  static int64_t combine(dsl::BinaryOp op, int64_t a, int64_t b) {
    switch (op) {
    case dsl::BinaryOp::kOr: return a != 0 || b != 0;
    case dsl::BinaryOp::kAnd: return a != 0 && b != 0;
    case dsl::BinaryOp::kEq: return a == b;
    case dsl::BinaryOp::kNe: return a != b;
    case dsl::BinaryOp::kLt: return a < b;
    case dsl::BinaryOp::kLe: return a <= b;
    case dsl::BinaryOp::kGt: return a > b;
    case dsl::BinaryOp::kGe: return a >= b;
    case dsl::BinaryOp::kAdd: return checked_add(a, b).value_or(0); // The binder has proven the ranges.
    case dsl::BinaryOp::kSub: return checked_sub(a, b).value_or(0);
    case dsl::BinaryOp::kMul: return checked_mul(a, b).value_or(0);
    case dsl::BinaryOp::kDiv: return b > 0 ? floor_div(a, b) : 0;
    case dsl::BinaryOp::kMod: return b > 0 ? floor_mod(a, b) : 0;
    case dsl::BinaryOp::kMin: return std::min(a, b);
    case dsl::BinaryOp::kMax: return std::max(a, b);
    }
    return 0;
  }

  const dsl::BoundKernel &k_;
  bool strict_;
  std::vector<int64_t> at_; ///< By index: the point.
  Flops total_;
  bool overflow_ = false;
};

} // namespace

Result<Flops> count_flops(const dsl::BoundKernel &kernel, bool strict) { return Counter(kernel, strict).run(); }

} // namespace sparkle
