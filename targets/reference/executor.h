// Runs compiled statements.
//
// A statement tree that holds no barrier, copy or fragment operation is run by one worker after the other. One that
// does is run by all workers in lock step: each statement without such an operation by every worker in turn, then the
// next one.
#pragma once

#include <vector>

#include "targets/reference/machine.h"

namespace sparkle::reference {

/// Runs the whole kernel on a started machine.
bool execute(Machine &machine);

/// Fragment operations of one team (fragment.cpp); `worker` is any of it.
bool fill_fragment(const Node &node, Worker &worker);
bool move_fragment(const Node &node, Worker &worker);
bool multiply_fragments(const Node &node, Worker &worker);

} // namespace sparkle::reference
