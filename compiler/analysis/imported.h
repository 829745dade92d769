// The shape of a definition at stage kImported: loops over its dimensions around one Store.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/ir/transplant.h"

namespace sparkle {

struct DefinitionDim {
  std::string name;
  VarId var;
  ExprId begin, end;
};

/// Points into the kernel it was made from.
struct Definition {
  std::vector<DefinitionDim> dims; ///< Outermost first.
  const Store *store = nullptr;
};

/// Needs a kernel that the verifier accepts at stage kImported.
Definition definition_of(const Kernel &kernel);

/// A copy of a definition whose expressions `install` may replace: it gets the new kernel's builder and the carrier of
/// its expressions, and sets Transplant::on_expr.
Kernel rewrite_definition(const Kernel &in, FunctionRef<void(Builder &, Transplant &)> install);

/// The Reduce nodes of an expression that are in no other Reduce, in order of first appearance.
std::vector<ExprId> outer_reduces(const Kernel &kernel, ExprId expr);

/// Every Read below `expr`, in order of first appearance.
std::vector<ExprId> reads_of(const Kernel &kernel, ExprId expr);

/// The operands of `a && b && ...`; a condition that is no conjunction is its only one; none for kNoId.
std::vector<ExprId> conjuncts(const Kernel &kernel, ExprId cond);

} // namespace sparkle
