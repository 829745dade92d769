// Selects the instructions of one launch. Internal to this folder.
//
// Values. Lanes are 32 bits wide in registers: i8 and u8 are carried as i32, f16 and bf16 as the f32 of the same value.
// A vector of n lanes has one register for each `Isa::vector_lanes()` lanes, the last one as narrow as its lanes allow
// (part_bytes). Scalars: f32, f16, bf16 in lane 0 of a vector; the others in general registers, index with 64 bits,
// i32, i8, u8 with 32 whose upper half is undefined, bool as 0 or 1. Vectors of bool: a mask for each part (kAvx512),
// or lanes of ones and zeros (kAvx2). Vectors of index: lanes of 32 bits where Kernel::index_bits is 32, else one
// general register for each lane (`is_apart`).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/analysis/interval.h"
#include "compiler/ir/kernel.h"
#include "compiler/target/artifact.h"
#include "targets/x86/code_builder.h"
#include "targets/x86/index_forms.h"
#include "targets/x86/select.h"

namespace sparkle::x86 {

struct Value {
  Type type;
  std::vector<VReg> parts;
  std::optional<int64_t> number; ///< A whole scalar known here; then without parts.
  bool is_apart = false;
  std::optional<uint32_t> bits; ///< Of each lane, where known here and alike; parts are there all the same.
  bool is_splat = false;        ///< A scalar whose register has it in all lanes of the machine's vectors.
};

/// Bytes of operations on so many lanes: 4, 16, 32 or 64.
int part_bytes(int lanes);
/// Lanes of part `part` of a vector of so many.
int part_lanes(const Isa &isa, int lanes, int part);

/// Where lanes of an access lie.
struct Place {
  BufferId buffer;
  int element_bytes = 4;          ///< In memory.
  Address first;                  ///< Of lane 0; where steps are known.
  std::span<const int64_t> steps; ///< In elements, from lane 0; one for all lanes where the index is a scalar.
  std::optional<int64_t> stride;  ///< Between neighbouring lanes; 0: all lanes alike.
  Value lanes;                    ///< Element numbers, where steps are not known.
};

class Selector {
public:
  Selector(const Kernel &kernel, const Launch &launch, const Isa &isa);
  Result<Selected> run();

private:
  enum class SumId : uint32_t {};
  /// parent + coefficient * atom; the first one of a chain is the address of a buffer, or 0.
  struct Sum {
    SumId parent = kNoId<SumId>;
    AtomId atom = kNoId<AtomId>;
    int64_t coefficient = 0;
    int depth = 0;
    VReg reg = kNoId<VReg>; ///< Where it is now; none: nowhere.
  };
  struct SumKey {
    uint32_t parent, atom;
    int64_t coefficient;
    auto operator<=>(const SumKey &) const = default;
  };
  /// A loop around the code at hand that is not expanded. The first is the function, the second the loop over tasks.
  struct Level {
    Region::Loop *loop = nullptr;
    VarId var = kNoId<VarId>;
    size_t scope = 0;
    IndexForm begin, end;
    VReg begin_register = kNoId<VReg>, end_register = kNoId<VReg>; ///< Where they are not constant.
    std::vector<SumId> counters;                                   ///< Sums that its latch advances.
  };
  /// What is known while some code runs, in a loop or under a condition.
  struct Scope {
    std::vector<SumId> sums;
    size_t loads = 0;      ///< Length of loads_ at its start.
    size_t first_load = 0; ///< Of those that may be used again.
  };
  /// Where a value that changes at some depth is computed.
  struct Spot {
    Region *region;
    size_t scope;
  };
  /// Address of a buffer's first element.
  struct Base {
    SumId sum = kNoId<SumId>;
    int64_t offset = 0; ///< Bytes.
  };
  /// A register buffer, cut into slices that are read and written whole. Without slices it lies in scratch memory.
  struct Slices {
    std::vector<int32_t> slice_at; ///< By element that one starts at; -1: none.
    std::vector<int> lanes;        ///< By slice.
    std::vector<std::vector<VReg>> parts;
    bool needs_zeros = false; ///< Reads may come before the first write on some way.
  };
  struct Loaded {
    BufferId buffer;
    Address first;
    std::optional<int64_t> stride;
    Value value;
    int64_t bytes = 0; ///< From the first to the last.
    bool is_there = true;
  };
  /// A comparison that a jump makes.
  struct Test {
    Condition condition;
    VReg a;
    VReg b = kNoId<VReg>; ///< None: `number`.
    int64_t number = 0;
    int bytes = 8;
  };

  // selector.cpp: the function around the body: arguments, the walk over tasks, group numbers
  void take_arguments();
  void walk_tasks();
  void first_numbers(VReg first);
  void next_numbers(Label next);
  VReg quotient(BinaryOp op, VReg a, const Extent &extent);
  void enter_scope();
  void leave_scope();
  /// The first reason why this kernel cannot be selected; run() returns it.
  void refuse(std::string why);

  // select_loops.cpp
  void loop(const For &loop);
  void group(const For &loop);
  void expand(const For &loop);
  void serial(const For &loop);
  void close_loop(Level &level);
  bool closes_by_pointer(Level &level);
  bool runs_at_least_once(const For &loop);

