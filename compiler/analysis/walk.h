// Walking kernels: every statement below one, every expression below one, and what they use.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "compiler/ir/kernel.h"

namespace sparkle {

/// Calls `fn` for `root` and every statement below it, outer before inner, in order of execution.
void for_each_stmt(const Kernel &kernel, StmtId root, const std::function<void(StmtId)> &fn);

/// Calls `fn` for the direct operands of an expression, in order. Absent guards and filters are left out.
void for_each_child(const Expr &expr, const std::function<void(ExprId)> &fn);

/// Calls `fn` once for `root` and for each distinct expression below it, outer before inner.
void for_each_expr(const Kernel &kernel, ExprId root, const std::function<void(ExprId)> &fn);

/// Calls `fn` for the expressions written in the statement itself (a loop's bounds, a store's indices, value and mask),
/// not for their operands and not for nested statements.
void for_each_root_expr(const Stmt &stmt, const std::function<void(ExprId)> &fn);

/// Calls `fn` once for each distinct expression in the statement itself, operands included; not for nested statements.
void for_each_expr(const Kernel &kernel, StmtId stmt, const std::function<void(ExprId)> &fn);

/// Variables that occur in an expression, those of Read and Reduce included.
std::set<VarId> vars_of(const Kernel &kernel, ExprId expr);
/// Variables that occur in the expressions of a statement and of all statements below it.
std::set<VarId> vars_used_by(const Kernel &kernel, StmtId stmt);
/// Variables that a statement or one below it binds: loops, lets, loads, axes of copies.
std::set<VarId> vars_bound_by(const Kernel &kernel, StmtId stmt);
bool uses_var(const Kernel &kernel, ExprId expr, VarId var);
bool stmt_uses_var(const Kernel &kernel, StmtId stmt, VarId var);

/// Buffers read or written by a statement and all below it (Read expressions, copies and fragments included).
std::set<BufferId> buffers_read_by(const Kernel &kernel, StmtId stmt);
std::set<BufferId> buffers_written_by(const Kernel &kernel, StmtId stmt);

/// The loops around `target` in the body of the kernel, outermost first; empty when it is not there.
std::vector<StmtId> loops_around(const Kernel &kernel, StmtId target);

} // namespace sparkle
