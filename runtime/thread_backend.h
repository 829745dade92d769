// Threads behind ThreadPool. Private to the runtime: one of thread_backend_{pthreadpool,std}.cpp is built in.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/parallel_for.h"

namespace sparkle {

class ThreadBackend {
public:
  /// nullptr: the system gives no threads. `threads` counts the caller of `run`.
  static std::unique_ptr<ThreadBackend> create(int threads);
  static std::string_view name();
  virtual ~ThreadBackend() = default;
  /// Calls function(work, i) for each i in [0, count) and waits. Callers at the same time take turns.
  virtual void run(int count, WorkerFunction function, void *work) = 0;
};

} // namespace sparkle
