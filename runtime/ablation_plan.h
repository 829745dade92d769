// What an ablation compares: schedules with more and more memory patterns, and with all of them but one. Pure data,
// made from a program and a machine; ablation.h runs it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/pattern.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"

namespace sparkle {

enum class AblationPart : uint8_t {
  kFull,        ///< All patterns: the schedule that was given, or the cost model's choice.
  kLadder,      ///< The first row has no pattern, each other one `pattern` in addition to the row before.
  kLeaveOneOut, ///< All but `pattern`.
  kPlainC,      ///< No schedule at all: C, in the words of the text.
};
std::string_view name_of(AblationPart part);

struct AblationVariant {
  AblationPart part = AblationPart::kFull;
  std::optional<Pattern> pattern; ///< Added or taken away; nothing: the full schedule and the ladder's first row.
  bool refitted = false;          ///< The cost model chose again, with the patterns left out forbidden.
  Schedule schedule;              ///< An entry for every definition: nothing is left to be chosen.
  std::string refusal;            ///< Why it cannot be made; empty: `schedule` is meant.
  std::optional<size_t> same_as;  ///< The number of an earlier variant with an equal schedule.
  /// `full`, `no pattern`, `+ tile`, `- tile`, with `, refitted`.
  std::string name() const;
};

struct AblationPlan {
  PatternSet used;                       ///< By the full schedule.
  std::vector<AblationVariant> variants; ///< The full one first, then the ladder, then those that lack one.
};

/// `given`: as in CompileOptions. Without `refit` no variant is refitted. Errors: of placement, and kBadSchedule where
/// the full schedule does not fit the program.
Result<AblationPlan> plan_ablation(const Program &imported, const TargetInfo &info, const Schedule &given, bool refit);

} // namespace sparkle