  // select_statements.cpp
  void statement(StmtId id);
  void block(const Block &block);
  void branch(const If &branch);
  void let(const Let &let);
  void alloc(const Alloc &alloc);
  void prefetch(const Prefetch &prefetch);
  void bind(VarId var, Value value);
  /// Whether it holds for all lanes, where that is known here.
  std::optional<bool> decide(ExprId condition);
  /// Jumps to `to` when the scalar condition is false; nothing when it is known to be true.
  void jump_unless(ExprId condition, Label to);
  void add_tests(ExprId condition, std::vector<Test> &tests);
  bool add_index_test(const Compare &compare, std::vector<Test> &tests);

  // select_accesses.cpp: loads and stores, of registers and of memory
  void load(const Load &load);
  void store(const Store &store);
  Value load_where(const Load &load, const Place &place, Type type);
  Value load_plain(const Place &place, const Load &load, Type type);
  void forget_loads(const Place &place, int64_t bytes);
  bool may_alias(BufferId a, BufferId b) const;
  bool is_aligned(BufferId buffer, ExprId index, int64_t bytes);
  /// The slice that an access is to; nullptr: it is to memory.
  std::vector<VReg> *slice_of(BufferId buffer, ExprId index);
  RegClass class_of(Type type) const;

  // select_plan.cpp: what is known of the kernel before the first instruction
  void plan();
  void plan_block(const Block &block);
  void plan_access(BufferId buffer, ExprId index, int lanes);
  void plan_slice(BufferId buffer, int64_t offset, int lanes);
  void plan_broadcasts();
  bool outlives_store(const Block &block, size_t load) const;

  // select_index.cpp: scalar index expressions as sums of products, kept where they change last
  /// Known here: constants, and variables of expanded loops.
  std::optional<int64_t> known_index(ExprId id);
  VReg index(ExprId id);
  Place place(BufferId buffer, ExprId index);
  /// Of lane `lane` plus `elements`.
  Address element(const Place &place, int lane, int64_t elements = 0);
  void place_lanes(Place &place, ExprId index);
  Address address(const Base &base, ExprId index, int64_t element_bytes);
  Address address(const Base &base, SumId sum, int64_t offset);
  SumId add_sum(SumId parent, AtomId atom, int64_t coefficient);
  SumId sum_of(SumId base, const IndexForm &form, int64_t bytes);
  VReg sum_register(SumId id);
  VReg counter(SumId id, Level &level);
  VReg product_sum(SumId parent, AtomId atom, int64_t coefficient);
  VReg scaled(VReg a, int64_t factor);
  VReg operation(const Atom &atom);
  VReg form_register(const IndexForm &form);
  Value form_value(const IndexForm &form);
  void remember(SumId id, VReg reg, size_t scope);
  Spot spot(int depth);
  int depth() const { return static_cast<int>(levels_.size()) - 1; }
  AtomId opaque_atom(ExprId id);

  // select_memory.cpp: lanes from and to memory, by how they lie and what they hold
  Value load_lanes(const Place &place, Type type, const Value *mask, const Value *other);
  void store_lanes(const Place &place, const Value &value, const Value *mask, bool streaming);

  // select_expr.cpp, select_cast.cpp, select_lanes.cpp: expressions of every type
  /// The last instruction writes `into` (one register for each part) where that is given.
  Value emit(ExprId id, const std::vector<VReg> *into = nullptr);
  Value widen(const Value &value, int lanes);
  Value cast(const Value &value, Type to);

  const Kernel &k_;
  const Launch &launch_;
  CodeBuilder b_;
  std::vector<std::optional<Value>> values_; ///< By VarId.
  std::unordered_map<ExprId, Value> memo_;   ///< Of the statement being selected.
  Ranges ranges_;
  std::string refusal_;

  IndexForms forms_;
  std::vector<Sum> sums_; ///< By SumId; the first is 0.
  std::map<SumKey, SumId> sum_ids_;
  std::unordered_map<uint64_t, SumId> access_sums_; ///< By index, base and bytes of an element.
  std::unordered_map<ExprId, std::optional<std::vector<int64_t>>> steps_;
  std::deque<std::vector<int64_t>> steps_now_; ///< Of indices whose steps depend on expanded loops.
  std::unordered_map<ExprId, AtomId> opaque_;  ///< Of the statement being selected.
  std::vector<Level> levels_;
  std::vector<Scope> scopes_;
  std::vector<Loaded> loads_;
  std::vector<Base> bases_;                   ///< By BufferId.
  std::vector<std::optional<Slices>> slices_; ///< By BufferId.
  std::vector<bool> is_stored_;               ///< By BufferId.
  std::vector<bool> is_broadcast_;            ///< By VarId: of scalars that vectors are filled with.
  std::unordered_set<const Load *> needs_no_copy_;
  VReg symbols_address_ = kNoId<VReg>;
  Base scratch_;
  std::vector<VReg> digits_; ///< Number of the group along each group loop.
  size_t group_depth_ = 0;
  int64_t scratch_top_ = 0, scratch_bytes_ = 0;
  bool streams_ = false;
};

} // namespace sparkle::x86
