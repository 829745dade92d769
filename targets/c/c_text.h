// Pieces of C text: types, literals, names that are legal and unique, and the few functions that C lacks.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/type.h"
#include "compiler/support/source_text.h"

namespace sparkle::c {

/// Of a variable or an element in memory: `float`, `uint8_t`; f16 and bf16 are `uint16_t`. `index` is `int`, or
/// `int64_t` where it needs more bits.
std::string_view c_type(Scalar scalar, bool wide_index);

/// A literal that reads back as the same bits.
Text float_literal(double value);
Text int_literal(int64_t value);

/// Functions that the text calls and must define: `max_f32`, `floor_div`, `f32_to_u8`...
class Helpers {
public:
  /// A call of `name`, which is defined from now on, with all that it calls itself.
  Text call(std::string_view name, const std::vector<Text> &arguments);
  /// Definitions of those called, in a fixed order, each one line.
  std::string definitions() const;

private:
  std::set<std::string, std::less<>> used_;
};

/// Hands out identifiers: legal in C, no keyword, no function that the text calls, none that is visible already.
class Names : public VisibleNames {
public:
  /// `wanted` where it is legal and free; else as close to it as can be.
  std::string fresh(std::string_view wanted);
};

} // namespace sparkle::c
