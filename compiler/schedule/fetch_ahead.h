// Hints for what a kernel reads from beyond the caches of a unit: caches follow walks through memory by themselves, but
// stop at pages and start anew with each row.
#pragma once

#include <vector>

#include "compiler/schedule/access_model.h"
#include "compiler/schedule/loop_plan.h"
#include "compiler/schedule/schedule.h"
#include "compiler/target/target_info.h"

namespace sparkle {

/// One for each read of a reduction of few terms whose tensor is larger than the caches of a unit, at the serial loop
/// that leaves the most time; none on machines without hints. Elements that are used often come from caches anyway.
std::vector<PrefetchHint> hints_ahead(const DefinitionModel &model, const LoopPlan &plan, const TargetInfo &info);

} // namespace sparkle
