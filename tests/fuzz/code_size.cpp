#include "tests/fuzz/code_size.h"

#include <algorithm>
#include <set>
#include <string>

#include "compiler/analysis/walk.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/support/checked_math.h"

namespace sparkle::test {
namespace {

int64_t copies_of(const Kernel &kernel, StmtId id) {
  int64_t copies = 1;
  for (StmtId around : loops_around(kernel, id)) {
    const auto &loop = std::get<For>(kernel.stmt(around));
    const auto begin = kernel.constant(loop.begin), end = kernel.constant(loop.end);
    if (loop.kind != LoopKind::kUnrolled || !begin || !end) continue;
    copies = checked_mul(copies, std::max<int64_t>(*end - *begin, 0)).value_or(INT64_MAX);
  }
  return copies;
}

int64_t expanded_statements(const Kernel &kernel) {
  int64_t sum = 0;
  for_each_stmt(kernel, kernel.body, [&](StmtId id) {
    if (std::holds_alternative<Block>(kernel.stmt(id))) return;
    sum = checked_add(sum, copies_of(kernel, id)).value_or(INT64_MAX);
  });
  return sum;
}

/// Names of the kernels that are too large.
std::set<std::string> large_kernels(const Program &imported, const TargetInfo &info, int64_t most,
                                    const Schedule &schedule) {
  PipelineOptions options;
  options.schedule = schedule;
  options.automatic = false;
  std::set<std::string> large;
  try {
    const Result<Program> lowered = run_pipeline(imported, options, info);
    if (!lowered) return {};
    for (const std::vector<Kernel> *kernels : {&lowered->prepack, &lowered->kernels})
      for (const Kernel &kernel : *kernels)
        if (expanded_statements(kernel) > most) large.insert(kernel.name);
  } catch (const InternalError &) { // Told where the schedule is used.
  }
  return large;
}

void unroll_nothing(KernelSchedule &kernel) {
  for (DimSchedule &dim : kernel.dims)
    for (Split &split : dim.splits)
      if (split.kind == LoopKind::kUnrolled) split.kind = LoopKind::kSerial;
}

} // namespace

void bound_code(const Program &imported, const TargetInfo &info, int64_t most, Schedule &schedule) {
  for (const std::string &name : large_kernels(imported, info, most, schedule))
    for (KernelSchedule &kernel : schedule.kernels)
      if (kernel.kernel == name) kernel.partition.clear();
  for (const std::string &name : large_kernels(imported, info, most, schedule))
    for (KernelSchedule &kernel : schedule.kernels)
      if (kernel.kernel == name) unroll_nothing(kernel);
}

} // namespace sparkle::test
