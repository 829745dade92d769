// AST -> text in one fixed layout. parse(print(f)) has the same AST as f, places apart: print(parse(print(f))) ==
// print(f).
#pragma once

#include <string>

#include "dsl/ast.h"

namespace sparkle::dsl {

std::string print(const File &file);
std::string print_expr(const File &file, AstId expr);

} // namespace sparkle::dsl
