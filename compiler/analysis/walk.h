// Walking kernels: every statement below one, every expression below one, and what they use.
#pragma once

#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/function_ref.h"
#include "compiler/support/id_set.h"

namespace sparkle {

using VarSet = IdSet<VarId>;
using BufferSet = IdSet<BufferId>;

/// Calls `fn` for `root` and every statement below it, outer before inner, in order of execution.
void for_each_stmt(const Kernel &kernel, StmtId root, FunctionRef<void(StmtId)> fn);

/// Calls `fn` for the direct operands of an expression, in order. Absent guards and filters are left out.
void for_each_child(const Expr &expr, FunctionRef<void(ExprId)> fn);

/// Calls `fn` once for `root` and for each distinct expression below it, outer before inner.
void for_each_expr(const Kernel &kernel, ExprId root, FunctionRef<void(ExprId)> fn);

/// Calls `fn` for the expressions written in the statement itself (a loop's bounds, a store's indices, value and mask),
/// not for their operands and not for nested statements.
void for_each_root_expr(const Stmt &stmt, FunctionRef<void(ExprId)> fn);

/// Calls `fn` once for each distinct expression in the statement itself, operands included; not for nested statements.
void for_each_expr(const Kernel &kernel, StmtId stmt, FunctionRef<void(ExprId)> fn);

/// Variables that occur in an expression, those of Read and Reduce included.
VarSet vars_of(const Kernel &kernel, ExprId expr);
/// Variables that occur in the expressions of a statement and of all statements below it.
VarSet vars_used_by(const Kernel &kernel, StmtId stmt);
/// Variables that a statement or one below it binds: loops, lets, loads, axes of copies.
VarSet vars_bound_by(const Kernel &kernel, StmtId stmt);
bool uses_var(const Kernel &kernel, ExprId expr, VarId var);
bool uses_any(const Kernel &kernel, ExprId expr, const VarSet &vars);
bool stmt_uses_var(const Kernel &kernel, StmtId stmt, VarId var);

/// Buffers read or written by a statement and all below it (Read expressions, copies and fragments included).
BufferSet buffers_read_by(const Kernel &kernel, StmtId stmt);
BufferSet buffers_written_by(const Kernel &kernel, StmtId stmt);

/// The loops around `target` in the body of the kernel, outermost first; empty when it is not there.
std::vector<StmtId> loops_around(const Kernel &kernel, StmtId target);

} // namespace sparkle
