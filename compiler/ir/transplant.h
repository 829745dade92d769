// Carries expressions from one kernel into another: ids never cross kernels, so passes over whole programs need this.
#pragma once

#include <functional>
#include <optional>

#include "compiler/ir/builder.h"
#include "compiler/support/function_ref.h"
#include "compiler/support/id_map.h"

namespace sparkle {

/// A kernel like `in` (name, stage, width of indices, strictness) with nothing in it.
Kernel empty_like(const Kernel &in);

/// The far buffer of a tensor, but for its extents and strides.
Buffer buffer_without_extents(const Program &program, TensorId tensor);
/// The far buffer of `tensor` in the kernel of `b`: the one that is there, or a new one with dense strides (those of
/// the tensor, where it has some) and extents of constants. Needs constant extents.
BufferId tensor_buffer(Builder &b, const Program &program, TensorId tensor);

/// `expr` with every operand replaced by map(operand): the one place that knows where a node keeps its operands.
/// Variables and buffers are mapped by their own functions. Rebuilt through the Builder, so constants fold.
ExprId map_operands(Builder &out, const Expr &expr, FunctionRef<ExprId(ExprId)> map_expr,
                    FunctionRef<ExprId(VarId)> map_var, FunctionRef<VarId(VarId)> map_axis,
                    FunctionRef<BufferId(BufferId)> map_buffer);

/// Rebuilds expressions of `from` in the kernel of `to`. Far buffers are matched by tensor, and added where missing;
/// extents and strides must be constants or symbols. Symbols and uniforms are matched by their program ids.
class Transplant {
public:
  Transplant(const Kernel &from, Builder &to) : from_(from), to_(to) {}

  /// From now on `var` of the source stands for `value` of the destination.
  void substitute(VarId var, ExprId value);
  /// From now on expression `old` of the source stands for `value`; keeps until the next `substitute`.
  void replace(ExprId old, ExprId value) { memo_.set(old, value); }
  ExprId expr(ExprId id);
  BufferId buffer(BufferId id);
  /// What a variable of the source stands for; symbols and uniforms are found or added.
  ExprId var(VarId id);
  /// Sees an expression of the source before it is rebuilt, and may return what stands for it instead.
  std::function<std::optional<ExprId>(ExprId)> on_expr;
  /// The parts of a Read, carried over.
  struct ReadParts {
    BufferId buffer;
    std::vector<ExprId> indices;
    ExprId guard, other;
  };
  ReadParts read(const Read &read);
  const Kernel &source() const { return from_; }

private:
  ExprId rebuild(ExprId id);
  VarId axis(VarId id);
  ExprId set_var(VarId id, VarId fresh);
  BufferId set_buffer(BufferId id, BufferId fresh);
  const Kernel &from_;
  Builder &to_;
  IdMap<VarId, ExprId> vars_;
  IdMap<ExprId, ExprId> memo_;
  IdMap<BufferId, BufferId> buffers_;
};

} // namespace sparkle
