// The arithmetic that stands for each element function. Private to `expand`.
//
// Methods: reduction of the range after Cody and Waite, Software Manual for the Elementary Functions (1980): ln 2 in
// two parts, the first with so few bits that its multiples are exact, so that a multiply-add may round once or twice.
// Polynomials: minimax for the relative error, by Remez's exchange (Muller, Elementary Functions, chapter 3);
// scripts/function_coefficients makes expand_coefficients.h.
#pragma once

#include <functional>
#include <string>

#include "compiler/ir/builder.h"

namespace sparkle {

/// A name for a value that is used again: gives the variable.
using BindFn = std::function<ExprId(std::string name, ExprId value)>;

bool is_expanded(UnaryOp op);

/// `op` of x, f32 with any lanes.
ExprId expand_function(Builder &b, UnaryOp op, ExprId x, const BindFn &bind);

} // namespace sparkle
