#include <array>

#include "targets/x86/allocate.h"
#include "targets/x86/optimize.h"
#include "targets/x86/text.h"
#include "targets/x86/verify.h"
#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

struct Step {
  std::string_view name;
  void (*run)(x86::Function &);
};
constexpr std::array kSteps = {Step{"propagate_copies", x86::propagate_copies}, Step{"fold_loads", x86::fold_loads},
                               Step{"remove_dead", x86::remove_dead},
                               Step{"share_results", [](x86::Function &function) { x86::share_results(function); }},
                               Step{"optimize", x86::optimize}};

Result<std::string> allocated(x86::Function function) {
  SPARKLE_TRY(const x86::Allocation allocation, x86::allocate(function));
  SPARKLE_TRY_STATUS(x86::verify(function));
  return x86::to_text(function, allocation) + "hot spills " + std::to_string(allocation.spills_in_hot_loops) + "\n";
}

} // namespace

Result<std::string> filetest_x86(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(x86::Function function, x86::parse_function(test.source, diagnostics));
  SPARKLE_TRY_STATUS(x86::verify(function));
  if (test.arguments == "verify") return x86::to_text(function);
  if (test.arguments == "allocate") return allocated(std::move(function));
  for (const Step &step : kSteps) {
    if (test.arguments != step.name) continue;
    step.run(function);
    SPARKLE_TRY_STATUS(x86::verify(function));
    return x86::to_text(function);
  }
  return Error{ErrorCode::kInvalidInput, "no such step: " + test.arguments};
}

} // namespace sparkle
