// Selects the instructions of one launch. Internal to this folder.
//
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/analysis/interval.h"
#include "compiler/ir/kernel.h"
#include "compiler/target/artifact.h"
#include "targets/cpu/division.h"
#include "targets/x86/code_builder.h"
#include "targets/x86/index_forms.h"
#include "targets/x86/select.h"
#include "targets/x86/selection_state.h"
#include "targets/x86/value.h"

namespace sparkle::x86 {

class Selector {
public:
  Selector(const Kernel &kernel, const Launch &launch, const Isa &isa);
  Result<Selected> run();

private:
  // selector.cpp: the function around the body: arguments, the walk over tasks, group numbers
  void take_arguments();
  void walk_tasks(VReg first, VReg last);
  void first_numbers(VReg first);
  void next_numbers();
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
  void clear(Type type, const Parts &parts);
  void prefetch(const Prefetch &prefetch);
  void bind(VarId var, Value value);
  /// Whether it holds for all lanes, where that is known here.
  std::optional<bool> decide(ExprId condition);
  std::optional<bool> decide_by_numbers(ExprId condition);
  /// Jumps to `to` when the scalar condition is false; nothing when it is known to be true.
  void jump_unless(ExprId condition, Label to);
  void add_tests(ExprId condition, std::vector<Test> &tests);
  void add_open_tests(ExprId condition, std::vector<Test> &tests);
  bool add_index_test(const Compare &compare, std::vector<Test> &tests);

  // select_accesses.cpp: loads and stores, of registers and of memory
  void load(const Load &load);
  void store(const Store &store);
  Value load_if(const Load &load, Type type);
  Value load_plain(const Load &load, Type type);
  const Value *loaded(const Place &place, Type type, uint64_t lanes) const;
  void remember(const Place &place, const Value &value, uint64_t lanes);
  bool may_alias(BufferId a, BufferId b) const;
  void forget_loads(const Place &place);
  void store_plain(const Store &store, int lanes, const Value *mask);
  bool is_aligned(const Place &place, ExprId index);
  /// The registers that an access is to; nullptr: it is to memory.
  Slice *slice_of(BufferId buffer, ExprId index);
  void store_slice(const Store &store, Type type, Slice &slice);
  RegClass class_of(Type type) const;
  Parts new_parts(Type type);

  // select_plan.cpp: what is known of the kernel before the first instruction
  void plan();
  void plan_statement(StmtId id, int conditions);
  void plan_loop(const For &loop, int conditions);
  void plan_access(BufferId buffer, ExprId index, int lanes, bool is_masked, bool is_sure);
  bool plan_slice(Slices &slices, int64_t offset, int lanes, bool is_sure);
  bool asks_for_ranges(ExprId id) const;
  bool outlives_no_store(const Block &block, size_t load) const;

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
  Value load_masked(const Place &place, Type type, const Value &mask, const Value &other);
  Value load_alike(const Place &place, Type type);
  Value load_alike_masked(const Place &place, Type type, const Value &mask, const Value &other);
  Value load_scalar(const Address &at, Type type);
  bool is_shuffled(const Place &place, Type type) const;
  Value load_shuffled(const Place &place, Type type, uint64_t active);
  void store_scalar(const Address &at, const Value &value);
  VReg half_of(int bytes, VReg real);

  // select_parts.cpp: neighbouring elements
  VReg load_part(const Address &at, Scalar scalar, int lanes, VReg mask);
  VReg load_raw(const Address &at, Scalar scalar, int lanes, VReg mask);
  VReg load_bytes(const Address &at, int count);
  void store_part(const Address &at, Scalar scalar, int lanes, VReg value, VReg mask);
  void store_narrowed(const Address &at, Scalar scalar, int lanes, VReg value, VReg mask);
  VReg pack(Scalar scalar, int lanes, VReg value);
  void store_low(Address at, VReg value, int wide, int count);
  VReg from_byte(VReg value, int wide, int first);

  // select_apart.cpp: elements anywhere
  bool can_gather(const Place &place, Type type) const;
  Address vector_address(const Place &place, size_t part, int lanes);
  VReg active_lanes(const Value *mask, size_t part, int lanes);
  Value gather(const Place &place, Type type, const Value *mask, const Value *other);
  void scatter(const Place &place, const Value &value, const Value *mask);
  Address lane_address(const Place &place, int number);
  Parts tests_of(const Value *mask);
  void jump_unless_active(const Parts &tests, int number, Label to);
  Value load_each(const Place &place, Type type, const Value *mask);
  VReg from_loaded(Scalar scalar, VReg lanes, int bytes);
  void store_each(const Place &place, const Value &value, const Value *mask);

