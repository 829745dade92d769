#include "compiler/support/check.h"

#include <atomic>
#include <cstdlib>

namespace sparkle {
namespace {

std::atomic<CheckHandler> handler{nullptr};
thread_local std::string_view context;

} // namespace

CheckHandler set_check_handler(CheckHandler next) { return handler.exchange(next); }

CheckContext::CheckContext(std::string_view what) : previous_(context) { context = what; }
CheckContext::~CheckContext() { context = previous_; }

void check_failed(const char *condition, const char *file, int line, std::string_view message) {
  std::string text = "internal check failed";
  if (!context.empty()) text += " in " + std::string(context);
  text += ": " + std::string(message) + " (`" + condition + "` at " + file + ":" + std::to_string(line) + ")";
  if (CheckHandler h = handler.load()) {
    h(text);
    std::abort();
  }
  throw InternalError(text);
}

} // namespace sparkle
