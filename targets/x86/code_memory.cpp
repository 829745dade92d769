#include "targets/x86/code_memory.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace sparkle::x86 {
namespace {

constexpr uint8_t kTrap = 0xCC; // int3

Error refusal(const char *what, int error) {
  const bool is_memory = error == ENOMEM || error == EAGAIN || error == ENFILE || error == EMFILE;
  return Error{is_memory ? ErrorCode::kOutOfMemory : ErrorCode::kUnsupported,
               std::string("the system gives no memory for machine code: ") + what + ": " + std::strerror(error)};
}

/// Address space that is given back at the end: first no access at all, then code within guard pages.
class Pages {
public:
  explicit Pages(size_t code_bytes) {
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    inner_ = (code_bytes + page_ - 1) / page_ * page_;
    void *begin = mmap(nullptr, inner_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    begin_ = begin == MAP_FAILED ? nullptr : static_cast<uint8_t *>(begin);
  }
  ~Pages() {
    if (begin_) munmap(begin_, inner_ + 2 * page_);
  }
  Pages(const Pages &) = delete;
  Pages &operator=(const Pages &) = delete;

  bool is_open() const { return begin_ != nullptr; }
  uint8_t *code() const { return begin_ + page_; }
  size_t bytes() const { return inner_; }

private:
  uint8_t *begin_ = nullptr;
  size_t page_ = 0, inner_ = 0;
};

/// A descriptor that is closed at the end.
class File {
public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  int get() const { return descriptor_; }

private:
  int descriptor_;
};

void fill(uint8_t *to, size_t room, std::span<const uint8_t> bytes) {
  std::memcpy(to, bytes.data(), bytes.size());
  std::memset(to + bytes.size(), kTrap, room - bytes.size());
}

/// 0, or the error of the call that failed.
int map_by_switch(const Pages &pages, std::span<const uint8_t> bytes, const PageCalls &calls) {
  if (calls.protect(pages.code(), pages.bytes(), PROT_READ | PROT_WRITE) != 0) return errno;
  fill(pages.code(), pages.bytes(), bytes);
  return calls.protect(pages.code(), pages.bytes(), PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

int create_file(const PageCalls &calls) {
  constexpr unsigned kCloseOnExec = 1, kNoExecSeal = 8; // linux/memfd.h; the latter is of Linux 6.3
  const int file = calls.create_file("sparkle-code", kCloseOnExec | kNoExecSeal);
  return file < 0 && errno == EINVAL ? calls.create_file("sparkle-code", kCloseOnExec) : file;
}

int map_by_file(const Pages &pages, std::span<const uint8_t> bytes, const PageCalls &calls) {
  const File file(create_file(calls));
  if (file.get() < 0 || ftruncate(file.get(), static_cast<off_t>(pages.bytes())) != 0) return errno;
  void *writable = mmap(nullptr, pages.bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (writable == MAP_FAILED) return errno;
  fill(static_cast<uint8_t *>(writable), pages.bytes(), bytes);
  munmap(writable, pages.bytes());
  void *code = mmap(pages.code(), pages.bytes(), PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file.get(), 0);
  return code == MAP_FAILED ? errno : 0;
}

#if !defined(__linux__)
int memfd_create(const char *, unsigned) {
  errno = ENOSYS;
  return -1;
}
#endif

} // namespace

PageCalls host_page_calls() { return {mprotect, memfd_create}; }

Result<MappedCode> map_code(std::span<const uint8_t> bytes, const PageCalls &calls) {
  auto pages = std::make_shared<Pages>(bytes.size());
  if (!pages->is_open()) return refusal("mmap", errno);
  int error = map_by_switch(*pages, bytes, calls);
  if (error == ENOMEM) return refusal("mprotect", error);
  if (error != 0) error = map_by_file(*pages, bytes, calls);
  if (error != 0) return refusal("mprotect and memfd", error);
  const uint8_t *address = pages->code();
  return MappedCode{address, std::move(pages)};
}

} // namespace sparkle::x86
