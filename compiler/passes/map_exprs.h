// Replacing the expressions that stand in a statement. Private to the passes.
#pragma once

#include "compiler/ir/kernel.h"
#include "compiler/support/function_ref.h"

namespace sparkle {

/// Replaces each expression written in `stmt` itself (for_each_root_expr) by fn of it, in place.
void map_root_exprs(Stmt &stmt, FunctionRef<ExprId(ExprId)> fn);

} // namespace sparkle
