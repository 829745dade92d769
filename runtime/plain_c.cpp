#include "runtime/plain_c.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/target/target.h"
#include "runtime/file_io.h"
#include "runtime/timer.h"
#include "targets/c/c_emitter.h"

namespace sparkle {
namespace {

namespace fs = std::filesystem;

constexpr const char *kCompilers[] = {"clang-19", "clang-14", "clang", "cc"};
constexpr int64_t kMostMessageBytes = 1 << 20;
constexpr size_t kShownMessageBytes = 400;

/// A folder for this user alone, removed at the end.
class PrivateFolder {
public:
  static Result<PrivateFolder> make() {
    std::error_code failed;
    const fs::path base = fs::temp_directory_path(failed);
    if (failed) return Error{ErrorCode::kIo, "no folder for temporary files: " + failed.message()};
    std::string name = base / "sparkle-c-XXXXXX";
    if (!mkdtemp(name.data()))
      return Error{ErrorCode::kIo, "no folder like `" + name + "` could be made: " + std::strerror(errno)};
    return PrivateFolder(std::move(name));
  }
  PrivateFolder(PrivateFolder &&other) noexcept : path_(std::exchange(other.path_, {})) {}
  PrivateFolder(const PrivateFolder &) = delete;
  PrivateFolder &operator=(PrivateFolder &&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  std::string file(const char *name) const { return path_ + "/" + name; }

private:
  explicit PrivateFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Runs a program with its output in the file `log`; its exit status. -1: it could not be run.
int run_process(const std::vector<std::string> &words, const std::string &log) {
  std::vector<char *> arguments;
  for (const std::string &word : words) arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  const int output = open(log.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (output < 0) return -1;
  const pid_t child = fork();
  if (child == 0) { // Only calls that are safe between fork and exec in a process with threads.
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(output);
  int state = 0;
  if (child < 0) return -1;
  while (waitpid(child, &state, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

std::string first_of(const std::string &path) {
  const Result<std::string> read = read_text_file(path, kMostMessageBytes);
  std::string text = read ? *read : "";
  if (text.size() > kShownMessageBytes) text = text.substr(0, kShownMessageBytes) + "...";
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<std::shared_ptr<void>> open_library(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return Error{ErrorCode::kUnsupported, std::string("the compiled C cannot be opened: ") + dlerror()};
  return std::shared_ptr<void>(library, [](void *handle) { dlclose(handle); });
}

Status attach_code(Artifact &artifact, const std::shared_ptr<void> &library) {
  for (size_t i = 0; i < artifact.launches.size(); ++i) {
    const std::string name = "sparkle_entry_" + std::to_string(i);
    void *entry = dlsym(library.get(), name.c_str());
    if (!entry) return Error{ErrorCode::kInternal, "the compiled C has no function `" + name + "`"};
    artifact.launches[i].code = CpuCode{reinterpret_cast<SparkleCpuEntry>(entry), library};
  }
  return ok();
}

Result<std::shared_ptr<void>> build(const std::string &text, const CCompiler &compiler,
                                    const std::vector<std::string> &flags) {
  SPARKLE_TRY(const PrivateFolder folder, PrivateFolder::make());
  SPARKLE_TRY_STATUS(write_file(folder.file("plain.c"), std::vector<uint8_t>(text.begin(), text.end())));
  std::vector<std::string> words{compiler.path};
  words.insert(words.end(), flags.begin(), flags.end());
  for (const char *word : {"-std=c99", "-fPIC", "-shared", "-o"}) words.emplace_back(word);
  words.insert(words.end(), {folder.file("plain.so"), folder.file("plain.c"), "-lm"});
  if (const int status = run_process(words, folder.file("log")); status != 0)
    return Error{ErrorCode::kUnsupported,
                 "`" + compiler.path + "` ended with " + std::to_string(status) + ": " + first_of(folder.file("log"))};
  return open_library(folder.file("plain.so"));
}

} // namespace

Result<CCompiler> find_c_compiler() {
  const char *path = std::getenv("PATH");
  for (const char *name : kCompilers) {
    std::string_view left = path ? path : "/usr/bin:/bin";
    while (!left.empty()) {
      const size_t end = std::min(left.find(':'), left.size());
      const std::string file = std::string(left.substr(0, end)) + "/" + name;
      if (file.front() == '/' && access(file.c_str(), X_OK) == 0) return CCompiler{file, name};
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
  return Error{ErrorCode::kNoDevice, "there is no C compiler here: none of clang-19, clang-14, clang, cc"};
}

Result<std::shared_ptr<const Executable>> compile_plain_c(const Program &imported,
                                                          const std::shared_ptr<Machine> &machine,
                                                          const CCompiler &compiler,
                                                          const std::vector<std::string> &flags) {
  auto out = std::make_shared<Executable>();
  out->machine = machine;
  out->device = machine->cpu();
  out->imported = imported;
  out->is_automatic = false;
  SPARKLE_TRY(const std::string text, c::emit_c(imported, {true}));
  SPARKLE_TRY(out->artifact, plan_artifact(imported, "c"));
  const Stopwatch watch;
  SPARKLE_TRY(const std::shared_ptr<void> library, build(text, compiler, flags));
  SPARKLE_TRY_STATUS(attach_code(out->artifact, library));
  out->times.lower = watch.seconds();
  return std::shared_ptr<const Executable>(std::move(out));
}

} // namespace sparkle
