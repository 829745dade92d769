#include <pthreadpool.h>

#include "runtime/thread_backend.h"

namespace sparkle {

namespace {

struct Call {
  WorkerFunction function;
  void *work;
};

void call_one(void *context, size_t index) {
  auto &call = *static_cast<Call *>(context);
  call.function(call.work, static_cast<int>(index));
}

class PthreadpoolBackend : public ThreadBackend {
public:
  explicit PthreadpoolBackend(pthreadpool_t pool) : pool_(pool) {}
  ~PthreadpoolBackend() override { pthreadpool_destroy(pool_); }
  PthreadpoolBackend(const PthreadpoolBackend &) = delete;
  PthreadpoolBackend &operator=(const PthreadpoolBackend &) = delete;

  void run(int count, WorkerFunction function, void *work) override {
    Call call{function, work};
    // No flags: denormals stay as they are.
    pthreadpool_parallelize_1d(pool_, call_one, &call, static_cast<size_t>(count), 0);
  }

private:
  pthreadpool_t pool_;
};

} // namespace

std::unique_ptr<ThreadBackend> ThreadBackend::create(int threads) {
  pthreadpool_t pool = pthreadpool_create(static_cast<size_t>(threads));
  if (pool == nullptr) return nullptr;
  return std::make_unique<PthreadpoolBackend>(pool);
}

std::string_view ThreadBackend::name() { return "pthreadpool"; }

} // namespace sparkle
