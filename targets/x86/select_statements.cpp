// Statements but for loops, loads and stores.
#include <algorithm>

#include "compiler/ir/numeric.h"
#include "compiler/support/check.h"
#include "compiler/support/checked_math.h"
#include "compiler/support/match.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int64_t kScratchAlignment = 64; // The widest register, a cache line, and what `scratch` is aligned to.
/// Beyond it the code leaves every instruction cache, and compiling takes longer than running.
constexpr size_t kMostInstructions = 60'000;

Condition opposite(Condition condition) {
  switch (condition) {
  case Condition::kEq: return Condition::kNe;
  case Condition::kNe: return Condition::kEq;
  case Condition::kLt: return Condition::kGe;
  case Condition::kLe: return Condition::kGt;
  case Condition::kGt: return Condition::kLe;
  case Condition::kGe: return Condition::kLt;
  case Condition::kBelow: return Condition::kAtLeast;
  case Condition::kAtLeast: return Condition::kBelow;
  }
  return condition;
}

} // namespace

void Selector::statement(StmtId id) {
  if (!refusal_.empty()) return;
  if (b_.count() > kMostInstructions)
    return refuse("takes more than " + std::to_string(kMostInstructions) + " instructions");
  memo_.clear();
  if (!opaque_.empty()) opaque_.clear();
  b_.set_line(1 + index_of(id));
  match(
      k_.stmt(id), [&](const Block &s) { block(s); }, [&](const For &s) { loop(s); }, [&](const If &s) { branch(s); },
      [&](const Let &s) { let(s); }, [&](const Load &s) { load(s); }, [&](const Store &s) { store(s); },
      [&](const Copy &) { SPARKLE_CHECK(false, "a copy reached selection"); }, [&](const Prefetch &s) { prefetch(s); },
      [&](const Barrier &) {}, // One worker at a time: nobody to wait for.
      [&](const Alloc &s) { alloc(s); },
      [&](const FragmentFill &) { SPARKLE_CHECK(false, "a fragment reached selection"); },
      [&](const FragmentMove &) { SPARKLE_CHECK(false, "a fragment reached selection"); },
      [&](const FragmentMma &) { SPARKLE_CHECK(false, "a fragment reached selection"); });
}

void Selector::block(const Block &block) {
  const RangesScope ranges(ranges_);
  const int64_t scratch_top = scratch_top_; // Allocs end with the block, and their scratch is used again.
  for (StmtId id : block.stmts) statement(id);
  scratch_top_ = scratch_top;
}

void Selector::let(const Let &let) {
  if (forms_.is_inlined(let.var)) return;
  if (has_branches_) ranges_.push_value(k_, let.var, let.value);
  bind(let.var, emit(let.value));
}

void Selector::bind(VarId var, Value value) {
  if (value.type == kIndexType) {
    const VReg reg = value.number ? b_.constant(*value.number) : value.parts[0];
    sums_[index_of(add_sum(SumId{0}, forms_.bind_value(var, depth()), 1))].reg = reg;
  }
  values_[index_of(var)] = std::move(value);
}

void Selector::alloc(const Alloc &alloc) {
  const Buffer &buffer = k_.buffer(alloc.buffer);
  if (std::optional<Slices> &slices = slices_[index_of(alloc.buffer)]) {
    for (Slice &slice : slices->slices) {
      const Type type{buffer.element, static_cast<uint16_t>(slice.lanes)};
      slice.parts = new_parts(type);
      if (!slice.is_sure) clear(type, slice.parts);
    }
    return;
  }
  const int64_t elements = k_.extent(alloc.buffer, 0).value();
  const int64_t bytes = checked_mul(elements, bytes_of(buffer.element)).value();
  bases_[index_of(alloc.buffer)] = {scratch_.sum, scratch_top_};
  scratch_top_ += ceil_div(bytes, kScratchAlignment) * kScratchAlignment;
  scratch_bytes_ = std::max(scratch_bytes_, scratch_top_);
}

void Selector::clear(Type type, const Parts &parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (class_of(type) == RegClass::kGeneral) {
      b_.constant(0, parts[i]);
    } else {
      const int lanes = part_lanes(b_.isa(), type.lanes, static_cast<int>(i));
      b_.vector(Op::kVZero, part_bytes(lanes), kNoId<VReg>, kNoId<VReg>, kNoId<VReg>, parts[i]);
    }
  }
}

void Selector::prefetch(const Prefetch &prefetch) {
  const Place where = place(prefetch.buffer, prefetch.indices.at(0));
  if (!where.lanes.parts.empty()) return; // A hint: lanes that lie anywhere are not worth it.
  Inst inst;
  inst.op = Op::kPrefetch;
  inst.memory = element(where, 0);
  inst.immediate = prefetch.cache >= 1 && prefetch.cache <= 3 ? prefetch.cache : 0;
  // Windows that overlap ask for the same lines; expanded, next to each other.
  if (!prefetched_.emplace(inst.memory.base, inst.memory.displacement, inst.immediate).second) return;
  b_.add(inst);
}