  // select_expr.cpp: expressions of every type
  /// The last instruction writes `into` (one register for each part) where that is given.
  Value emit(ExprId id, const Parts *into = nullptr);
  /// A scalar index expression that is no sum or product: index() asks for these, operands go through emit().
  VReg scalar_index(ExprId id);
  /// `make(part, bytes, into)` gives the register of each part.
  template <class Make> Value each_part(Type type, const Parts *into, Make &&make);
  /// The register of a scalar in a general register, or of its constant.
  VReg general(const Value &value);
  /// All lanes of a scalar; a vector as it is.
  Value widen(const Value &value, int lanes);
  Value emit_new(ExprId id, const Parts *into);
  /// The node itself, its operands through emit().
  Value node(ExprId id, const Parts *into);
  Value move(const Value &value, const Parts &into);
  VReg copy(VReg from, int bytes, VReg into = kNoId<VReg>);
  /// `into`, unless writing it part by part overwrites what a later part reads of the operands.
  const Parts *unless_crossed(const Parts *into, std::initializer_list<const Value *> operands);
  Value variable(VarId id);
  Value real_constant(const FloatConst &constant, int lanes);
  Value unary(const Unary &e, const Value &a, const Parts *into);
  Value binary(ExprId id, const Binary &e, const Parts *into);
  std::optional<Value> splat_binary(BinaryOp op, const Value &a, const Value &b);
  Value divide_by_constant(const Value &a, const Value &b, const cpu::ConstantDivision &how, const Parts *into);
  Value fma(const Fma &e, const Parts *into);
  Value ramp(const Ramp &e);
  Value bitcast(const Value &a, Type to, const Parts *into);
  bool is_apart(Type type) const { return type.is_vector() && type.scalar == Scalar::kIndex && k_.index_bits == 64; }
  /// A constant of 32 bits in all lanes.
  VReg lanes_of(uint32_t bits, int bytes) { return b_.splat_constant(bits, bytes); }

  // select_masks.cpp: vectors of bool, and what they choose
  Value compare(const Compare &e, const Parts *into);
  Value select(const Select &e, const Parts *into);
  Value logic(BinaryOp op, const Value &a, const Value &b, const Parts *into);
  Value negate(const Value &a, const Parts *into);
  Value known_mask(uint64_t lanes, Type type);
  /// Bits of a mask whose lanes are all set.
  static uint64_t all_lanes(int lanes) { return lanes >= 64 ? ~uint64_t{0} : (uint64_t{1} << lanes) - 1; }
  VReg mask_constant(uint32_t bits);
  VReg lanes_of_bits(uint32_t bits, int bytes);
  /// Of a scalar condition: 1 or 0; of all lanes of a mask: as a mask.
  Value mask_of_scalar(const Value &value, int lanes);
  VReg compare_lanes(CompareOp op, Type type, int bytes, VReg a, VReg b, VReg into);
  /// Lanes that are a number other than 0.
  VReg is_rest(int bytes, VReg lanes);
  VReg compare_scalars(CompareOp op, Type type, const Value &a, const Value &b);
  Value compare_bools(CompareOp op, const Value &a, const Value &b);
  std::optional<Value> compare_ramps(const Compare &e, int lanes, const Parts *into);
  std::optional<int64_t> known_condition(ExprId cond);
  std::optional<Value> masked_fma(const Select &e, const Value &mask, const Parts *into);
  Value select_lanes(const Value &cond, const Value &a, const Value &b, const Parts *into);
  /// An index as its lane 0 and what the others add to it, where that is known.
  struct FirstAndSteps {
    Value first;
    std::vector<int64_t> steps;
  };
  std::optional<FirstAndSteps> first_and_steps(ExprId index);
  Value first_lane(ExprId index);
  /// Lanes of both differ by less than 30 bits.
  bool are_close(ExprId a, ExprId b);
  /// Lane 0 of a mask, for a scalar condition.
  VReg scalar_mask(ExprId cond);
  /// Lanes of `a` where the mask is set, else of `b`.
  VReg blend(int bytes, VReg mask, VReg a, VReg b, VReg into);
  /// `a` where the mask is set, else 0.
  VReg keep(int bytes, VReg mask, VReg a, VReg into = kNoId<VReg>);
  VReg not_mask(int bytes, VReg mask, VReg into = kNoId<VReg>);
  VReg both_masks(int bytes, VReg a, VReg b);
  /// The first `count` lanes.
  VReg first_lanes(int count, int bytes);
  /// A bit for each lane of a part, in a general register; bits beyond its lanes are undefined.
  VReg bits_of(VReg mask, int bytes);
  VReg mask_of_bits(VReg bits, int bytes);
  /// Lanes of 0 and 1, and back (anything but 0 is true).
  VReg ones_of(int bytes, VReg mask, VReg into = kNoId<VReg>);
  VReg mask_of_ones(int bytes, VReg ones, VReg into = kNoId<VReg>);

