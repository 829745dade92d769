// How group, team and worker loops map to the numbers that the hardware gives an invocation.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/support/result.h"

namespace sparkle::vulkan {

/// var = begin + group / divisor % extent. The outermost loop needs no `%`: `is_outermost`.
struct GroupDigit {
  ExprId divisor;
  ExprId extent;
  bool is_outermost = false;
};

/// Of the `span` workers that come here (numbered by worker % span), those below extent * divisor take part, with
/// var = begin + number / divisor.
struct WorkerDigit {
  int64_t span = 1;
  int64_t extent = 1;
  int64_t divisor = 1;
};

struct LaunchShape {
  std::vector<StmtId> group_loops; ///< Outermost first.
  std::unordered_map<StmtId, GroupDigit> groups;
  std::unordered_map<StmtId, WorkerDigit> workers; ///< Team and worker loops.
  std::optional<int64_t> total_groups;             ///< Nothing when it depends on symbols.
  int64_t local_size = 1;
  int64_t near_bytes = 0;
  int near_element_bytes = 1; ///< TargetInfo::near_element_bytes.
};

/// Expressions are added to the builder's kernel. Refuses (kUnsupported) shapes that one launch cannot have: several
/// nests of group loops, a number of workers that is not constant, barriers that some workers would not reach.
Result<LaunchShape> launch_shape(Builder &builder, int near_element_bytes = 1);

/// True when memory holds the buffer's elements in their 8 or 16 bits; else they are words, as values are.
bool is_narrow(const Buffer &buffer, int near_element_bytes);

/// Elements of a local buffer, near ones in whole vectors of 4; nothing when its extent is not constant.
std::optional<int64_t> local_length(const Kernel &kernel, BufferId buffer);

} // namespace sparkle::vulkan
