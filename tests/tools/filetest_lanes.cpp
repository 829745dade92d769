// Filetests of the passes about lanes, code size and memory hints: vectorize, unroll, prefetch, stream.
#include <fstream>
#include <sstream>

#include "compiler/ir/verifier.h"
#include "compiler/passes/prefetch.h"
#include "compiler/passes/stream.h"
#include "compiler/passes/unroll.h"
#include "compiler/passes/vectorize.h"
#include "compiler/support/string_builder.h"
#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

/// The schedule of one kernel that holds the line of the arguments.
Result<KernelSchedule> schedule_of(const Filetest &test) {
  Diagnostics diagnostics;
  SPARKLE_TRY(const Schedule schedule,
              parse_schedule(Source("arguments", "kernel k {\n" + test.arguments + "\n}\n"), diagnostics));
  return schedule.kernels.at(0);
}

template <class Pass> Result<std::string> run_pass(const Filetest &test, Diagnostics &diagnostics, Pass pass) {
  SPARKLE_TRY(ParsedIr parsed, parse_filetest(test, diagnostics, true));
  SPARKLE_TRY(const TargetInfo info, filetest_machine(test));
  for (std::vector<Kernel> *kernels : {&parsed.program.prepack, &parsed.program.kernels})
    for (Kernel &kernel : *kernels) {
      SPARKLE_TRY(kernel, pass(kernel, info));
      SPARKLE_TRY_STATUS(verify(kernel));
    }
  return print_parsed(parsed);
}

} // namespace

Result<TargetInfo> filetest_machine(const Filetest &test) {
  const std::string name = test.header("target-info", "avx2");
  std::ifstream file(std::string(SPARKLE_SOURCE_DIR) + "/targets/fixtures/" + name + ".target");
  if (!file) return Error{ErrorCode::kIo, "there is no machine `" + name + "` in targets/fixtures"};
  std::ostringstream text;
  text << file.rdbuf();
  Diagnostics diagnostics;
  return parse_target_info(Source(name, text.str()), diagnostics);
}

Result<std::string> filetest_vectorize(const Filetest &test, Diagnostics &diagnostics) {
  return run_pass(test, diagnostics, [](const Kernel &in, const TargetInfo &info) { return vectorize(in, {}, info); });
}

Result<std::string> filetest_unroll(const Filetest &test, Diagnostics &diagnostics) {
  int64_t code_bytes = 0;
  const bool has_budget = parse_int(test.arguments, code_bytes);
  return run_pass(test, diagnostics, [&](const Kernel &in, TargetInfo info) {
    if (has_budget) info.code_bytes = code_bytes;
    return unroll(in, {}, info);
  });
}

Result<std::string> filetest_prefetch(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(const KernelSchedule schedule, schedule_of(test));
  return run_pass(test, diagnostics,
                  [&](const Kernel &in, const TargetInfo &info) { return prefetch(in, {schedule.prefetches}, info); });
}

Result<std::string> filetest_stream(const Filetest &test, Diagnostics &diagnostics) {
  SPARKLE_TRY(const KernelSchedule schedule, schedule_of(test));
  return run_pass(test, diagnostics,
                  [&](const Kernel &in, const TargetInfo &info) { return stream(in, {schedule.store}, info); });
}

} // namespace sparkle
