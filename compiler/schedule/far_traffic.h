// What a kernel reads from and writes to beyond the caches of a unit. Caches follow walks through memory by themselves,
// but stop at pages and start anew with each row; a line that is written through them is read first.
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

/// Streaming for results of few terms that are far larger than the caches of a unit, where the machine gains from it.
/// Smaller ones are better left in an outer cache for whoever reads them next.
StoreKind store_of_far_result(const Kernel &kernel, const DefinitionModel &model, const TargetInfo &info);

} // namespace sparkle
