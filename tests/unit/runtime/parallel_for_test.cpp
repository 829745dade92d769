#include "runtime/parallel_for.h"

#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sanitizers.h"

namespace sparkle {
namespace {

/// Counts how often each task ran, and checks that no worker is used twice at the same time.
struct Counter {
  Counter(int64_t tasks, int workers) : runs(static_cast<size_t>(tasks)), busy(static_cast<size_t>(workers)) {}
  std::vector<std::atomic<int>> runs;
  std::vector<std::atomic<int>> busy;
  std::atomic<int> clashes{0};

  static void range(void *context, int worker, int64_t first, int64_t last) {
    auto &self = *static_cast<Counter *>(context);
    if (self.busy[static_cast<size_t>(worker)].exchange(1) != 0) ++self.clashes;
    for (int64_t i = first; i < last; ++i) ++self.runs[static_cast<size_t>(i)];
    self.busy[static_cast<size_t>(worker)].store(0);
  }
  bool each_once() const {
    for (const auto &count : runs) {
      if (count != 1) return false;
    }
    return clashes == 0;
  }
};

TEST(ParallelFor, EveryTaskRunsOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.pool().workers, threads);
    for (int64_t tasks : {0, 1, 2, 7, 64, 1000}) {
      Counter counter(tasks, threads);
      parallel_for(pool.pool(), tasks, Counter::range, &counter);
      EXPECT_TRUE(counter.each_once()) << threads << " threads, " << tasks << " tasks";
    }
  }
}

TEST(ParallelFor, OneThreadRunsInlineInOneRange) {
  ThreadPool pool(1);
  struct Seen {
    std::thread::id thread;
    int64_t first = -1, last = -1;
  } seen;
  parallel_for(
      pool.pool(), 100,
      [](void *context, int, int64_t first, int64_t last) {
        *static_cast<Seen *>(context) = {std::this_thread::get_id(), first, last};
      },
      &seen);
  EXPECT_EQ(seen.thread, std::this_thread::get_id());
  EXPECT_EQ(seen.first, 0);
  EXPECT_EQ(seen.last, 100);
}

TEST(ParallelFor, SeveralThreadsTakePart) {
  ThreadPool pool(2);
  struct Seen {
    std::mutex mutex;
    std::set<std::thread::id> threads;
  } seen;
  parallel_for(
      pool.pool(), 16,
      [](void *context, int, int64_t, int64_t) {
        auto &self = *static_cast<Seen *>(context);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        std::lock_guard lock(self.mutex);
        self.threads.insert(std::this_thread::get_id());
      },
      &seen);
  EXPECT_EQ(seen.threads.size(), 2u);
}

TEST(ParallelFor, SlowSharesAreTakenOver) {
  // Worker 0 sleeps in its first range; the other must finish what is left of its share meanwhile.
  ThreadPool pool(2);
  struct Seen {
    std::atomic<bool> slept{false};
    std::atomic<int> taken_over{0};
  } seen;
  parallel_for(
      pool.pool(), 64,
      [](void *context, int worker, int64_t first, int64_t) {
        auto &self = *static_cast<Seen *>(context);
        if (first == 0 && !self.slept.exchange(true)) std::this_thread::sleep_for(std::chrono::milliseconds(200));
        if (worker == 1 && first < 32) ++self.taken_over;
      },
      &seen);
  EXPECT_GT(seen.taken_over, 0);
}

TEST(ParallelFor, NestedCallsRunInline) {
  ThreadPool pool(2);
  struct Outer {
    ThreadPool *pool;
    std::atomic<int64_t> sum{0};
  } outer{&pool};
  parallel_for(
      pool.pool(), 4,
      [](void *context, int, int64_t first, int64_t last) {
        auto &self = *static_cast<Outer *>(context);
        for (int64_t i = first; i < last; ++i) {
          parallel_for(
              self.pool->pool(), 10,
              [](void *inner, int, int64_t a, int64_t b) { static_cast<Outer *>(inner)->sum += b - a; }, context);
        }
      },
      &outer);
  EXPECT_EQ(outer.sum, 40);
}

TEST(ParallelFor, CallersAtTheSameTimeTakeTurns) {
  ThreadPool pool(2);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        Counter counter(33, 2);
        parallel_for(pool.pool(), 33, Counter::range, &counter);
        if (!counter.each_once()) ++wrong;
      }
    });
  }
  for (auto &caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ParallelFor, TheCallersPoolIsUsed) {
  struct Mine {
    int runs = 0;
  } mine;
  // In reverse order, in one thread: still right.
  WorkerPool pool{[](void *context, int count, WorkerFunction function, void *work) {
                    ++static_cast<Mine *>(context)->runs;
                    for (int i = count; i-- > 0;) function(work, i);
                  },
                  &mine, 3};
  Counter counter(100, 3);
  parallel_for(pool, 100, Counter::range, &counter);
  EXPECT_EQ(mine.runs, 1);
  EXPECT_TRUE(counter.each_once());
}

TEST(ParallelFor, WorksInAChildAfterFork) {
  if (test::is_sanitized("thread")) GTEST_SKIP() << "the thread sanitizer does not follow threads across fork";
  ThreadPool pool(2);
  Counter before(100, 2);
  parallel_for(pool.pool(), 100, Counter::range, &before);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20); // a pool that waits for threads of the parent ends here, not never
    bool good = false;
    {
      Counter counter(100, 2);
      parallel_for(pool.pool(), 100, Counter::range, &counter);
      good = counter.each_once();
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  Counter after(100, 2);
  parallel_for(pool.pool(), 100, Counter::range, &after);
  EXPECT_TRUE(after.each_once());
}

TEST(ParallelFor, AnInheritedPoolIsDestroyedWithoutWaiting) {
  auto pool = std::make_unique<ThreadPool>(2);
  Counter counter(100, 2);
  parallel_for(pool->pool(), 100, Counter::range, &counter);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    pool.reset();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

} // namespace
} // namespace sparkle
