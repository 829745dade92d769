// Words of the text form, for its printer and its parser.
#pragma once

#include <array>
#include <string_view>

#include "targets/x86/vreg.h"

namespace sparkle::x86 {

inline constexpr std::string_view kClassLetters = "gvk"; ///< By RegClass.
inline constexpr std::array<std::string_view, 2> kFamilyNames = {"avx2", "avx512"};
inline constexpr std::array<std::string_view, 8> kConditionNames = {"eq", "ne", "lt",    "le",
                                                                    "gt", "ge", "below", "at_least"};

inline bool has_condition(Op op) { return op == Op::kJumpIf || op == Op::kGSet; }

} // namespace sparkle::x86