  // select_whole.cpp: i32 and index
  Value whole_binary(const Binary &e, const Value &a, const Value &b, const Parts *into);
  Value whole_binary(BinaryOp op, const Value &a, const Value &b, const Interval &range, const Parts *into);
  VReg scalar_whole(BinaryOp op, Type type, const Value &a, const Value &b, const Interval &range, VReg into);
  VReg divide_scalar(BinaryOp op, Type type, const Value &a, const Value &b, const Interval &range, VReg into);
  VReg divide_lanes(BinaryOp op, int bytes, VReg a, int64_t divisor, const Interval &range, VReg into);
  VReg divide_magnitudes(int bytes, VReg a, int64_t divisor, VReg into);
  VReg divide_each_lane(BinaryOp op, Type type, int lanes, VReg a, VReg b);
  VReg condition(Condition condition, int bytes, VReg a, const Value &b);
  VReg choose(VReg cond, VReg a, VReg b, VReg into = kNoId<VReg>);

  // select_ranges.cpp: what is known of expressions before they are selected
  /// Of all lanes of a whole expression; i32 as it is after wrapping.
  Interval whole_range(ExprId id);
  Interval i32_range(ExprId id);
  /// Made of uniforms and constants alone, and neither of them itself.
  bool is_invariant(ExprId id);
  bool find_invariant(ExprId id);
  /// The product of lanes that fit 16 bits, in half the work of others; nothing where they may not fit.
  std::optional<Value> short_product(const Binary &e, const Parts *into);
  /// What the other operand is multiplied by in all lanes, where that is known here.
  struct Multiple {
    ExprId of;
    int64_t number;
  };
  std::optional<Multiple> known_multiple(ExprId id);
  /// Sums and products with such numbers, in less than a multiplication.
  std::optional<Value> known_product(const Multiple &multiple, Type type, const Parts *into);
  std::optional<Value> known_sum(const Binary &e, const Parts *into);
  Value low_halves(ExprId id, int lanes);

  // select_cast.cpp: conversions
  Value cast(const Value &value, Type to, const Parts *into = nullptr);
  /// The same, of values within `range`.
  Value cast_within(const Value &value, const Interval &range, Type to, const Parts *into);
  Value cast_number(int64_t number, Type from, Type to);
  Value cast_bool(const Value &value, Type to, const Parts *into);
  Value whole_to_float(const Value &value, Type to, const Parts *into);
  Value round_to(const Value &value, Type to, const Parts *into);
  Value float_to_whole(const Value &value, Type to, const Parts *into);
  Value cast_whole(const Value &value, Type to, const Parts *into);
  /// i32 of floats: the ends of i32 beyond them, 0 of what is no number.
  VReg saturate(int bytes, VReg a, VReg into);
  /// i32 of floats, within the ends of i8 or u8.
  VReg saturate_to_byte(int bytes, VReg a, Scalar to, VReg into);
  VReg saturate_to_index(VReg a);
  VReg round_to_half(int bytes, VReg a, VReg into);
  VReg round_to_bfloat(int bytes, VReg a, VReg into);
  VReg keep_sticky_bits(int bytes, VReg a);
  VReg clamp_scalar(const Value &value, Scalar to);

