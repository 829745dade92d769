// What the opaque types of sparkle.h hold, and how failures cross the border. Private to bindings/c.
#pragma once

#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include <sparkle/sparkle.h>

#include "runtime/jit.h"
#include "runtime/kernel_cache.h"

struct sparkle_error {
  sparkle_code code = SPARKLE_INTERNAL;
  std::string text;
  std::string diagnostics;
  std::string diagnostics_json;
};

struct sparkle_machine {
  std::shared_ptr<sparkle::Machine> machine;
  std::shared_ptr<sparkle::KernelCache> cache = std::make_shared<sparkle::KernelCache>();
  std::vector<sparkle::DeviceInfo> devices;
  std::once_flag listed;
};

struct sparkle_kernel {
  sparkle::JitKernel kernel;
  // What pointers are returned to; follow the executable, which changes when a run falls back to another device.
  std::string schedule;
  std::string packed_layout;
};

struct sparkle_binding {
  std::shared_ptr<const sparkle::Executable> executable;
  std::vector<std::unique_ptr<sparkle::HostTensor>> tensors;
  std::unique_ptr<sparkle::Binding> binding;
};

struct sparkle_report {
  sparkle::RunReport report;
  std::string json;
  std::string text;
};

namespace sparkle::capi {

sparkle_error *error_of(const Error &error);
sparkle_error *error_of(const Error &error, const Diagnostics &diagnostics, const Source &source);
sparkle_error *invalid(std::string text);
/// Set aside, for there may be no memory for one when it is needed; never freed.
sparkle_error *out_of_memory();

/// Runs `work`, which returns a sparkle_error *, and turns what is thrown into one.
template <class F> sparkle_error *guarded(F &&work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc &) {
    return out_of_memory();
  } catch (const std::exception &failure) {
    try {
      return error_of({ErrorCode::kInternal, failure.what()});
    } catch (...) {
      return out_of_memory();
    }
  } catch (...) {
    return out_of_memory();
  }
}

/// A copy of the caller's struct at its own size: fields that a caller of an older version does not know keep their
/// initial values. False: `given` says a size of a newer version, or none.
template <class T> bool read_struct(const T *given, T &out) {
  if (!given) return true;
  if (given->struct_size < sizeof(size_t) || given->struct_size > sizeof(T)) return false;
  std::memcpy(&out, given, given->struct_size);
  return true;
}

/// A call's tensors, kept where Arguments points to.
struct Call {
  std::vector<std::unique_ptr<HostTensor>> tensors;
  Arguments arguments;
};
Result<Call> read_call(const sparkle_call *call);

sparkle_element element_of(Scalar scalar);

} // namespace sparkle::capi

#define SPARKLE_CAPI_TRY(declaration, expression)                                                                      \
  auto SPARKLE_CONCAT(capi_result_, __LINE__) = (expression);                                                          \
  if (!SPARKLE_CONCAT(capi_result_, __LINE__)) return error_of(SPARKLE_CONCAT(capi_result_, __LINE__).error());        \
  declaration = std::move(*SPARKLE_CONCAT(capi_result_, __LINE__))
