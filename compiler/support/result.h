// Result<T>: a value or an Error. Spelled so that std::expected can replace it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "compiler/support/check.h"

namespace sparkle {

/// Why something failed. Stable: the names are printed and tested.
enum class ErrorCode {
  kInvalidInput,      ///< The user's text, schedule, data or arguments are wrong (exit code 1).
  kBadSchedule,       ///< A schedule that is not legal for this kernel and machine.
  kUnsupported,       ///< A refusal: correct input that this target or version cannot do.
  kShapeOverflow,     ///< Shape or size arithmetic leaves 64 bits, or a named limit.
  kOutOfMemory,       ///< Host memory.
  kDeviceOutOfMemory, ///< Device memory.
  kNoDevice,          ///< The device asked for is not here.
  kDeviceLost,        ///< The device stopped answering; its context is dead.
  kDevice,            ///< Any other failed call of a device's driver; the text holds the driver's name for it.
  kTimeout,           ///< A bounded wait ran out.
  kIo,                ///< A file could not be read or written.
  kVerifyFailed,      ///< A computed result differs from the reference.
  kInternal,          ///< A failed internal check: Sparkle's bug (exit code 70).
};

std::string_view name_of(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string text; ///< One sentence, lower case, no full stop; says what was seen, then the rule.
};

template <class T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T &value() & { return checked(); }
  const T &value() const & { return const_cast<Result *>(this)->checked(); }
  T &&value() && { return std::move(checked()); }
  T &operator*() & { return checked(); }
  const T &operator*() const & { return const_cast<Result *>(this)->checked(); }
  T &&operator*() && { return std::move(checked()); }
  T *operator->() { return &checked(); }
  const T *operator->() const { return &const_cast<Result *>(this)->checked(); }

  const Error &error() const {
    SPARKLE_CHECK(!has_value(), "error() of a result that holds a value");
    return std::get<1>(state_);
  }

private:
  T &checked() {
    if (!has_value()) check_failed("has_value()", __FILE__, __LINE__, std::get<1>(state_).text);
    return std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

using Status = Result<std::monostate>;
inline Status ok() { return std::monostate{}; }

} // namespace sparkle

#define SPARKLE_CONCAT_INNER(a, b) a##b
#define SPARKLE_CONCAT(a, b) SPARKLE_CONCAT_INNER(a, b)
/// SPARKLE_TRY(Kernel tiled, tile(k, opt, info)); returns the error of a failed Result from the enclosing function.
#define SPARKLE_TRY(declaration, expression)                                                                           \
  SPARKLE_TRY_IMPL(SPARKLE_CONCAT(try_result_, __LINE__), declaration, expression)
#define SPARKLE_TRY_IMPL(result, declaration, expression)                                                              \
  auto result = (expression);                                                                                          \
  if (!result) return result.error();                                                                                  \
  declaration = std::move(*result)
/// SPARKLE_TRY_STATUS(write(file)); the same where no value is wanted.
#define SPARKLE_TRY_STATUS(expression)                                                                                 \
  do {                                                                                                                 \
    if (auto try_status = (expression); !try_status) return try_status.error();                                        \
  } while (false)
