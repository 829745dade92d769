#include "tools/bench/child_process.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/timer.h"

namespace sparkle::bench {
namespace {

constexpr size_t kMostLineBytes = 1 << 20;
constexpr double kEndSeconds = 1; ///< What a process that has closed its output gets to end by itself.

std::string system_error(int number) { return std::strerror(number); }

std::vector<char *> pointers(const std::vector<std::string> &words) {
  std::vector<char *> result;
  for (const std::string &word : words) result.push_back(const_cast<char *>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

/// Ours, but for the names that `more` sets.
std::vector<std::string> environment_with(const std::vector<std::string> &more) {
  std::vector<std::string> all = more;
  for (char **entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    if (std::ranges::none_of(more, [&](const std::string &set) { return set.starts_with(name); })) all.push_back(text);
  }
  return all;
}

} // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::vector<std::string> &words,
                                                          const std::vector<std::string> &environment) {
  // A socket in place of pipes: writing to a peer that has died is an error then, not a signal.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return Error{ErrorCode::kIo, "no socket for a child process: " + system_error(errno)};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const std::vector<std::string> variables = environment_with(environment);
  pid_t process = 0;
  const int failed = posix_spawn(&process, words.front().c_str(), &actions, nullptr, pointers(words).data(),
                                 pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed == 0) return std::unique_ptr<ChildProcess>(new ChildProcess(process, ends[0]));
  close(ends[0]);
  return Error{ErrorCode::kIo, words.front() + " cannot be started: " + system_error(failed)};
}

ChildProcess::~ChildProcess() {
  close(socket_);
  if (is_gone_) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

Error ChildProcess::ended() {
  const Stopwatch watch;
  int status = 0;
  while (!is_gone_ && watch.seconds() < kEndSeconds) {
    is_gone_ = waitpid(process_, &status, WNOHANG) == process_;
    if (!is_gone_) usleep(1000);
  }
  if (!is_gone_) return {ErrorCode::kIo, "it has closed its output"};
  if (WIFSIGNALED(status)) return {ErrorCode::kIo, "it was ended by signal " + std::to_string(WTERMSIG(status))};
  return {ErrorCode::kIo, "it ended with exit code " + std::to_string(WEXITSTATUS(status))};
}

Result<std::string> ChildProcess::ask(const std::string &line, double timeout_seconds) {
  const std::string text = line + "\n";
  const ssize_t sent = send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(text.size())) return ended();
  const Stopwatch watch;
  while (true) {
    const size_t end = received_.find('\n');
    if (end != received_.npos) {
      std::string answer = received_.substr(0, end);
      received_.erase(0, end + 1);
      return answer;
    }
    if (received_.size() > kMostLineBytes) return Error{ErrorCode::kIo, "its line has no end"};
    const double left = timeout_seconds - watch.seconds();
    pollfd wait = {socket_, POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&wait, 1, static_cast<int>(std::ceil(std::min(left, 1e6) * 1e3)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0)
      return Error{ErrorCode::kTimeout, "no answer within " + std::to_string(std::lround(timeout_seconds)) + " s"};
    char buffer[4096];
    const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    if (count <= 0) return ended();
    received_.append(buffer, static_cast<size_t>(count));
  }
}

} // namespace sparkle::bench
