// The nodes of the loop IR: a closed set of plain structs that refer to each other by id.
//
// Semantics
// - Index arithmetic (`index`) does not overflow: importers and passes prove it or pick `index_bits` = 64. `/` and `%`
// on
//   index and i32 round down; divisors are positive. i32 arithmetic wraps.
// - f32 arithmetic is IEEE, each operation rounded, `Fma` rounded once. max(a, b) is `a < b ? b : a`, min(a, b) is
//   `b < a ? b : a`. Passes may contract a multiply and an add into `Fma` and reorder the terms of a `Reduce` unless
//   the kernel is `strict`; nothing else is reassociated.
// - Expressions are pure and have no place in time: equal expressions have the same id (Kernel::intern). What reads
// memory
//   after tiling, or has an effect, is a statement. `Read` and `Reduce` are expressions of stage kImported only, where
//   every buffer is written by one statement alone and never read before it is complete.
// - Buffers with `no_alias` never overlap another buffer of the kernel. Register buffers are private to a worker, near
//   buffers are shared by a group and undefined until stored to, far buffers are shared by the launch.
// - A masked lane (or a Load or Store whose mask is false) reads and writes nothing; a masked load yields `other`.
// - Worker and team loops say how many workers there are; the statements inside are executed by each of them (SPMD).
//   A `Barrier` makes the stores of the group's workers before it visible to the loads after it, and must be reached by
//   all. A `Copy` inside worker loops is done once per group by all workers together and must not depend on a worker's
//   variable.
#pragma once

#include <bit>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/type.h"
#include "compiler/support/id.h"

