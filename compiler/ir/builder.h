// Builder: makes expressions (with constant folding and the cheap identities) and statements in a kernel.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

/// Thin: holds a reference, no state of its own. Operand types are checked; vectors and scalars of one scalar type mix,
/// the scalar is broadcast.
class Builder {
public:
  explicit Builder(Kernel &kernel) : k_(kernel) {}
  Kernel &kernel() { return k_; }

  // Constants and variables
  ExprId index(int64_t value) { return integer(kIndexType, value); }
  ExprId integer(Type type, int64_t value); ///< With lanes > 1: broadcast.
  ExprId boolean(bool value) { return integer(kBoolType, value ? 1 : 0); }
  ExprId real(Type type, double value); ///< Rounded to the type; with lanes > 1: broadcast.
  ExprId zero(Type type);
  ExprId var(VarId var) { return k_.intern(VarRef{var}); }

  // Arithmetic; folds constants, x+0, x*1, x*0 (integers only), x-x (integers only), min(x, x), select of a constant...
  ExprId unary(UnaryOp op, ExprId a);
  ExprId binary(BinaryOp op, ExprId a, ExprId b);
  ExprId compare(CompareOp op, ExprId a, ExprId b);
  ExprId add(ExprId a, ExprId b) { return binary(BinaryOp::kAdd, a, b); }
  ExprId sub(ExprId a, ExprId b) { return binary(BinaryOp::kSub, a, b); }
  ExprId mul(ExprId a, ExprId b) { return binary(BinaryOp::kMul, a, b); }
  ExprId div(ExprId a, ExprId b) { return binary(BinaryOp::kDiv, a, b); }
  ExprId mod(ExprId a, ExprId b) { return binary(BinaryOp::kMod, a, b); }
  ExprId min(ExprId a, ExprId b) { return binary(BinaryOp::kMin, a, b); }
  ExprId max(ExprId a, ExprId b) { return binary(BinaryOp::kMax, a, b); }
  ExprId both(ExprId a, ExprId b) { return binary(BinaryOp::kAnd, a, b); }
  ExprId less(ExprId a, ExprId b) { return compare(CompareOp::kLt, a, b); }
  ExprId less_equal(ExprId a, ExprId b) { return compare(CompareOp::kLe, a, b); }
  ExprId select(ExprId cond, ExprId a, ExprId b);
  ExprId fma(ExprId a, ExprId b, ExprId c);
  ExprId cast(Type type, ExprId a);
  ExprId bitcast(Type type, ExprId a); ///< Between f32 and i32.
  ExprId ramp(ExprId base, int64_t stride, int lanes);
  ExprId broadcast(ExprId a, int lanes); ///< `a` itself when it has these lanes already.
  ExprId read(BufferId buffer, std::vector<ExprId> indices, ExprId guard = kNoId<ExprId>, ExprId other = kNoId<ExprId>);
  ExprId reduce(ReduceOp op, std::vector<ReduceAxis> axes, ExprId body, ExprId filter = kNoId<ExprId>);
  /// Value of an empty reduction (nodes.h, Reduce).
  ExprId identity(ReduceOp op, Type type);
  /// a op b for one step of a reduction.
  ExprId combine(ReduceOp op, ExprId a, ExprId b);

  // Statements
  StmtId block(std::vector<StmtId> stmts); ///< Nested blocks are spliced; a block of one is that statement.
  StmtId loop(VarId var, ExprId begin, ExprId end, LoopKind kind, StmtId body);
  StmtId loop(VarId var, int64_t extent, LoopKind kind, StmtId body) {
    return loop(var, index(0), index(extent), kind, body);
  }
  StmtId when(ExprId cond, StmtId then_body, StmtId else_body = kNoId<StmtId>); ///< Folds a constant condition.
  StmtId let(VarId var, ExprId value) { return k_.add_stmt(Let{var, value}); }
  StmtId store(BufferId buffer, std::vector<ExprId> indices, ExprId value, ExprId mask = kNoId<ExprId>) {
    return k_.add_stmt(Store{buffer, std::move(indices), value, mask});
  }

  // Tables
  VarId loop_var(std::string name) { return k_.add_var({std::move(name), kIndexType, VarKind::kLoop, {}, 0}); }
  VarId value_var(std::string name, Type type) { return k_.add_var({std::move(name), type, VarKind::kValue, {}, 0}); }
  /// A local buffer with dense strides, 64-byte aligned; `pitch_skew` elements are added to the stride of dimension 0.
  BufferId local(std::string name, Scalar element, std::span<const int64_t> extents, MemoryLevel level,
                 int64_t pitch_skew = 0);

private:
  ExprId fold_int(BinaryOp op, ExprId a, ExprId b);
  ExprId fold_float(BinaryOp op, ExprId a, ExprId b);
  ExprId fold_bool(BinaryOp op, ExprId a, ExprId b);
  ExprId add_int(ExprId a, ExprId b);
  ExprId sub_int(ExprId a, ExprId b);
  ExprId mul_int(ExprId a, ExprId b);
  ExprId div_index(ExprId a, ExprId b);
  ExprId mod_index(ExprId a, ExprId b);
  ExprId min_max_int(BinaryOp op, ExprId a, ExprId b);
  ExprId negate(ExprId a); ///< Of a bool.
  ExprId with_offset(ExprId base, int64_t offset);
  void match_lanes(ExprId &a, ExprId &b);
  Kernel &k_;
};

} // namespace sparkle
