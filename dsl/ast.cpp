#include "dsl/ast.h"

#include <array>

namespace sparkle::dsl {

std::string_view name_of(UnaryOp op) { return op == UnaryOp::kNegate ? "-" : "!"; }

std::string_view name_of(BinaryOp op) {
  static constexpr std::array<std::string_view, 15> kNames = {
      "||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "min", "max"};
  return kNames[static_cast<size_t>(op)];
}

std::string_view name_of(ReduceOp op) {
  static constexpr std::array<std::string_view, 5> kNames = {"sum", "prod", "max", "min", "mean"};
  return kNames[static_cast<size_t>(op)];
}

std::string_view name_of(OutsideMode mode) {
  static constexpr std::array<std::string_view, 7> kNames = {"none",    "value", "clamp", "mirror",
                                                             "reflect", "wrap",  "skip"};
  return kNames[static_cast<size_t>(mode)];
}

int precedence_of(BinaryOp op) {
  if (op == BinaryOp::kOr) return 0;
  if (op == BinaryOp::kAnd) return 1;
  if (op <= BinaryOp::kGe) return 2;
  return op <= BinaryOp::kSub ? 3 : 4;
}

} // namespace sparkle::dsl
