// The ordered list of passes and what watches it: verification, dumps and time after each.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/cost_model.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/result.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// When the verifier runs.
enum class Verification : uint8_t { kNever, kOnResult, kAfterEachPass };

struct PipelineOptions {
  Schedule schedule;     ///< Kernels without an entry are scheduled by the cost model.
  bool automatic = true; ///< False: kernels without an entry get one serial loop per dimension.
  Verification verify = Verification::kAfterEachPass;
  std::string stop_after; ///< Name of a pass (its first run): the program as it is then is the result. Empty: run all.
  /// Called after each pass with its name and the program.
  std::function<void(std::string_view pass, const Program &program)> after_pass;
};

struct PassTime {
  std::string_view pass;
  double seconds;
};

struct KernelPrediction {
  std::string kernel;
  Prediction prediction;
};

struct PipelineReport {
  std::vector<PassTime> times;
  std::vector<KernelPrediction> predictions; ///< Of each kernel that placement left, with the schedule applied to it.
  Schedule schedule; ///< What was applied to each kernel, the automatic choices included; also when a pass fails.
};

/// From stage kImported to kLowerable. Errors: those of the passes, and kInternal where the verifier objects.
Result<Program> run_pipeline(const Program &imported, const PipelineOptions &options, const TargetInfo &info,
                             PipelineReport *report = nullptr);

/// What run_pipeline applies to the kernels of a program, and how long each of them takes by prediction.
struct ProgramPlan {
  Schedule schedule;
  std::vector<KernelPrediction> predictions;
};

/// The plan that run_pipeline follows with these options, by its first passes alone. Errors: of those.
Result<ProgramPlan> plan_program(const Program &imported, PipelineOptions options, const TargetInfo &info);

/// Names of the passes in the order of their first run.
std::vector<std::string_view> pass_names();

} // namespace sparkle
