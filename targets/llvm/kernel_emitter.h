// Emits the body of one kernel, for one group, into an LLVM function. Internal to this folder.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include <llvm/Analysis/TargetFolder.h>
#include <llvm/IR/ConstantRange.h>
#include <llvm/IR/IRBuilder.h>

#include "compiler/analysis/interval.h"
#include "compiler/ir/kernel.h"

namespace sparkle::llvm_target {

/// The arguments of the function that runs one group.
struct GroupArguments {
  std::unordered_map<BufferId, llvm::Value *> buffers; ///< Address of each far buffer.
  std::vector<llvm::Value *> groups;                   ///< Number of the group along each group loop, outermost first.
  llvm::Value *symbols = nullptr;
  llvm::Value *uniforms = nullptr;
  llvm::Value *scratch = nullptr;
};

/// What near buffers of i32 hold, where that takes fewer bits: they are stored in as many.
using NarrowBuffers = std::unordered_map<BufferId, llvm::ConstantRange>;

/// Bytes by far buffer: what divides its address, beyond Buffer::alignment. Ordered, for modules that come out alike.
using Alignments = std::map<BufferId, int64_t>;

/// Values: index is i64 as a scalar and i32 or i64 (Kernel::index_bits) as a lane; f16 and bf16 are carried as their
/// bits (i16), so that no machine needs arithmetic on them; bool is i1, and a byte in memory.
class KernelEmitter {
public:
  KernelEmitter(const Kernel &kernel, llvm::Function &function, GroupArguments arguments, NarrowBuffers narrow = {},
                Alignments alignments = {});

  /// Emits the whole function. Broken invariants fail a SPARKLE_CHECK.
  void run();
  int64_t scratch_bytes() const { return scratch_bytes_; }
  /// The kernel has streaming stores, which other threads see only after a store fence.
  bool streams() const { return streams_; }
  /// What the buffers' addresses would have to be multiples of for the streaming stores that became plain ones.
  const Alignments &wanted_alignments() const { return wanted_; }

private:
  using Value = llvm::Value;

  // kernel_emitter.cpp: statements
  void emit_stmt(StmtId id);
  void emit_block(const Block &block);
  void emit_for(const For &loop);
  void emit_group(const For &loop);
  void emit_expanded(const For &loop);
  void emit_loop(const For &loop);
  void emit_if(const If &branch);
  void emit_alloc(const Alloc &alloc);
  void emit_prefetch(const Prefetch &prefetch);
  bool wants_fences(StmtId body);
  void emit_fence();
  void bind(VarId var, Value *value) { values_[index_of(var)] = value; }
  Value *external_value(VarId var);

  // emit_memory.cpp
  /// Where an access goes: lane i at `pointer` + steps[i] elements, or at the lanes of `lanes`.
  struct Place {
    Value *pointer;                ///< Address of lane 0.
    std::vector<int64_t> steps;    ///< Of the index: one for all lanes where it is a scalar.
    std::optional<int64_t> stride; ///< Between neighbouring lanes; 0 for all lanes alike.
    Value *lanes = nullptr;        ///< Element numbers, when the steps are not known.
    llvm::Type *element;           ///< As it lies in memory.
    llvm::Align alignment;         ///< Of `pointer`.
    int64_t index_bytes;           ///< The largest power of two that divides the bytes from the base to `pointer`.
    int64_t step(int lane) const { return steps[steps.size() == 1 ? 0 : static_cast<size_t>(lane)]; }
  };
  void emit_load(const Load &load);
  void emit_store(const Store &store);
  Place place(BufferId buffer, ExprId index, bool masked);
  int64_t index_bytes_of(BufferId buffer, ExprId index);
  int64_t alignment_of(BufferId buffer) const;
  static llvm::Align element_alignment(const Place &place);
  Value *lane_address(BufferId buffer, const Place &place, int lane);
  Value *load_lanes(BufferId buffer, const Place &place, int lanes);
  llvm::Constant *elements_of_lanes(llvm::Constant *mask, const Place &place, int64_t first, int width);
  static bool is_shuffled(const Place &place, int lanes);
  Value *load_shuffled(const Place &place, int lanes, llvm::Constant *mask = nullptr);
  Value *take_lanes(Value *result, Value *part, const std::vector<int64_t> &steps, int64_t first,
                    std::vector<bool> &done);
  Value *load_masked(BufferId buffer, const Place &place, int lanes, Value *mask, Value *other);
  Value *load_if(BufferId buffer, const Place &place, int lanes, Value *mask, Value *other);
  void store_lanes(BufferId buffer, const Place &place, Value *value, int lanes, bool streaming);
  bool can_stream(BufferId buffer, const Place &place, Value *value);
  void stream_past_caches(const Place &place, Value *value);
  void store_masked(BufferId buffer, const Place &place, Value *value, int lanes, Value *mask);
  void store_if(BufferId buffer, const Place &place, Value *value, int lanes, Value *mask);
  Value *lane_addresses(BufferId buffer, const Place &place, int lanes);
  llvm::Type *stored_type(BufferId buffer) const;
  Value *from_memory(BufferId buffer, Value *value);
  Value *to_memory(BufferId buffer, Value *value);
  void name_buffer(BufferId buffer, llvm::Instruction &store);
  struct LaneOffsets {
    Value *base;
    std::vector<int64_t> offsets;
  };
  std::optional<LaneOffsets> lane_offsets(ExprId index, int lanes);
  /// Lane 0 of an expression whose steps between lanes are known.
  Value *emit_first_lane(ExprId index);

