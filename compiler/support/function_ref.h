// A function as a parameter: two words, no allocation. Refers to the caller's callable, so it must not outlive the
// call.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace sparkle {

template <class Signature> class FunctionRef;

template <class R, class... Args> class FunctionRef<R(Args...)> {
public:
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F &, Args...>)
      FunctionRef(F &&fn) // NOLINT(google-explicit-constructor): a lambda is passed as it is.
      : object_(const_cast<void *>(static_cast<const void *>(std::addressof(fn)))),
        call_([](void *object, Args... args) -> R {
          return std::invoke(*static_cast<std::remove_reference_t<F> *>(object), std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

private:
  void *object_;
  R (*call_)(void *, Args...);
};

} // namespace sparkle
