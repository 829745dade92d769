// Which subexpressions get a name: what keeps a line of GLSL short and says things once.
#include <functional>

#include "compiler/analysis/walk.h"
#include "compiler/support/match.h"
#include "targets/vulkan/glsl_expressions.h"

namespace sparkle::vulkan {
namespace {

/// Operations in an expression beyond which writing it twice is worse than a name for it.
constexpr int kFewOperations = 2;
constexpr int kManyOperations = 100;

/// Writes some operand several times.
bool copies_operands(const Kernel &kernel, const Expr &expr) {
  if (auto *shuffle = std::get_if<Shuffle>(&expr)) return shuffle->inputs.size() > 1 && shuffle->indices.size() > 1;
  if (auto *binary = std::get_if<Binary>(&expr)) {
    bool logical = binary->op == BinaryOp::kAnd || binary->op == BinaryOp::kOr;
    return logical && kernel.type_of(binary->a).is_vector();
  }
  return std::holds_alternative<ReduceLanes>(expr) || std::holds_alternative<Dot>(expr);
}

bool is_leaf(const Expr &expr) {
  return std::holds_alternative<IntConst>(expr) || std::holds_alternative<FloatConst>(expr) ||
         std::holds_alternative<VarRef>(expr) || std::holds_alternative<Broadcast>(expr) ||
         std::holds_alternative<Ramp>(expr);
}

/// How often each node is written and how many operations writing it takes.
class SharingCounter {
public:
  SharingCounter(const Kernel &kernel, const std::unordered_map<ExprId, Text> &named) : k_(kernel), named_(named) {}

  void add(ExprId id, int times) {
    int &uses = uses_[id];
    bool first = uses == 0;
    uses += times;
    if (!first || named_.contains(id)) return;
    int operand_times = copies_operands(k_, k_.expr(id)) ? 2 : 1;
    for_each_child(k_.expr(id), [&](ExprId child) { add(child, operand_times); });
    order_.push_back(id);
  }

  /// Operands before what uses them.
  const std::vector<ExprId> &order() const { return order_; }
  bool deserves_name(ExprId id) {
    const Expr &expr = k_.expr(id);
    if (uses_[id] < 2 || is_leaf(expr) || named_.contains(id)) return false;
    int enough = k_.type_of(id).scalar == Scalar::kF32 ? kFewOperations : kFewOperations + 1;
    return operations(id) >= enough;
  }

private:
  int operations(ExprId id) {
    if (named_.contains(id)) return 0;
    auto [slot, is_new] = operations_.try_emplace(id, 0);
    if (!is_new) return slot->second;
    int count = is_leaf(k_.expr(id)) ? 0 : 1;
    for_each_child(k_.expr(id), [&](ExprId child) { count = std::min(kManyOperations, count + operations(child)); });
    return operations_[id] = count;
  }

  const Kernel &k_;
  const std::unordered_map<ExprId, Text> &named_;
  std::unordered_map<ExprId, int> uses_, operations_;
  std::vector<ExprId> order_;
};

} // namespace

void ExpressionWriter::name_shared(const std::vector<ExprId> &roots, const std::vector<ExprId> &copied) {
  SharingCounter counter(k_, c_.named);
  for (ExprId root : roots)
    if (is_valid(root)) counter.add(root, 1);
  for (ExprId root : copied)
    if (is_valid(root)) counter.add(root, 2);
  for (ExprId id : counter.order()) {
    if (!counter.deserves_name(id)) continue;
    Type type = k_.type_of(id);
    std::string name = c_.names.fresh("t");
    bool precise = k_.strict && is_float(type.scalar);
    c_.out.line(precise ? "precise " : "", c_.type_name(type), " ", name, " = ", text(id), ";");
    c_.name_expr(id, {name});
  }
}

bool ExpressionWriter::occurs_once(ExprId root, VarId var) {
  std::unordered_map<ExprId, int> memo;
  std::function<int(ExprId)> occurrences = [&](ExprId id) {
    auto [slot, is_new] = memo.try_emplace(id, 0);
    if (!is_new) return slot->second;
    const Expr &expr = k_.expr(id);
    auto *ref = std::get_if<VarRef>(&expr);
    int count = ref && ref->var == var ? 1 : 0;
    int times = copies_operands(k_, expr) ? 2 : 1;
    for_each_child(expr, [&](ExprId child) { count = std::min(2, count + times * occurrences(child)); });
    return memo[id] = count;
  };
  return occurrences(root) == 1;
}

} // namespace sparkle::vulkan
