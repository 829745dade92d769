// The algebra of floor division and modulo on linear forms (rules: simplify_expr.h). Private to `simplify`.
#pragma once

#include "compiler/analysis/interval.h"
#include "compiler/analysis/linear.h"

namespace sparkle {

/// form / c and form % c, for c > 0, in simplest form.
LinearForm divide(Builder &builder, const LinearForm &form, int64_t c, const Ranges &ranges);
LinearForm modulo(Builder &builder, const LinearForm &form, int64_t c, const Ranges &ranges);

/// Puts quotients and remainders of one value back together, as long as that makes the sum cheaper.
LinearForm recombine(Builder &builder, LinearForm form, const Ranges &ranges);

} // namespace sparkle
