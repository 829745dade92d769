// Running the tasks of a kernel on several threads. The pool is the caller's choice; ThreadPool is the default one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sparkle {

/// Work of one worker: called once for each index in [0, count), possibly at the same time.
extern "C" using WorkerFunction = void(*)(void *work, int index);

/// A pool of threads as the caller has it. `run` calls function(work, i) once for each i in [0, count), in any order
/// and on any threads, and returns when all calls are done. It must not throw.
struct WorkerPool {
  void (*run)(void *context, int count, WorkerFunction function, void *work) = nullptr;
  void *context = nullptr;
  int workers = 1; ///< How many calls of `run` make sense; 1: everything runs in the calling thread.
};

/// Runs tasks [first_task, last_task). `worker` is in [0, pool.workers); no two calls at the same time share one, so it
/// may index scratch memory.
using TaskRange = void (*)(void *context, int worker, int64_t first_task, int64_t last_task);

/// Calls `range` until each task in [0, tasks) was in exactly one range; every worker starts with a contiguous share
/// and then takes from those that are behind. With one worker or one task: inline, without the pool.
void parallel_for(const WorkerPool &pool, int64_t tasks, TaskRange range, void *context);

/// Default pool: threads are started at the first use, and again in a child process after fork. Thread-safe; calls at
/// the same time take turns, a call from inside a task runs inline.
class ThreadPool {
public:
  /// `threads` >= 1 counts the calling thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const { return threads_; }
  /// Valid as long as the pool.
  WorkerPool pool();
  /// `pthreadpool` or `std::thread`: chosen when Sparkle is built.
  static std::string_view backend();

private:
  struct Threads; ///< Running threads and the process they belong to.
  static void run(void *context, int count, WorkerFunction function, void *work);
  Threads *current();

  int threads_;
  std::atomic<Threads *> running_{nullptr};
};

} // namespace sparkle
