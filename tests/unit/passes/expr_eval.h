// Evaluates scalar and vector index and bool expressions, independently of the compiler's folding. For tests of
// rewrites.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

using Env = std::map<VarId, int64_t>;
using Lanes = std::vector<int64_t>;

inline int64_t eval_floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b > a ? q - 1 : q;
}

inline int64_t eval_binary(BinaryOp op, int64_t a, int64_t b) {
  switch (op) {
  case BinaryOp::kAdd: return a + b;
  case BinaryOp::kSub: return a - b;
  case BinaryOp::kMul: return a * b;
  case BinaryOp::kDiv: return eval_floor_div(a, b);
  case BinaryOp::kMod: return a - b * eval_floor_div(a, b);
  case BinaryOp::kMin: return b < a ? b : a;
  case BinaryOp::kMax: return a < b ? b : a;
  case BinaryOp::kAnd: return a && b;
  case BinaryOp::kOr: return a || b;
  }
  throw std::logic_error("operation");
}

inline bool eval_compare(CompareOp op, int64_t a, int64_t b) {
  switch (op) {
  case CompareOp::kEq: return a == b;
  case CompareOp::kNe: return a != b;
  case CompareOp::kLt: return a < b;
  case CompareOp::kLe: return a <= b;
  }
  throw std::logic_error("comparison");
}

inline Lanes eval_lanes(const Kernel &k, ExprId id, const Env &env) {
  const Expr &expr = k.expr(id);
  size_t lanes = k.type_of(id).lanes;
  Lanes out(lanes);
  auto each = [&](auto fn) {
    for (size_t i = 0; i < lanes; ++i) out[i] = fn(i);
    return out;
  };
  if (auto *e = std::get_if<IntConst>(&expr)) return each([&](size_t) { return e->value; });
  if (auto *e = std::get_if<VarRef>(&expr)) return each([&](size_t) { return env.at(e->var); });
  if (auto *e = std::get_if<Ramp>(&expr)) {
    int64_t base = eval_lanes(k, e->base, env)[0];
    return each([&](size_t i) { return base + static_cast<int64_t>(i) * e->stride; });
  }
  if (auto *e = std::get_if<Broadcast>(&expr)) {
    int64_t value = eval_lanes(k, e->a, env)[0];
    return each([&](size_t) { return value; });
  }
  if (auto *e = std::get_if<Unary>(&expr)) {
    Lanes a = eval_lanes(k, e->a, env);
    if (e->op == UnaryOp::kNot) return each([&](size_t i) { return !a[i]; });
    if (e->op == UnaryOp::kNeg) return each([&](size_t i) { return -a[i]; });
  }
  if (auto *e = std::get_if<Binary>(&expr)) {
    Lanes a = eval_lanes(k, e->a, env), b = eval_lanes(k, e->b, env);
    return each([&](size_t i) { return eval_binary(e->op, a[i], b[i]); });
  }
  if (auto *e = std::get_if<Compare>(&expr)) {
    Lanes a = eval_lanes(k, e->a, env), b = eval_lanes(k, e->b, env);
    return each([&](size_t i) { return int64_t{eval_compare(e->op, a[i], b[i])}; });
  }
  if (auto *e = std::get_if<Select>(&expr)) {
    Lanes c = eval_lanes(k, e->cond, env), a = eval_lanes(k, e->a, env), b = eval_lanes(k, e->b, env);
    return each([&](size_t i) { return c[i] ? a[i] : b[i]; });
  }
  throw std::logic_error("node that the evaluator does not know");
}

inline int64_t eval(const Kernel &k, ExprId id, const Env &env) { return eval_lanes(k, id, env)[0]; }

} // namespace sparkle
