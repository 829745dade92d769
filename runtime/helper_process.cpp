#include "runtime/helper_process.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/timer.h"

namespace sparkle {
namespace {

constexpr size_t kMostOutput = 1 << 16;
constexpr double kEndSeconds = 2; ///< From the end of its output, or from SIGKILL, to its end.

Error system_error(const std::string &what, int number) {
  return {ErrorCode::kIo, what + ": " + std::strerror(number)};
}

/// What the child starts with: its files, and signals as a new program has them.
class SpawnSettings {
public:
  explicit SpawnSettings(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#if __GLIBC_PREREQ(2, 34)
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
#endif
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSettings(const SpawnSettings &) = delete;
  SpawnSettings &operator=(const SpawnSettings &) = delete;
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  int start(const std::vector<std::string> &words, pid_t &process) const {
    std::vector<char *> pointers;
    for (const std::string &word : words) pointers.push_back(const_cast<char *>(word.c_str()));
    pointers.push_back(nullptr);
    return posix_spawn(&process, words.front().c_str(), &actions_, &attributes_, pointers.data(), environ);
  }

private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// Reads to the end. False: the time was over first.
bool read_all(int from, double timeout_seconds, std::string &output) {
  const Stopwatch watch;
  for (;;) {
    const double left = timeout_seconds - watch.seconds();
    pollfd wait = {from, POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&wait, 1, static_cast<int>(std::min(left, 1e6) * 1e3) + 1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char buffer[4096];
    const ssize_t count = read(from, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    output.append(buffer, std::min(static_cast<size_t>(count), kMostOutput - output.size()));
  }
}

/// A process that no signal reaches (a driver that hangs in the kernel) is left to itself.
bool wait_for(pid_t process, HelperEnd &end) {
  int status = 0;
  for (const Stopwatch watch; watch.seconds() < kEndSeconds; usleep(1000)) {
    const pid_t got = waitpid(process, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) continue;
    if (got < 0) end.exit_code = -1;
    if (got == process && WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    if (got == process && WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
    return true;
  }
  return false;
}

} // namespace

Result<HelperEnd> run_helper(const std::vector<std::string> &words, double timeout_seconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("no pipe for " + words.front(), errno);
  pid_t process = 0;
  const int failed = SpawnSettings(ends[1]).start(words, process);
  close(ends[1]);
  if (failed != 0) {
    close(ends[0]);
    return system_error(words.front() + " cannot be started", failed);
  }
  HelperEnd end;
  end.timed_out = !read_all(ends[0], timeout_seconds, end.output);
  close(ends[0]);
  if (!end.timed_out) end.timed_out = !wait_for(process, end);
  if (!end.timed_out) return end;
  kill(process, SIGKILL);
  HelperEnd killed;
  wait_for(process, killed);
  return end;
}

std::string signal_text(int signal) {
  const char *name = sigdescr_np(signal);
  return "signal " + std::to_string(signal) + (name ? " (" + std::string(name) + ")" : "");
}

} // namespace sparkle
