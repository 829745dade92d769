// Places blocks with lifetimes in one piece of memory, so that blocks that never live together share bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/support/result.h"
#include "compiler/target/artifact.h"

namespace sparkle {

inline constexpr int64_t kBlockAlignment = 64; ///< Bytes; a cache line and the widest vector.

struct LiveBlock {
  int64_t bytes = 0;
  int first = 0; ///< The first and the last step at which it is used, both included.
  int last = 0;
};

struct BlockLayout {
  std::vector<int64_t> offsets; ///< Per block, in bytes, multiples of kBlockAlignment.
  int64_t bytes = 0;            ///< Of the whole, a multiple of kBlockAlignment.
};

/// Largest block first, each at the lowest place that no block of an overlapping lifetime holds. Deterministic.
/// kShapeOverflow when the sum leaves 64 bits.
Result<BlockLayout> lay_out_blocks(const std::vector<LiveBlock> &blocks);

/// Where the tensors of an artifact lie: Artifact::offsets, workspace_bytes, packed_bytes.
struct TensorPlaces {
  std::vector<int64_t> offsets;
  int64_t workspace_bytes = 0;
  int64_t packed_bytes = 0;
};

/// For these values of the symbols: what is stored and has an open extent has its place only at the call.
Result<TensorPlaces> place_tensors(const Artifact &artifact, const std::vector<int64_t> &symbols);

} // namespace sparkle