namespace sparkle {

enum class ExprId : uint32_t {};
enum class StmtId : uint32_t {};
enum class BufferId : uint32_t {};
enum class VarId : uint32_t {};

// ---- Expressions
// -----------------------------------------------------------------------------------------------------

enum class UnaryOp : uint8_t {
  kNeg,
  kNot,
  kAbs,
  kFloor,
  kCeil,
  kRound, ///< To nearest even.
  kTrunc,
  kSqrt,
  kRsqrt,
  kExp,
  kLog,
  kTanh,
  kSigmoid,
  kErf,
};
enum class BinaryOp : uint8_t { kAdd, kSub, kMul, kDiv, kMod, kMin, kMax, kAnd, kOr };
enum class CompareOp : uint8_t { kEq, kNe, kLt, kLe };
enum class ReduceOp : uint8_t { kSum, kProd, kMin, kMax };

/// A whole constant of type bool, index, i32, i8 or u8.
struct IntConst {
  Type type;
  int64_t value;
  bool operator==(const IntConst &) const = default;
};
/// A floating constant; equal when the bits are.
struct FloatConst {
  Type type;
  double value;
  bool operator==(const FloatConst &other) const {
    return type == other.type && std::bit_cast<uint64_t>(value) == std::bit_cast<uint64_t>(other.value);
  }
};
struct VarRef {
  VarId var;
  bool operator==(const VarRef &) const = default;
};
struct Unary {
  UnaryOp op;
  ExprId a;
  bool operator==(const Unary &) const = default;
};
/// Operands and result have one type; kAnd and kOr take bool. kDiv of floats is IEEE.
struct Binary {
  BinaryOp op;
  ExprId a, b;
  bool operator==(const Binary &) const = default;
};
/// Result: bool with the operands' lanes.
struct Compare {
  CompareOp op;
  ExprId a, b;
  bool operator==(const Compare &) const = default;
};
struct Select {
  ExprId cond, a, b;
  bool operator==(const Select &) const = default;
};
/// a * b + c, rounded once.
struct Fma {
  ExprId a, b, c;
  bool operator==(const Fma &) const = default;
};
/// Conversion of each lane; narrowing saturates, floats to integers truncate (NaN to 0), to f16 and bf16 rounds to
/// nearest even. `type.lanes` equals the operand's.
struct Cast {
  Type type;
  ExprId a;
  bool operator==(const Cast &) const = default;
};
/// The same 32 bits of each lane read as another type: f32 as i32, i32 as f32.
struct Bitcast {
  Type type;
  ExprId a;
  bool operator==(const Bitcast &) const = default;
};
/// base, base + stride, ... : `lanes` index values.
struct Ramp {
  ExprId base;
  int64_t stride;
  int lanes;
  bool operator==(const Ramp &) const = default;
};
struct Broadcast {
  ExprId a;
  int lanes;
  bool operator==(const Broadcast &) const = default;
};
/// Lane i of the result is lane indices[i] of the concatenated inputs.
struct Shuffle {
  std::vector<ExprId> inputs;
  std::vector<int> indices;
  bool operator==(const Shuffle &) const = default;
};
/// Combines all lanes, from lane 0 up, into one scalar.
struct ReduceLanes {
  ReduceOp op;
  ExprId a;
  bool operator==(const ReduceLanes &) const = default;
};
/// acc[i] + sum over j < k of a[i*k + j] * b[i*k + j], k = lanes(a) / lanes(acc), products and sum in acc's type.
struct Dot {
  ExprId acc, a, b;
  bool operator==(const Dot &) const = default;
};
/// kImported only. The element at `indices`; where `guard` (kNoId: always inside) is false, `other` and no memory
/// access.
struct Read {
  BufferId buffer;
  std::vector<ExprId> indices;
  ExprId guard = kNoId<ExprId>;
  ExprId other = kNoId<ExprId>;
  bool operator==(const Read &) const = default;
};
struct ReduceAxis {
  VarId var;
  ExprId begin, end;
  bool operator==(const ReduceAxis &) const = default;
};
/// kImported only. Combines `body` over the box of `axes`, leaving out terms whose `filter` (kNoId: none) is false.
/// Of no terms: 0, 1, the type's greatest (kMin) or least (kMax) value, infinities for floats. kMin and kMax ignore
/// NaN.
struct Reduce {
  ReduceOp op;
  std::vector<ReduceAxis> axes;
  ExprId body;
  ExprId filter = kNoId<ExprId>;
  bool operator==(const Reduce &) const = default;
};

using Expr = std::variant<IntConst, FloatConst, VarRef, Unary, Binary, Compare, Select, Fma, Cast, Bitcast, Ramp,
                          Broadcast, Shuffle, ReduceLanes, Dot, Read, Reduce>;

// ---- Statements
// ------------------------------------------------------------------------------------------------------

enum class LoopKind : uint8_t {
  kGroup,    ///< Independent tasks; outermost, in raster order of nesting.
  kTeam,     ///< Teams of a group, outside its worker loops.
  kWorker,   ///< Workers; the innermost worker loop is the fastest in the linear worker number.
  kSerial,   ///< In order.
  kUnrolled, ///< In order; constant bounds; targets expand it, so that subscripts of register buffers become constants.
  kLane,     ///< One SIMD lane each; constant bounds from 0; gone after vectorize.
};
enum class MemoryLevel : uint8_t { kRegister, kNear, kFar };
enum class BarrierScope : uint8_t { kTeam, kGroup };
enum class StoreKind : uint8_t { kPlain, kStreaming };
enum class FragmentUse : uint8_t { kNone, kA, kB, kAccumulator };

struct Block {
  std::vector<StmtId> stmts;
};
/// Runs `body` for var = begin ... end - 1; nothing when end <= begin.
struct For {
  VarId var;
  ExprId begin, end;
  LoopKind kind;
  StmtId body;
};
struct If {
  ExprId cond; ///< Scalar bool.
  StmtId then_body;
  StmtId else_body = kNoId<StmtId>;
};
struct Let {
  VarId var;
  ExprId value;
};
/// Binds `var` to the element (or, where an index or the variable is a vector, the elements) at `indices`.
struct Load {
  VarId var;
  BufferId buffer;
  std::vector<ExprId> indices;
  ExprId mask = kNoId<ExprId>;  ///< bool, scalar or with the variable's lanes.
  ExprId other = kNoId<ExprId>; ///< Needed with a mask.
};
struct Store {
  BufferId buffer;
  std::vector<ExprId> indices;
  ExprId value;
  ExprId mask = kNoId<ExprId>;
  StoreKind kind = StoreKind::kPlain;
};
struct CopyAxis {
  VarId var;
  int64_t extent;
};
/// For every point of the box of `axes` (outermost first; the last one is walked by neighbouring workers):
/// dst[dst_indices] = guard ? src[src_indices] : other. `lanes` elements of the last axis are moved at once.
struct Copy {
  BufferId dst;
  std::vector<ExprId> dst_indices;
  BufferId src;
  std::vector<ExprId> src_indices;
  std::vector<CopyAxis> axes;
  ExprId guard = kNoId<ExprId>;
  ExprId other = kNoId<ExprId>;
  int lanes = 1;
  int buffers = 1; ///< Copies in flight wanted by the schedule: 1, or 2 and dst has a leading dimension of that extent.
  int fetch_ahead = 0; ///< Steps of the enclosing loop by which the loads are to run ahead of the arithmetic.
};
/// Hint only: may be dropped. `indices` must stay inside the buffer. `cache`: 1 is the nearest.
struct Prefetch {
  BufferId buffer;
  std::vector<ExprId> indices;
  int cache = 1;
};
struct Barrier {
  BarrierScope scope = BarrierScope::kGroup;
};
/// The buffer exists from here to the end of the enclosing Block.
struct Alloc {
  BufferId buffer;
};
/// Fragments are buffers with `fragment` != kNone, shape [rows, cols], owned by a team.
struct FragmentFill {
  BufferId fragment;
  ExprId value;
};
/// Reads (kLoad) or writes (kStore) the tile whose first element is at `indices`, its rows and columns along the last
/// two dimensions of `buffer` (swapped when `transposed`).
struct FragmentMove {
  bool is_store;
  BufferId fragment;
  BufferId buffer;
  std::vector<ExprId> indices;
  bool transposed = false;
};
/// d = a x b + c.
struct FragmentMma {
  BufferId d, a, b, c;
};

using Stmt = std::variant<Block, For, If, Let, Load, Store, Copy, Prefetch, Barrier, Alloc, FragmentFill, FragmentMove,
                          FragmentMma>;

} // namespace sparkle
