// Source text -> AST. Checks form only; names, types and shapes are check.h's.
#pragma once

#include "compiler/support/result.h"
#include "dsl/ast.h"

namespace sparkle::dsl {

/// Reports every mistake it can tell apart (it goes on at the next statement), up to Diagnostics::kMaxErrors, and fails
/// if there was one. Safe for any bytes: nesting is limited, so a million open brackets give one error.
Result<File> parse(const Source &source, Diagnostics &diagnostics);

} // namespace sparkle::dsl
