// AST -> checked kernels ("text time"): names, ranks and types, without knowing any dimension.
#pragma once

#include "compiler/support/result.h"
#include "dsl/ast.h"
#include "dsl/typed.h"

namespace sparkle::dsl {

/// Checks every item, reports all mistakes, and fails if there was one. Pure: the file is not changed.
Result<CheckedFile> check(const File &file, Diagnostics &diagnostics);

} // namespace sparkle::dsl
