// Which subexpressions get a name, and the helper functions: what keeps a line of GLSL short and says things once.
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

std::string ExpressionWriter::helper_name(HelperKind kind) const {
  switch (kind) {
  case HelperKind::kFloorDiv: return "floor_div";
  case HelperKind::kFloorMod: return "floor_mod";
  case HelperKind::kMin: return "min_of";
  case HelperKind::kMax: return "max_of";
  case HelperKind::kToInt: return "to_int";
  }
  return {};
}

namespace {

std::string division_text(const Helper &helper, const std::string &type) {
  StringBuilder out;
  if (helper.kind == HelperKind::kFloorDiv) {
    out << "// a / b rounded down; b > 0.\n";
    out << type << " floor_div(" << type << " a, " << type << " b) {\n";
    out << "  " << type << " q = a / b;\n";
    out << "  return q * b > a ? q - 1 : q;\n}\n";
  } else {
    out << "// a - b * (a / b rounded down), in 0 .. b - 1; b > 0.\n";
    out << type << " floor_mod(" << type << " a, " << type << " b) {\n";
    out << "  " << type << " r = a - a / b * b;\n";
    out << "  return r < 0 ? r + b : r;\n}\n";
  }
  return out.take();
}

std::string extremum_text(const Helper &helper, const std::string &type) {
  bool is_min = helper.kind == HelperKind::kMin;
  std::string_view first = is_min ? "b" : "a", second = is_min ? "a" : "b";
  StringBuilder out;
  out << type << (is_min ? " min_of(" : " max_of(") << type << " a, " << type << " b) { return ";
  if (helper.type.is_vector()) {
    out << "mix(a, b, lessThan(" << first << ", " << second << "))";
  } else {
    out << first << " < " << second << " ? b : a";
  }
  out << "; }\n";
  return out.take();
}

/// Conversion to int that saturates; NaN becomes 0. For vectors, the scalar function in each component.
std::string to_int_text(const Helper &helper, const std::string &type) {
  StringBuilder out;
  if (helper.type.is_vector()) {
    out << "ivec" << int{helper.type.lanes} << " to_int(" << type << " x) { return ivec" << int{helper.type.lanes}
        << "(";
    for (int lane = 0; lane < helper.type.lanes; ++lane)
      out << (lane ? ", " : "") << "to_int(x" << component(lane) << ")";
    out << "); }\n";
  } else if (is_float(helper.type.scalar)) {
    out << "// Rounded towards 0, held in the range of int; 0 for NaN.\n";
    out << "int to_int(float x) {\n";
    out << "  if (!(x > -2147483648.0)) return isnan(x) ? 0 : -2147483647 - 1;\n";
    out << "  return x < 2147483648.0 ? int(x) : 2147483647;\n}\n";
  } else {
    out << "int to_int(int64_t x) { return int(clamp(x, -2147483648L, 2147483647L)); }\n";
  }
  return out.take();
}

} // namespace

std::string helper_text(const Helper &helper, int index_bits) {
  std::string type = glsl_type(helper.type, index_bits);
  switch (helper.kind) {
  case HelperKind::kFloorDiv:
  case HelperKind::kFloorMod: return division_text(helper, type);
  case HelperKind::kMin:
  case HelperKind::kMax: return extremum_text(helper, type);
  case HelperKind::kToInt: return to_int_text(helper, type);
  }
  return {};
}

} // namespace sparkle::vulkan
