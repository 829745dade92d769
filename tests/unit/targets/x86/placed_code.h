// Functions from text whose virtual registers have the machine's registers that a test says.
#pragma once

#include <vector>

#include "targets/x86/allocate.h"
#include "tests/unit/targets/x86/flat_code.h"

namespace sparkle::x86 {

/// General registers by the order in which tests hand them out: all but rsp and rax.
inline constexpr uint8_t kGeneralOrder[] = {7, 6, 2, 1, 8, 9, 10, 11, 3, 5, 12, 13, 14, 15};

/// Each register gets `numbers[its own number]`; beyond them general registers in the order above, others their own
/// number.
inline Allocation place_registers(const Function &function, const std::vector<uint8_t> &numbers = {}) {
  Allocation out;
  for (uint32_t i = 0; i < function.registers.size(); ++i) {
    const bool is_general = function.registers[static_cast<VReg>(i)] == RegClass::kGeneral;
    const uint8_t number = is_general ? kGeneralOrder[i % std::size(kGeneralOrder)] : static_cast<uint8_t>(i);
    out.registers.add(i < numbers.size() ? numbers[i] : number);
  }
  return out;
}

} // namespace sparkle::x86
