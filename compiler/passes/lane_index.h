// Index expressions and conditions over the lanes of a vector. Private to vectorize.
#pragma once

#include <optional>

#include "compiler/ir/builder.h"

namespace sparkle {

/// The same value, as base + ramp where it is linear in the lane. Other types and scalars come back as they are.
ExprId as_ramp(Builder &b, ExprId expr);

/// x / c or x % c of a ramp that stays within one multiple of c, where that is provable: a scalar, or a ramp.
std::optional<ExprId> divide_ramp(Builder &b, BinaryOp op, ExprId a, ExprId divisor);

/// Lane `lane` of an index vector that is linear in the lane.
std::optional<ExprId> lane_of(Builder &b, ExprId vector, int lane);

/// A condition that holds for some lane exactly when it holds for its best one: < or <= of values linear in the lane.
struct LaneCondition {
  int direction; ///< +1: the last lane is the best one; -1: the first one is.
  ExprId at_best;
};
std::optional<LaneCondition> lane_condition(Builder &b, ExprId cond);

} // namespace sparkle
