#include "runtime/file_io.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/support/diagnostics.h"

namespace sparkle {

namespace {

Error io_error(const std::string &path, std::string_view what, int error_number) {
  return {ErrorCode::kIo, "`" + escape_control(path) + "` " + std::string(what) + ": " + std::strerror(error_number)};
}

Error too_long(const std::string &path, int64_t max_bytes) {
  return {ErrorCode::kInvalidInput,
          "`" + escape_control(path) + "` is longer than the limit of " + std::to_string(max_bytes) + " bytes"};
}

struct Descriptor {
  int value = -1;
  explicit Descriptor(int fd) : value(fd) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
};

/// write(2) until all is written. False: errno says why.
bool write_all(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

} // namespace

Result<std::vector<uint8_t>> read_file(const std::string &path, int64_t max_bytes) try {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value < 0) return io_error(path, "cannot be opened", errno);
  struct stat info {};
  if (::fstat(file.value, &info) != 0) return io_error(path, "cannot be read", errno);
  if (S_ISDIR(info.st_mode)) return io_error(path, "cannot be read", EISDIR);
  if (info.st_size > max_bytes) return too_long(path, max_bytes);
  std::vector<uint8_t> bytes;
  bytes.reserve(static_cast<size_t>(info.st_size));
  constexpr size_t kChunkBytes = 1 << 20;
  // The size is only a hint: pipes have none, and files grow.
  for (;;) {
    const size_t used = bytes.size();
    bytes.resize(used + kChunkBytes);
    ssize_t got = ::read(file.value, bytes.data() + used, kChunkBytes);
    bytes.resize(used + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path, "cannot be read", errno);
    if (got == 0) return bytes;
    if (static_cast<int64_t>(bytes.size()) > max_bytes) return too_long(path, max_bytes);
  }
} catch (const std::bad_alloc &) {
  return Error{ErrorCode::kOutOfMemory, "no memory for the contents of `" + escape_control(path) + "`"};
}

Result<std::string> read_text_file(const std::string &path, int64_t max_bytes) {
  SPARKLE_TRY(const std::vector<uint8_t> bytes, read_file(path, max_bytes));
  return std::string(bytes.begin(), bytes.end());
}

Status write_file(const std::string &path, std::span<const uint8_t> bytes) {
  struct stat info {};
  // Renaming over a device, a pipe or a link would replace it: those are written in place.
  const bool in_place = ::lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  const std::string target = in_place ? path : path + ".tmp" + std::to_string(::getpid());
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (in_place ? O_TRUNC : O_EXCL);
  Descriptor file(::open(target.c_str(), flags, 0666));
  if (file.value < 0) return io_error(path, "cannot be written", errno);
  int failure = write_all(file.value, bytes) ? 0 : errno;
  // close reports what the disk refused late (no space, quota)
  if (::close(std::exchange(file.value, -1)) != 0 && failure == 0) failure = errno;
  if (failure == 0 && !in_place && ::rename(target.c_str(), path.c_str()) != 0) failure = errno;
  if (failure == 0) return ok();
  if (!in_place) ::unlink(target.c_str());
  return io_error(path, "cannot be written", failure);
}

} // namespace sparkle
