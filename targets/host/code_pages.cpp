#include "targets/host/code_pages.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace sparkle {

Status check_code_pages() {
  const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void *page = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return Error{ErrorCode::kOutOfMemory, "no memory for machine code"};
  const int error = mprotect(page, bytes, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
  munmap(page, bytes);
  if (error == 0) return ok();
  return Error{error == ENOMEM ? ErrorCode::kOutOfMemory : ErrorCode::kUnsupported,
               std::string("the system gives no memory for machine code: mprotect: ") + std::strerror(error)};
}

} // namespace sparkle