  // select_lanes.cpp: what combines lanes
  /// Where a lane is: a register (kNoId: any lane will do) and its number there.
  struct Lane {
    VReg part;
    int number = 0;
  };
  Value shuffle(const Shuffle &e, const Parts *into);
  Value pick_lanes(const std::vector<Value> &inputs, const std::vector<int> &indices, Type type);
  Value reduce_lanes(const ReduceLanes &e);
  Value reduce_whole(ReduceOp op, const Value &a);
  Value dot(const Dot &e, const Parts *into);
  Value every(const Value &value, int step, int first);
  Value multiply_or_add(BinaryOp op, const Value &a, const Value &b, const Parts *into);
  /// One lane as a scalar.
  Value lane(const Value &value, int number);
  /// A part of `bytes` bytes of general registers, or of lanes 0 of vectors.
  VReg join(const Parts &lanes, int bytes);
  /// Four lanes of a part of `bytes` bytes.
  VReg quad(VReg part, int bytes, int number);
  void list_lanes(const Value &value, std::vector<Lane> &out);
  /// A part of `bytes` bytes, lane by lane from parts of any width.
  VReg gather_lanes(const std::vector<Lane> &lanes, int bytes, VReg into);
  static std::vector<Lane> only(std::vector<Lane> lanes, VReg part);
  VReg permute(const std::vector<Lane> &lanes, int bytes, VReg into);
  VReg permute_two(const std::vector<Lane> &a, const std::vector<Lane> &b, int bytes, VReg into);

  const Kernel &k_;
  const Launch &launch_;
  CodeBuilder b_;
  std::vector<std::optional<Value>> values_; ///< By VarId.
  Memo memo_;                                ///< Of the statement being selected.
  std::unordered_map<VReg, VReg> halves_;    ///< f16 of registers that hold them as f32.
  std::unordered_map<ExprId, Value> invariants_;
  std::unordered_map<uint32_t, VReg> mask_constants_;
  std::unordered_map<ExprId, bool> is_invariant_;
  bool has_uniforms_ = false;
  std::unordered_map<ExprId, Interval> i32_ranges_;
  Ranges ranges_;
  std::string refusal_;

  IndexForms forms_;
  std::vector<Sum> sums_; ///< By SumId; the first is 0.
  std::map<SumKey, SumId> sum_ids_;
  std::vector<AccessSum> access_sums_;         ///< By ExprId of the index: of the last access with it.
  std::vector<Steps> steps_;                   ///< By ExprId.
  std::deque<std::vector<int64_t>> steps_now_; ///< Of indices whose steps depend on expanded loops.
  std::unordered_map<ExprId, AtomId> opaque_;  ///< Of the statement being selected.
  std::vector<Level> levels_;
  std::vector<Scope> scopes_;
  uint32_t straight_ = 0; ///< Scopes entered and left: what stands between two of them is straight code.
  std::vector<Loaded> loads_;
  std::set<std::tuple<VReg, int32_t, int64_t>> prefetched_; ///< Base, displacement, cache: since the scope changed.
  std::vector<Base> bases_;                                 ///< By BufferId.
  std::vector<std::optional<Slices>> slices_;               ///< By BufferId.
  std::vector<bool> is_written_;                            ///< By BufferId: there, or to what may lie there.
  std::vector<bool> is_broadcast_;                          ///< By VarId: of scalars that vectors are filled with.
  std::unordered_set<const Load *> needs_no_copy_;
  VReg symbols_address_ = kNoId<VReg>;
  Base scratch_;
  std::vector<VReg> extents_; ///< Of group loops, where they are not constant.
  std::vector<VReg> digits_;  ///< Number of the group along each group loop.
  size_t group_depth_ = 0;
  int64_t scratch_top_ = 0, scratch_bytes_ = 0;
  bool streams_ = false;
  bool has_lane_arithmetic_ = false;
  std::unordered_set<const For *> asks_ranges_; ///< Expanded loops around such.
  bool has_branches_ = false;                   ///< Conditions and masks: something to know ranges for.
};

template <class Make> Value Selector::each_part(Type type, const Parts *into, Make &&make) {
  Value out{type};
  const int count = part_count(b_.isa(), type.lanes);
  out.parts.reserve(static_cast<size_t>(count));
  for (int part = 0; part < count; ++part) {
    const int bytes = part_bytes(part_lanes(b_.isa(), type.lanes, part));
    out.parts.push_back(
        make(static_cast<size_t>(part), bytes, into ? (*into)[static_cast<size_t>(part)] : kNoId<VReg>));
  }
  return out;
}

} // namespace sparkle::x86
