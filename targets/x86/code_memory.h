// Pages for machine code that are never writable and executable at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "compiler/support/result.h"

namespace sparkle::x86 {

struct MappedCode {
  const uint8_t *address = nullptr; ///< 64-byte aligned.
  std::shared_ptr<void> owner;      ///< Keeps it mapped.
};

/// What the kernel does for map_code; tests put a stricter one in its place. As mprotect and memfd_create.
struct PageCalls {
  int (*protect)(void *address, size_t bytes, int protection);
  int (*create_file)(const char *name, unsigned flags);
};
PageCalls host_page_calls();

/// Writes, then makes executable (mprotect); where the kernel forbids the switch, the pages are those of a memfd,
/// mapped anew as executable once they are written. A page without access lies on either side. kUnsupported: neither is
/// allowed; kOutOfMemory.
Result<MappedCode> map_code(std::span<const uint8_t> bytes, const PageCalls &calls = host_page_calls());

} // namespace sparkle::x86
