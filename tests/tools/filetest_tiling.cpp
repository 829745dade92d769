// Filetests of the passes that apply a schedule's loops and stagings: place, split_reduction, layout,
// tile, pack, partition, overlap, merge.
#include <sstream>

#include "compiler/ir/verifier.h"
#include "compiler/passes/layout.h"
#include "compiler/passes/merge.h"
#include "compiler/passes/overlap.h"
#include "compiler/passes/pack.h"
#include "compiler/passes/partition.h"
#include "compiler/passes/place.h"
#include "compiler/passes/simplify.h"
#include "compiler/passes/split_reduction.h"
#include "compiler/passes/tile.h"
#include "compiler/passes/vectorize.h"
#include "compiler/schedule/fusion.h"
#include "tests/tools/filetest_handlers.h"

namespace sparkle {
namespace {

/// The lines below `; schedule:`, without their semicolons.
Result<Schedule> schedule_of(const Filetest &test) {
  std::istringstream lines{std::string(test.source.text())};
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(lines, line) && line.starts_with(";");) {
    if (inside && !line.starts_with(";  ")) break;
    if (inside) text += line.substr(1) + "\n";
    inside |= line == "; schedule:";
  }
  Diagnostics diagnostics;
  const Source source("schedule", text);
  auto schedule = parse_schedule(source, diagnostics);
  if (!schedule) return Error{ErrorCode::kInvalidInput, render_text(diagnostics, source)};
  return schedule;
}

struct Setting {
  ParsedIr parsed;
  Schedule schedule;
  TargetInfo info;
};

Result<Setting> setting_of(const Filetest &test, Diagnostics &diagnostics) {
  Setting setting;
  SPARKLE_TRY(setting.parsed, parse_filetest(test, diagnostics, true));
  SPARKLE_TRY(setting.schedule, schedule_of(test));
  SPARKLE_TRY(setting.info, filetest_machine(test));
  return setting;
}

Status verify_all(const Program &program) {
  for (const std::vector<Kernel> *kernels : {&program.prepack, &program.kernels})
    for (const Kernel &kernel : *kernels) SPARKLE_TRY_STATUS(verify(kernel));
  return ok();
}

template <class Pass> Result<std::string> run_on_program(const Filetest &test, Diagnostics &diagnostics, Pass pass) {
  SPARKLE_TRY(Setting s, setting_of(test, diagnostics));
  if (s.parsed.is_kernel) return Error{ErrorCode::kInvalidInput, "this pass works on a program"};
  SPARKLE_TRY(s.parsed.program, pass(s.parsed.program, s.schedule, s.info));
  SPARKLE_TRY_STATUS(verify_all(s.parsed.program));
  return print_parsed(s.parsed);
}

using Step = Result<Kernel> (*)(const Kernel &, const KernelSchedule &, const TargetInfo &);

/// Kernels of stage imported go through all steps, others through the last one.
Result<std::string> run_steps(const Filetest &test, Diagnostics &diagnostics, const std::vector<Step> &steps) {
  SPARKLE_TRY(Setting s, setting_of(test, diagnostics));
  for (std::vector<Kernel> *kernels : {&s.parsed.program.prepack, &s.parsed.program.kernels})
    for (Kernel &kernel : *kernels) {
      const KernelSchedule *found = s.schedule.find(kernel.name);
      const KernelSchedule entry = found ? *found : KernelSchedule();
      const size_t first = kernel.stage == Stage::kImported ? 0 : steps.size() - 1;
      for (size_t i = first; i < steps.size(); ++i) {
        SPARKLE_TRY(kernel, steps[i](kernel, entry, s.info));
      }
      SPARKLE_TRY_STATUS(verify(kernel));
    }
  return print_parsed(s.parsed);
}

// In the order of the pipeline.
constexpr Step kTile = [](const Kernel &k, const KernelSchedule &s, const TargetInfo &i) { return tile(k, {s}, i); };
constexpr Step kPack = [](const Kernel &k, const KernelSchedule &s, const TargetInfo &i) { return pack(k, {s}, i); };
constexpr Step kPartition = [](const Kernel &k, const KernelSchedule &s, const TargetInfo &i) {
  return partition(k, {s.partition, s.clip}, i);
};
constexpr Step kVectorize = [](const Kernel &k, const KernelSchedule &, const TargetInfo &i) {
  return vectorize(k, {}, i);
};
constexpr Step kSimplify = [](const Kernel &k, const KernelSchedule &, const TargetInfo &i) {
  return simplify(k, {}, i);
};
constexpr Step kOverlap = [](const Kernel &k, const KernelSchedule &, const TargetInfo &i) {
  return overlap(k, {}, i);
};

} // namespace

Result<std::string> filetest_place(const Filetest &test, Diagnostics &diagnostics) {
  return run_on_program(test, diagnostics,
                        [](const Program &p, const Schedule &s, const TargetInfo &i) { return place(p, {s}, i); });
}

Result<std::string> filetest_layout(const Filetest &test, Diagnostics &diagnostics) {
  return run_on_program(test, diagnostics,
                        [](const Program &p, const Schedule &s, const TargetInfo &i) { return layout(p, {s}, i); });
}

Result<std::string> filetest_split_reduction(const Filetest &test, Diagnostics &diagnostics) {
  return run_on_program(test, diagnostics, [](const Program &p, const Schedule &s, const TargetInfo &i) {
    return split_reduction(p, {s}, i);
  });
}

Result<std::string> filetest_merge(const Filetest &test, Diagnostics &diagnostics) {
  return run_on_program(test, diagnostics, [](const Program &p, Schedule s, const TargetInfo &i) -> Result<Program> {
    if (p.kernels.front().stage != Stage::kImported) return merge(p, {s}, i);
    SPARKLE_TRY(Program program, place(p, {s}, i));
    for (Kernel &kernel : program.kernels) {
      KernelSchedule entry;
      for (KernelSchedule &known : s.kernels) {
        if (known.kernel != kernel.name) continue;
        if (known.placement == Placement::kAt)
          known = share_groups(known, kernel, shared_loop_count(*s.find(known.at.consumer)));
        entry = known;
      }
      for (Step step : {kTile, kPack, kPartition, kVectorize, kSimplify, kOverlap, kSimplify}) {
        SPARKLE_TRY(kernel, step(kernel, entry, i));
      }
    }
    return merge(program, {s}, i);
  });
}

Result<std::string> filetest_tile(const Filetest &test, Diagnostics &diagnostics) {
  return run_steps(test, diagnostics, {kTile});
}

Result<std::string> filetest_pack(const Filetest &test, Diagnostics &diagnostics) {
  return run_steps(test, diagnostics, {kTile, kPack});
}

Result<std::string> filetest_partition(const Filetest &test, Diagnostics &diagnostics) {
  return run_steps(test, diagnostics, {kTile, kPack, kPartition});
}

Result<std::string> filetest_overlap(const Filetest &test, Diagnostics &diagnostics) {
  return run_steps(test, diagnostics, {kTile, kPack, kPartition, kVectorize, kSimplify, kOverlap});
}

} // namespace sparkle
