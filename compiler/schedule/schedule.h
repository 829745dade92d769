// Schedule: how much of each memory pattern, as a plain value with a text form (docs/schedule.md).
//
// A kernel's dimensions (output indices and reduction axes, or several of them fused into one) are split into loops;
// `order` nests them; stagings copy what a tensor's reads touch below a loop into nearer memory. Neutral values switch
// a pattern off.
//
//   kernel dst {
//     fuse p = n oh ow                        # one dimension from several, the last one fastest
//     split p: group, unrolled 2, worker 16, unrolled 4
//     split oc: group, worker 16, lane 4      # the first factor is what is left: ceil(extent / 64)
//     split ic: serial, unrolled 16
//     order p.0 oc.0 p.2 oc.1 kh kw ic.0 ic.1 p.1 p.3 oc.2
//     stage wei far layout oc.0 kh kw ic.0 ic.1 oc.1 oc.2
//     stage src near at ic.0 layout ic.1 p.1 p.2 p.3 skew 4 walk p.1 p.2 p.3 ic.1 lanes 4 buffers 2 ahead 1
//     stage wei near at ic.0 layout ic.1 oc.1 oc.2 lanes 4 buffers 2 ahead 1
//     stage src register at ic.1 layout p.1 p.3 lanes 4
//     prefetch wei at ic.0 distance 4 cache 1
//     partition p oc
//     store streaming
//   }
//   kernel mid { place stored }
//   kernel row { place at oh.0 of dst skew 16 } # in the groups of dst
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/nodes.h"
#include "compiler/support/diagnostics.h"
#include "compiler/support/result.h"

namespace sparkle {

/// `factor` iterations of `kind`; 0 (the first split only): as many as cover the extent.
struct Split {
  LoopKind kind = LoopKind::kSerial;
  int64_t factor = 0;
  bool operator==(const Split &) const = default;
};

/// A dimension without an entry is one serial loop. Splits from outermost to innermost; the index is
/// split0 * (f1 * f2 * ...) + split1 * (f2 * ...) + ...
struct DimSchedule {
  std::string dim;
  std::vector<std::string> fused; ///< The dimensions it stands for, slowest first; empty: one of the kernel's own.
  std::vector<Split> splits;
  bool operator==(const DimSchedule &) const = default;
};

/// A loop: split number `split` of `dim`. Text: `oc.1`; `oc` is `oc.0`.
struct LoopRef {
  std::string dim;
  int split = 0;
  bool operator==(const LoopRef &) const = default;
  std::string text() const { return dim + "." + std::to_string(split); }
};

/// Copies the elements of `tensor` that are read inside loop `at` into a buffer at `level`, indexed by the loops of
/// `layout` (all loops inside `at` on which the read depends). kFar: packed before the kernel, once per run or once per
/// binding of constants; `at` is then absent. Several stagings of one tensor chain from far to near to register.
struct Staging {
  std::string tensor;
  MemoryLevel level = MemoryLevel::kNear;
  std::optional<LoopRef> at;
  std::vector<LoopRef> layout; ///< Outermost first, dense.
  int64_t skew = 0;            ///< Elements added to the stride of the outermost dimension of `layout`.
  std::vector<LoopRef> walk;   ///< Order of copying, the last one by neighbouring workers; empty: `layout`.
  int lanes = 1;               ///< Elements moved at once along the last loop of `walk`.
  int buffers = 1;             ///< Near buffers in rotation: 1 or 2.
  int ahead = 0;               ///< Steps of `at` by which loads run ahead of the arithmetic: 0 or 1.
  bool operator==(const Staging &) const = default;
};

/// Prefetches what `tensor`'s reads touch `distance` steps of loop `at` later into cache level `cache` (1: nearest).
struct PrefetchHint {
  std::string tensor;
  LoopRef at;
  int64_t distance = 1;
  int cache = 1;
  bool operator==(const PrefetchHint &) const = default;
};

enum class Placement : uint8_t {
  kInline, ///< Computed where it is read (an epilogue, when it is read pointwise).
  kStored, ///< A kernel of its own, into a workspace buffer.
  kAt,     ///< In the groups of the definition that needs it, tile by tile, into a near buffer (`merge`).
};

/// The most that PlaceAt::skew adds to a stride: the farthest ways of caches are nearer.
inline constexpr int64_t kGreatestSkew = 65536;

/// Where a `let` with Placement::kAt is computed: the innermost group loop of the stored definition `consumer`.
struct PlaceAt {
  LoopRef loop;
  std::string consumer;
  /// Elements added to the strides of its tile's near buffer, by dimension, outermost first; dimensions of which a
  /// group needs one row do not count. 0 for those that are not named, so the last one is not 0. Neutral: none.
  std::vector<int64_t> skew;
  bool operator==(const PlaceAt &) const = default;
};

/// What to do with the definition (output or `let`) called `kernel`.
struct KernelSchedule {
  std::string kernel;
  Placement placement = Placement::kStored; ///< Of a `let`; outputs are always stored.
  PlaceAt at;                               ///< With Placement::kAt.
  std::vector<DimSchedule> dims;
  std::vector<LoopRef> order; ///< All loops, outermost first; empty: as in the definition, reductions innermost.
  std::vector<Staging> stagings;
  std::vector<PrefetchHint> prefetches;
  std::vector<std::string> partition; ///< Dimensions whose first and last tiles become variants; empty: none (neutral).
  bool clip = true;                   ///< Guards that bound a serial loop become its bounds. Neutral: false.
  int64_t split_reduction = 1; ///< Groups that share one reduction; their partial results are added by a second kernel.
  StoreKind store = StoreKind::kPlain;
  bool operator==(const KernelSchedule &) const = default;
};

/// A definition without an entry is placed and scheduled by the cost model.
struct Schedule {
  std::vector<KernelSchedule> kernels;
  bool operator==(const Schedule &) const = default;

  const KernelSchedule *find(std::string_view kernel) const;
};

std::string to_text(const Schedule &schedule);
/// Errors are located in `source`: `schedule-syntax`, `schedule-value`, `schedule-duplicate`. Names of kernels,
/// dimensions and tensors are checked where the schedule is applied.
Result<Schedule> parse_schedule(const Source &source, Diagnostics &diagnostics);

} // namespace sparkle
