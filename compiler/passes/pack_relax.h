// Which conjuncts of an accumulation's guard are not needed: without them no memory outside is read, and the result is
// the same.
#pragma once

#include <set>
#include <unordered_map>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/schedule/schedule.h"

namespace sparkle {

/// Loads that are replaced by loads of a staged copy, each with the conjuncts under which the copy holds zeros.
using CoveredLoads = std::unordered_map<StmtId, std::set<ExprId>>;

/// For an If of `kernel` (stage kTiled) that only loads and updates register cells: the conjuncts of its condition that
/// must stay, in order. A conjunct may go when every load but the covered ones stays inside its buffer without it, and
/// either it mentions no reduction loop and guards every later use of the cell as well (a tile's tail: the value is
/// then unused) or the term is a product in a sum with a covered factor that is zero where the conjunct fails.
std::vector<ExprId> needed_conjuncts(const Kernel &kernel, StmtId guard, const CoveredLoads &covered);

/// Whether `guard` stands around a load, from far memory and not `covered`, of a tensor that one of `later` stages: its
/// copy may need a conjunct that follows from others which it cannot take along.
bool is_read_later(const Kernel &kernel, const If &guard, const std::vector<const Staging *> &later,
                   const CoveredLoads &covered);

} // namespace sparkle
