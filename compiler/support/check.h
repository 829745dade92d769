// SPARKLE_CHECK: internal invariants, always on. A failure is Sparkle's own bug, never the user's mistake.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace sparkle {

/// Thrown by the default handler; the facade (`runtime/jit`) catches it and returns ErrorCode::kInternal.
class InternalError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// What a failed check calls, with the place and the message. Must not return: it throws or ends the process.
using CheckHandler = void (*)(std::string_view message);

/// Replaces the handler (nullptr: the default, which throws InternalError). Returns the previous one.
CheckHandler set_check_handler(CheckHandler handler);

/// Names what is being worked on ("pass tile"), shown in front of the message of a failed check.
/// The text must outlive the scope. Per thread.
class CheckContext {
public:
  explicit CheckContext(std::string_view what);
  ~CheckContext();
  CheckContext(const CheckContext &) = delete;
  CheckContext &operator=(const CheckContext &) = delete;

private:
  std::string_view previous_;
};

[[noreturn]] void check_failed(const char *condition, const char *file, int line, std::string_view message);

} // namespace sparkle

#define SPARKLE_CHECK(condition, message)                                                                              \
  do {                                                                                                                 \
    if (!(condition)) [[unlikely]]                                                                                     \
      ::sparkle::check_failed(#condition, __FILE__, __LINE__, message);                                                \
  } while (false)