  // emit_expr.cpp
  Value *emit(ExprId id);
  Value *emit_new(ExprId id);
  Value *emit_constant(Type type, int64_t value);
  Value *emit_constant(Type type, double value);
  Value *emit_unary(const Unary &unary, Type type);
  Value *emit_binary(const Binary &binary);
  bool is_not_negative(ExprId id) const;
  Value *arithmetic(BinaryOp op, Type type, Value *a, Value *b, bool dividend_not_negative);
  Value *integer_extremum(llvm::Intrinsic::ID id, Value *a, Value *b);
  Value *float_arithmetic(BinaryOp op, Value *a, Value *b);
  Value *floor_division(BinaryOp op, Value *a, Value *b, bool dividend_not_negative);
  Value *emit_compare(const Compare &compare);
  Value *emit_ramp(const Ramp &ramp);
  Value *emit_shuffle(const Shuffle &shuffle);
  Value *emit_reduce_lanes(const ReduceLanes &reduce);
  Value *emit_dot(const Dot &dot);
  Value *concatenate(Value *a, Value *b);
  /// `value` with `lanes` lanes; a scalar is repeated.
  Value *widen(Value *value, Scalar scalar, int lanes);
  Value *extract(Value *value, Scalar scalar, int lane);
  Value *call_per_lane(const char *name, Value *a);
  Value *emit_math(UnaryOp op, Value *a);

  // emit_cast.cpp
  Value *cast(Value *value, Type from, Type to);
  Value *cast_integer(Value *value, Type from, Type to);
  Value *keep_sticky_bits(Value *value);
  Value *float_to_integer(Value *value, Type to);
  Value *to_f32(Value *value, Type from);
  Value *from_f32(Value *value, Type to);
  Value *f32_to_bf16(Value *value, Type to);

  // Types
  llvm::Type *scalar_type(Scalar scalar) const;
  llvm::Type *memory_type(Scalar scalar) const;
  llvm::Type *type_of(Type type) const;
  static int lanes_of(Value *value);

  const Kernel &k_;
  llvm::Function &function_;
  GroupArguments arguments_;
  NarrowBuffers narrow_;
  Alignments alignments_;
  Alignments wanted_;
  llvm::IRBuilder<llvm::TargetFolder> b_;    ///< Folds constants alone: more would look at loop variables half made.
  std::vector<Value *> values_;              ///< By VarId.
  std::vector<Value *> bases_;               ///< By BufferId: address of the first element.
  std::unordered_map<ExprId, Value *> memo_; ///< Of the statement being emitted.
  std::unordered_map<StmtId, bool> fences_;
  std::unordered_map<ExprId, int64_t> index_factors_;
  Ranges ranges_;
  size_t group_depth_ = 0;
  int64_t scratch_top_ = 0;
  int64_t scratch_bytes_ = 0;
  bool streams_ = false;
};

} // namespace sparkle::llvm_target
