// A program that answers lines with lines, watched: every wait for it ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/support/result.h"

namespace sparkle::bench {

/// Its standard input and output are ours; what it writes to standard error goes where ours does.
class ChildProcess {
public:
  /// `words`: a path and arguments. `environment`: `NAME=VALUE`, in addition to ours. kIo: it cannot be started.
  static Result<std::unique_ptr<ChildProcess>> start(const std::vector<std::string> &words,
                                                     const std::vector<std::string> &environment);
  /// Ends it.
  ~ChildProcess();
  ChildProcess(const ChildProcess &) = delete;
  ChildProcess &operator=(const ChildProcess &) = delete;

  /// Sends `line`, waits for a line back. kTimeout: none came; kIo: the program has ended, or its line has no end. The
  /// process is of no more use after an error.
  Result<std::string> ask(const std::string &line, double timeout_seconds);

private:
  ChildProcess(int process, int socket) : process_(process), socket_(socket) {}
  Error ended();

  int process_;
  int socket_;
  bool is_gone_ = false;
  std::string received_;
};

} // namespace sparkle::bench
