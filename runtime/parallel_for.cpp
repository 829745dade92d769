#include "runtime/parallel_for.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <unistd.h>

#include "compiler/support/check.h"
#include "runtime/thread_backend.h"

namespace sparkle {

namespace {

/// Set while this thread runs work of a ThreadPool: a pool that waits for itself would never finish.
thread_local bool inside_pool = false;

/// What is left of one worker's share. A line of its own, or counting would bounce the line between cores.
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
  int64_t step = 1;
};

struct Loop {
  TaskRange range;
  void *context;
  std::vector<Share> shares;
};

void drain(Loop &loop, Share &share, int worker) {
  for (;;) {
    const int64_t first = share.next.fetch_add(share.step, std::memory_order_relaxed);
    if (first >= share.end) return;
    loop.range(loop.context, worker, first, std::min(first + share.step, share.end));
  }
}

// Own share first: the same worker gets the same tasks in every run, so their data may still be in its core's cache.
void work_and_steal(void *work, int worker) {
  auto &loop = *static_cast<Loop *>(work);
  const size_t count = loop.shares.size();
  for (size_t i = 0; i < count; ++i) {
    drain(loop, loop.shares[(static_cast<size_t>(worker) + i) % count], worker);
  }
}

} // namespace

void parallel_for(const WorkerPool &pool, int64_t tasks, TaskRange range, void *context) {
  if (tasks <= 0) return;
  const int64_t workers = std::min<int64_t>(pool.workers, tasks);
  if (workers <= 1 || pool.run == nullptr) return range(context, 0, 0, tasks);
  // Steps of an eighth of a share: few enough calls to cost nothing, small enough to leave something to take over.
  constexpr int64_t kStepsPerShare = 8;
  Loop loop{range, context, std::vector<Share>(static_cast<size_t>(workers))};
  const int64_t base = tasks / workers, extra = tasks % workers;
  int64_t first = 0;
  for (int64_t i = 0; i < workers; ++i) {
    Share &share = loop.shares[static_cast<size_t>(i)];
    const int64_t size = base + (i < extra ? 1 : 0);
    share.next.store(first, std::memory_order_relaxed);
    share.end = first + size;
    share.step = std::max<int64_t>(1, size / kStepsPerShare);
    first += size;
  }
  pool.run(pool.context, static_cast<int>(workers), work_and_steal, &loop);
}

struct ThreadPool::Threads {
  std::unique_ptr<ThreadBackend> backend;
  pid_t process;
};

ThreadPool::ThreadPool(int threads) : threads_(threads) { SPARKLE_CHECK(threads >= 1, "a pool without threads"); }

ThreadPool::~ThreadPool() {
  Threads *threads = running_.load();
  if (threads == nullptr) return;
  // After fork, the threads exist in the parent alone: waiting for them here would never end, so they are left behind.
  if (threads->process != getpid()) static_cast<void>(threads->backend.release());
  delete threads;
}

std::string_view ThreadPool::backend() { return ThreadBackend::name(); }

WorkerPool ThreadPool::pool() { return {&ThreadPool::run, this, threads_}; }

// No mutex: one held by another thread during fork would stay locked in the child.
ThreadPool::Threads *ThreadPool::current() {
  Threads *seen = running_.load(std::memory_order_acquire);
  const pid_t process = getpid();
  while (seen == nullptr || seen->process != process) {
    auto made = std::make_unique<Threads>(Threads{ThreadBackend::create(threads_), process});
    // On success the parent's threads, if any, are left behind on purpose (see the destructor).
    if (running_.compare_exchange_strong(seen, made.get(), std::memory_order_acq_rel)) return made.release();
  }
  return seen;
}

namespace {

struct Marked {
  WorkerFunction function;
  void *work;
};

void run_marked(void *work, int index) {
  auto &marked = *static_cast<Marked *>(work);
  const bool before = std::exchange(inside_pool, true);
  marked.function(marked.work, index);
  inside_pool = before;
}

} // namespace

void ThreadPool::run(void *context, int count, WorkerFunction function, void *work) {
  auto &self = *static_cast<ThreadPool *>(context);
  Threads *threads = inside_pool || self.threads_ == 1 ? nullptr : self.current();
  if (threads == nullptr || threads->backend == nullptr) { // no threads to be had: slower, and still right
    for (int i = 0; i < count; ++i) function(work, i);
    return;
  }
  Marked marked{function, work};
  threads->backend->run(count, run_marked, &marked);
}

} // namespace sparkle
