#include "targets/llvm/large_stack.h"

#include <pthread.h>

namespace sparkle::llvm_target {
namespace {

constexpr size_t kStackBytes = size_t{64} << 20; // Reserved address space; pages are committed as they are touched.

void *run_work(void *work) {
  (*static_cast<const std::function<void()> *>(work))();
  return nullptr;
}

} // namespace

Status run_on_large_stack(const std::function<void()> &work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread;
  void *argument = const_cast<std::function<void()> *>(&work);
  const int failed = pthread_create(&thread, &attributes, run_work, argument);
  pthread_attr_destroy(&attributes);
  if (failed) return Error{ErrorCode::kOutOfMemory, "no thread for the compiler could be started"};
  pthread_join(thread, nullptr);
  return ok();
}

} // namespace sparkle::llvm_target
