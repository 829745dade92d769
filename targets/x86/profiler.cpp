#include "targets/x86/profiler.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <utility>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "targets/x86/gdb_jit.h"

namespace sparkle::x86 {
namespace {

constexpr mode_t kOwnFolder = 0700, kOwnFile = 0600;

Error file_error(const std::string &path) {
  return Error{ErrorCode::kIo, "cannot write `" + path + "` for profilers: " + std::strerror(errno)};
}

bool write_all(int file, const void *data, size_t bytes) {
  const auto *from = static_cast<const char *>(data);
  while (bytes > 0) {
    const ssize_t done = write(file, from, bytes);
    if (done < 0 && errno != EINTR) return false;
    if (done < 0) continue;
    from += done;
    bytes -= static_cast<size_t>(done);
  }
  return true;
}

/// Lines `START SIZE name`, numbers in hexadecimal (perf's tools/perf/Documentation/jit-interface.txt). Never through a
/// link that someone else put there.
Status write_perf_map(std::span<const AnnouncedFunction> functions) {
  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  std::string text;
  for (const AnnouncedFunction &function : functions) {
    char numbers[48];
    std::snprintf(numbers, sizeof numbers, "%llx %zx ",
                  static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(function.address)), function.bytes);
    text += numbers + function.name + "\n";
  }
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kOwnFile);
  if (file < 0) return file_error(path);
  const bool is_written = write_all(file, text.data(), text.size());
  close(file);
  if (!is_written) return file_error(path);
  return ok();
}

// perf's tools/perf/Documentation/jitdump-specification.txt, version 1.
struct DumpHeader {
  uint32_t magic = 0x4A695444, version = 1, total_bytes = sizeof(DumpHeader), machine = EM_X86_64, padding = 0, process;
  uint64_t time, flags = 0;
};
struct DumpRecord {
  uint32_t id = 0, total_bytes; // 0: code was loaded
  uint64_t time;
  uint32_t process, thread;
  uint64_t virtual_address, address, bytes, index;
};

uint64_t now() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time); // `perf record -k 1`
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

Result<std::string> dump_path() {
  const char *chosen = std::getenv("JITDUMPDIR"), *home = std::getenv("HOME");
  std::string path = chosen ? chosen : home ? home : ".";
  for (const char *part : {"/.debug", "/jit"}) {
    path += part;
    if (mkdir(path.c_str(), kOwnFolder) != 0 && errno != EEXIST) return file_error(path);
  }
  return path + "/jit-" + std::to_string(getpid()) + ".dump";
}

/// The file of this process, open from the first function on.
class DumpFile {
public:
  Status add(std::span<const AnnouncedFunction> functions) {
    const std::lock_guard lock(mutex_);
    if (process_ != getpid()) SPARKLE_TRY_STATUS(open_file());
    for (const AnnouncedFunction &function : functions) {
      if (!add_one(function)) return file_error(path_);
    }
    return ok();
  }

private:
  Status open_file() {
    SPARKLE_TRY(path_, dump_path());
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kOwnFile);
    DumpHeader header;
    header.process = static_cast<uint32_t>(getpid());
    header.time = now();
    if (file_ < 0 || !write_all(file_, &header, sizeof header)) return file_error(path_);
    // perf finds the file by this mapping among the recorded ones; nothing reads it.
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, file_, 0) == MAP_FAILED) return file_error(path_);
    process_ = getpid();
    return ok();
  }

  bool add_one(const AnnouncedFunction &function) {
    const auto address = reinterpret_cast<uintptr_t>(function.address);
    DumpRecord record;
    record.total_bytes = static_cast<uint32_t>(sizeof record + function.name.size() + 1 + function.bytes);
    record.time = now();
    record.process = static_cast<uint32_t>(getpid());
    record.thread = static_cast<uint32_t>(syscall(SYS_gettid));
    record.virtual_address = record.address = address;
    record.bytes = function.bytes;
    record.index = next_index_++;
    return write_all(file_, &record, sizeof record) &&
           write_all(file_, function.name.c_str(), function.name.size() + 1) &&
           write_all(file_, function.address, function.bytes);
  }

  std::mutex mutex_;
  std::string path_;
  int file_ = -1;
  pid_t process_ = 0; ///< Whose file it is: a child of fork writes its own.
  uint64_t next_index_ = 0;
};

DumpFile &dump_file() {
  static DumpFile file;
  return file;
}

/// The last goes first: symbols before code.
struct Announced {
  std::shared_ptr<void> owner;
  std::vector<std::shared_ptr<void>> shown;
};

} // namespace

Result<ProfileKinds> parse_profile_kinds(std::string_view text) {
  ProfileKinds kinds;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word == "perf")
      kinds.perf_map = true;
    else if (word == "jitdump")
      kinds.jitdump = true;
    else if (word == "gdb")
      kinds.gdb = true;
    else
      return Error{ErrorCode::kInvalidInput,
                   "SPARKLE_JIT_PROFILE has `" + std::string(word) + "`; there are perf, jitdump, gdb"};
  }
  return kinds;
}

Result<ProfileKinds> requested_profile_kinds() {
  const char *text = std::getenv("SPARKLE_JIT_PROFILE");
  return parse_profile_kinds(text ? text : "");
}

Result<std::shared_ptr<void>> announce(std::span<const AnnouncedFunction> functions, const ProfileKinds &kinds,
                                       std::shared_ptr<void> owner) {
  if (!kinds.any()) return owner;
  if (kinds.perf_map) SPARKLE_TRY_STATUS(write_perf_map(functions));
  if (kinds.jitdump) SPARKLE_TRY_STATUS(dump_file().add(functions));
  auto announced = std::make_shared<Announced>();
  announced->owner = std::move(owner);
  for (const AnnouncedFunction &function : functions) {
    if (kinds.gdb)
      announced->shown.push_back(show_to_gdb(symbol_object(function.name, function.address, function.bytes)));
  }
  return std::shared_ptr<void>(std::move(announced));
}

} // namespace sparkle::x86
