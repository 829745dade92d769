// The machine that is planned for: a description from a file, from the program itself, or of the machine at hand.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"
#include "tools/sparklec/console.h"

namespace sparkle::cli {

inline constexpr std::string_view kTargetInfoEnding = ".target";

/// `name`: a fixture (`h100`), else a file. kInvalidInput, kIo.
Result<TargetInfo> load_target_info(const std::string &name, Console &console);

/// As `plan` says; without --target-info that of this machine's CPU.
Result<TargetInfo> cpu_or_given(const PlanOptions &plan, Console &console);
/// Likewise the first GPU; without one `generic_gpu`, with a note.
Result<TargetInfo> gpu_or_given(const PlanOptions &plan, Console &console);

/// Empty without --schedule.
Result<Schedule> load_schedule(const PlanOptions &plan, Console &console);

} // namespace sparkle::cli
