#include "tests/fuzz/code_size.h"

#include <algorithm>
#include <map>
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

/// Of each kernel after all passes; empty: the schedule is refused.
std::map<std::string, int64_t> code_sizes(const Program &imported, const TargetInfo &info, const Schedule &schedule) {
  PipelineOptions options;
  options.schedule = schedule;
  options.automatic = false;
  std::map<std::string, int64_t> sizes;
  try {
    const Result<Program> lowered = run_pipeline(imported, options, info);
    if (!lowered) return {};
    for (const std::vector<Kernel> *kernels : {&lowered->prepack, &lowered->kernels})
      for (const Kernel &kernel : *kernels) sizes[kernel.name] = expanded_statements(kernel);
  } catch (const InternalError &) { // Told where the schedule is used.
  }
  return sizes;
}

std::set<std::string> large_kernels(const Program &imported, const TargetInfo &info, int64_t most,
                                    const Schedule &schedule) {
  std::set<std::string> large;
  for (const auto &[name, size] : code_sizes(imported, info, schedule))
    if (size > most) large.insert(name);
  return large;
}

void leave_partitions(KernelSchedule &entry) { entry.partition.clear(); }
void leave_near_memory(KernelSchedule &entry) {
  std::erase_if(entry.stagings, [](const Staging &staging) { return staging.level == MemoryLevel::kNear; });
}
/// What is indexed in registers is written out.
void leave_registers(KernelSchedule &entry) {
  std::erase_if(entry.stagings, [](const Staging &staging) { return staging.level == MemoryLevel::kRegister; });
}
void leave_unrolling(KernelSchedule &entry) {
  for (DimSchedule &dim : entry.dims)
    for (Split &split : dim.splits)
      if (split.kind == LoopKind::kUnrolled) split.kind = LoopKind::kSerial;
}

} // namespace

int64_t code_size(const Program &imported, const TargetInfo &info, const Schedule &schedule) {
  int64_t most = 0;
  for (const auto &[name, size] : code_sizes(imported, info, schedule)) most = std::max(most, size);
  return most;
}

void bound_code(const Program &imported, const TargetInfo &info, int64_t most, Schedule &schedule) {
  for (void (*simplify)(KernelSchedule &) : {leave_partitions, leave_near_memory, leave_registers, leave_unrolling}) {
    const std::set<std::string> large = large_kernels(imported, info, most, schedule);
    for (KernelSchedule &entry : schedule.kernels)
      if (large.contains(entry.placement == Placement::kAt ? entry.at.consumer : entry.kernel)) simplify(entry);
  }
}

} // namespace sparkle::test
