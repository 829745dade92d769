// The compiled form of a kernel: a tree of statements whose expressions are instructions over frame slots.
#pragma once

#include <memory>
#include <vector>

#include "compiler/ir/kernel.h"
#include "compiler/support/result.h"
#include "targets/reference/code.h"

namespace sparkle::reference {

/// Element(s) of a buffer, the indices already in slots.
struct Access {
  struct Index {
    Slot slot;
    bool is_vector;
  };
  BufferId buffer = kNoId<BufferId>;
  std::vector<Index> indices;
};

/// One nested loop of a Reduce or a Copy.
struct AxisLoop {
  Code before; ///< Ahead of the loop: what its bounds need.
  Slot var = kNoSlot, begin = kNoSlot, end = kNoSlot;
  Code each; ///< Once per iteration, ahead of the body.
};

struct ReadOp {
  Access access;
  Slot guard = kNoSlot, other = kNoSlot;
};

struct ReduceLoops {
  std::vector<AxisLoop> axes;
  Code filter_code;
  Slot filter = kNoSlot;
  Code body_code;
  Instr combine; ///< accumulator = accumulator op body
};

struct CopyLoops {
  std::vector<AxisLoop> axes; ///< Bounds unused: the extents are constants of the statement.
  Code guard_code;
  Slot guard = kNoSlot, other = kNoSlot;
  Code src_code; ///< Run where the guard is true.
  Code dst_code;
  Access dst, src;
};

/// A compiled statement; which fields count depends on the node it comes from.
struct Node {
  enum class Kind : uint8_t {
    kBlock,
    kFor,
    kIf,
    kLet,
    kLoad,
    kStore,
    kCopy,
    kPrefetch,
    kBarrier,
    kAlloc,
    kFill,
    kMove,
    kMma
  };
  Kind kind = Kind::kBlock;
  StmtId stmt = kNoId<StmtId>;
  bool together = false; ///< Holds a statement that the workers of a group execute together.
  bool is_store = false;
  Code before;                                 ///< What the fields below need.
  Code each;                                   ///< For: at each iteration; Let, Load: when the variable is bound.
  std::vector<std::unique_ptr<Node>> children; ///< Block: all; For: body; If: then, else.

  Slot var = kNoSlot, begin = kNoSlot, end = kNoSlot; ///< For, Load (var).
  LoopKind loop = LoopKind::kSerial;
  BarrierScope scope = BarrierScope::kGroup;
  Slot value = kNoSlot; ///< If: condition; Store, Fill: value.
  bool value_is_vector = false;
  Slot mask = kNoSlot, other = kNoSlot;
  bool mask_is_vector = false;
  Access access; ///< Load, Store, Prefetch, Move; Alloc and fragments: the buffer.
  int lanes = 1;
  CopyLoops copy;
  FragmentMma mma{};
  FragmentMove move{};
  Slot row = kNoSlot, column = kNoSlot; ///< Move: the last two indices of `access`, counted from `begin` and `end`.
};

/// Where a local buffer lives in the frame: register buffers themselves, or the pointer to near memory.
struct LocalPlace {
  Slot data = kNoSlot;
  Slot written = kNoSlot; ///< Register buffers: one byte per element, not 0 once it was stored to.
  int64_t elements = 0;
};

struct CompiledKernel {
  std::shared_ptr<const Kernel> kernel;
  Precision precision = Precision::kExact;
  Code prologue; ///< Constants, and what depends on symbols and uniforms alone.
  std::unique_ptr<Node> body;
  std::vector<ReadOp> reads;
  std::vector<ReduceLoops> reductions;
  std::vector<LocalPlace> locals; ///< By BufferId.
  struct Bound {
    VarId var;
    Slot slot;
  };
  std::vector<Bound> program_vars;                 ///< Symbols and uniforms.
  std::vector<std::vector<Slot>> extents, strides; ///< By BufferId.
  int64_t frame_bytes = 0;
  bool has_workers = false; ///< A team or worker loop that may have more than one iteration.
};

/// Errors: kInternal for expressions that no stage allows, kUnsupported for what the interpreter cannot hold.
Result<CompiledKernel> compile(std::shared_ptr<const Kernel> kernel, Precision precision);

} // namespace sparkle::reference
