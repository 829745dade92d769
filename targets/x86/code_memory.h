// Pages for machine code that are never writable and executable at once.
#pragma once

#include <memory>
#include <span>

#include "compiler/support/result.h"

namespace sparkle::x86 {

struct MappedCode {
  const uint8_t *address = nullptr; ///< 64-byte aligned.
  std::shared_ptr<void> owner;      ///< Keeps it mapped.
};

/// Writes, then makes executable (mprotect); where the kernel forbids the switch, the same pages are mapped twice
/// through memfd. kUnsupported: neither is allowed; kOutOfMemory.
Result<MappedCode> map_code(std::span<const uint8_t> bytes);

} // namespace sparkle::x86