// ---- Conditions

std::optional<bool> Selector::decide(ExprId condition) {
  if (const std::optional<bool> known = decide_by_numbers(condition)) return known;
  return prove(k_, condition, ranges_);
}

/// Where what is not a number is the same on both sides. Forms of conditions are made for what is no sum alone: it
/// takes as long as to prove the condition.
std::optional<bool> Selector::decide_by_numbers(ExprId condition) {
  const Expr &expr = k_.expr(condition);
  if (const auto *e = std::get_if<Compare>(&expr); e && k_.type_of(e->a) == kIndexType) {
    const IndexForms::Affine *a = forms_.affine(e->a), *b = forms_.affine(e->b);
    if (a && b && a->fixed.terms != b->fixed.terms) return std::nullopt;
    if (a && b) return fold_compare(e->op, forms_.constant_of(*a), forms_.constant_of(*b));
  }
  if (const auto *e = std::get_if<Binary>(&expr); e && (e->op == BinaryOp::kAnd || e->op == BinaryOp::kOr)) {
    const bool decides = e->op == BinaryOp::kOr;
    const std::optional<bool> a = decide_by_numbers(e->a), b = decide_by_numbers(e->b);
    if (a == decides || b == decides) return decides;
    return a && b ? std::optional(!decides) : std::nullopt;
  }
  if (!forms_.is_pure(condition)) return std::nullopt;
  const std::optional<IndexForm> form = forms_.form(condition);
  return form && form->is_constant() ? std::optional(form->constant != 0) : std::nullopt;
}

void Selector::branch(const If &branch) {
  if (const std::optional<bool> known = decide(branch.cond)) {
    if (*known) return statement(branch.then_body);
    if (is_valid(branch.else_body)) statement(branch.else_body);
    return;
  }
  const bool has_else = is_valid(branch.else_body);
  const Label end = b_.function().add_label();
  const Label otherwise = has_else ? b_.function().add_label() : end;
  jump_unless(branch.cond, otherwise);
  enter_scope();
  {
    const RangesScope ranges(ranges_);
    ranges_.push_condition(k_, branch.cond);
    statement(branch.then_body);
  }
  leave_scope();
  if (has_else) {
    b_.jump(end);
    b_.place(otherwise);
    enter_scope();
    statement(branch.else_body);
    leave_scope();
  }
  b_.place(end);
}

/// Of a condition that nothing decides. All that the tests compare is there before the first jump, so that what is
/// remembered of it holds on both ways.
void Selector::jump_unless(ExprId condition, Label to) {
  std::vector<Test> tests;
  add_open_tests(condition, tests);
  for (const Test &test : tests) {
    if (is_valid(test.b)) {
      b_.jump_if(opposite(test.condition), test.bytes, test.a, test.b, to);
    } else {
      b_.jump_if(opposite(test.condition), test.bytes, test.a, test.number, to);
    }
  }
}

void Selector::add_tests(ExprId condition, std::vector<Test> &tests) {
  if (decide(condition) != true) add_open_tests(condition, tests);
}

void Selector::add_open_tests(ExprId condition, std::vector<Test> &tests) {
  const Expr &expr = k_.expr(condition);
  if (const auto *both = std::get_if<Binary>(&expr); both && both->op == BinaryOp::kAnd) {
    add_tests(both->a, tests);
    add_tests(both->b, tests);
    return;
  }
  if (const auto *compare = std::get_if<Compare>(&expr); compare && add_index_test(*compare, tests)) return;
  const Value value = emit(condition);
  Test test{Condition::kNe, kNoId<VReg>, kNoId<VReg>, 0, 4};
  test.a = value.number ? b_.constant(*value.number) : value.parts[0];
  tests.push_back(test);
}

bool Selector::add_index_test(const Compare &compare, std::vector<Test> &tests) {
  if (k_.type_of(compare.a) != kIndexType) return false;
  const IndexForm a = forms_.form(compare.a).value(), b = forms_.form(compare.b).value();
  if (a.is_constant()) return false;
  Test test{condition_of(compare.op), kNoId<VReg>, kNoId<VReg>, 0, 8};
  const std::optional<int64_t> number = checked_sub(b.constant, a.constant);
  if (b.is_constant() && number) {
    test.a = form_register({a.terms, 0});
    test.number = *number;
  } else {
    test.a = form_register(a);
    test.b = form_register(b);
  }
  tests.push_back(test);
  return true;
}

} // namespace sparkle::x86
