// Names and types of C for what programs call theirs.
#pragma once

#include <string>
#include <string_view>

#include "compiler/ir/type.h"
#include "compiler/support/result.h"

namespace sparkle::aot {

/// kInvalidInput, with a way out: not a name that functions can have in C and C++.
Status check_c_name(const std::string &name);

/// A name for a parameter or a member: keywords of C and C++ get a `_`, and so do `packed` and `workspace`.
std::string c_parameter(const std::string &name);

/// `FIRST_LAYER` for `first_layer`.
std::string c_macro(std::string_view name);

/// `float`, `int8_t`; 16-bit floats are `uint16_t`, their bits.
std::string_view c_type(Scalar scalar);

} // namespace sparkle::aot
