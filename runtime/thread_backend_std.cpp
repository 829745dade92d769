// For sanitizers (Debian's pthreadpool is not instrumented) and for systems without that library.
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/thread_backend.h"

namespace sparkle {

namespace {

class StdBackend : public ThreadBackend {
public:
  /// May start fewer threads than asked for; the caller of `run` always works too.
  explicit StdBackend(int threads) {
    try {
      for (int i = 1; i < threads; ++i) threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error &) {
      // Fewer threads are slower, and still right.
    }
  }

  ~StdBackend() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread &thread : threads_) thread.join();
  }

  void run(int count, WorkerFunction function, void *work) override {
    std::lock_guard turn(turn_);
    std::unique_lock lock(mutex_);
    function_ = function, work_ = work, count_ = count, next_ = 0, unfinished_ = count;
    wake_.notify_all();
    take_items(lock);
    done_.wait(lock, [this] { return unfinished_ == 0; });
  }

private:
  /// Works on items as long as there are any. An item is a whole worker's share, so a lock for each costs little.
  void take_items(std::unique_lock<std::mutex> &lock) {
    while (next_ < count_) {
      const int index = next_++;
      const WorkerFunction function = function_;
      void *const work = work_;
      lock.unlock();
      function(work, index);
      lock.lock();
      if (--unfinished_ == 0) done_.notify_all();
    }
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stop_ || next_ < count_; });
      if (stop_) return;
      take_items(lock);
    }
  }

  std::mutex turn_; ///< Held by the caller whose items are being worked on.
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  WorkerFunction function_ = nullptr;
  void *work_ = nullptr;
  int count_ = 0, next_ = 0, unfinished_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_; ///< Last: started when everything above is there.
};

} // namespace

std::unique_ptr<ThreadBackend> ThreadBackend::create(int threads) { return std::make_unique<StdBackend>(threads); }

std::string_view ThreadBackend::name() { return "std::thread"; }

} // namespace sparkle
