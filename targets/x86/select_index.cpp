// Addresses and scalar indices. Accesses with the same buffer and terms share one register; of a term whose variable is
// that of a loop, the loop's latch adds what it grows by, so that hot loops hold one addition for each pointer and no
// multiplication. (Strength reduction: Cocke and Kennedy, An algorithm for reduction of operator strength, 1977.)
#include <limits>

#include "compiler/analysis/lane_steps.h"
#include "compiler/support/check.h"
#include "targets/x86/selector.h"

namespace sparkle::x86 {
namespace {

constexpr int64_t kSymbolBytes = 8;

bool fits_32_bits(int64_t value) {
  return value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max();
}

bool is_scale(int64_t factor) { return factor == 1 || factor == 2 || factor == 4 || factor == 8; }

int log2_of(int64_t power) { return __builtin_ctzll(static_cast<uint64_t>(power)); }
bool is_power_of_2(int64_t value) { return value > 0 && (value & (value - 1)) == 0; }

} // namespace

Condition condition_of(CompareOp op) {
  switch (op) {
  case CompareOp::kEq: return Condition::kEq;
  case CompareOp::kNe: return Condition::kNe;
  case CompareOp::kLt: return Condition::kLt;
  case CompareOp::kLe: break;
  }
  return Condition::kLe;
}

// ---- Numbers

std::optional<int64_t> Selector::known_index(ExprId id) {
  if (const auto *affine = forms_.affine(id)) {
    if (!affine->fixed.is_constant()) return std::nullopt;
    return forms_.constant_of(*affine);
  }
  const std::optional<IndexForm> form = forms_.form(id);
  if (!form || !form->is_constant()) return std::nullopt;
  return form->constant;
}

VReg Selector::index(ExprId id) { return form_register(forms_.form(id).value()); }

VReg Selector::form_register(const IndexForm &form) {
  if (form.is_constant()) return b_.constant(form.constant);
  const VReg sum = sum_register(sum_of(SumId{0}, form, 1));
  return form.constant == 0 ? sum : b_.general(Op::kGAdd, 8, sum, form.constant);
}

Value Selector::form_value(const IndexForm &form) {
  Value value;
  value.type = kIndexType;
  if (form.is_constant()) {
    value.number = form.constant;
  } else {
    value.parts = {form_register(form)};
  }
  return value;
}

AtomId Selector::opaque_atom(ExprId id) {
  const auto [known, is_new] = opaque_.try_emplace(id, kNoId<AtomId>);
  if (!is_new) return known->second;
  const AtomId atom = forms_.add_value(depth());
  const VReg reg = scalar_index(id);
  sums_[index_of(add_sum(SumId{0}, atom, 1))].reg = reg;
  opaque_[id] = atom; // Selecting it may have added others.
  return atom;
}

// ---- Sums

SumId Selector::add_sum(SumId parent, AtomId atom, int64_t coefficient) {
  const auto [known, is_new] =
      sum_ids_.try_emplace(SumKey{index_of(parent), index_of(atom), coefficient}, kNoId<SumId>);
  if (!is_new) return known->second;
  Sum sum;
  sum.parent = parent;
  sum.atom = atom;
  sum.coefficient = coefficient;
  sum.depth = forms_.atom(atom).depth;
  sums_.push_back(sum);
  return known->second = SumId{static_cast<uint32_t>(sums_.size() - 1)};
}

SumId Selector::sum_of(SumId base, const IndexForm &form, int64_t bytes) {
  for (const IndexTerm &term : form.terms) base = add_sum(base, term.atom, term.coefficient * bytes);
  return base;
}

/// In front of the outermost loop in which it does not change; here, where every loop changes it.
Spot Selector::spot(int value_depth) {
  if (value_depth >= depth()) return {b_.region(), scopes_.size() - 1};
  const Level &level = levels_[static_cast<size_t>(value_depth) + 1];
  return {&level.loop->before, level.scope};
}

void Selector::remember(SumId id, VReg reg, size_t scope) {
  sums_[index_of(id)].reg = reg;
  scopes_[scope].sums.push_back(id);
}

VReg Selector::sum_register(SumId id) {
  const Sum sum = sums_[index_of(id)];
  if (is_valid(sum.reg)) return sum.reg;
  const Atom atom = forms_.atom(sum.atom);
  if (atom.is_counter) {
    Level &level = levels_[static_cast<size_t>(atom.depth)];
    SPARKLE_CHECK(level.var == atom.var, "variable used outside its loop");
    return counter(id, level);
  }
  const Spot where = spot(sum.depth);
  const CodeBuilder::Into into(b_, *where.region);
  const bool is_atom = sum.parent == SumId{0} && sum.coefficient == 1;
  const VReg reg = is_atom ? operation(atom) : product_sum(sum.parent, sum.atom, sum.coefficient);
  remember(id, reg, where.scope);
  return reg;
}

/// A sum that the latch of its loop advances.
VReg Selector::counter(SumId id, Level &level) {
  const Sum sum = sums_[index_of(id)];
  const VReg parent = sum.parent == SumId{0} ? kNoId<VReg> : sum_register(sum.parent);
  const VReg reg = b_.function().add_register(RegClass::kGeneral);
  {
    const CodeBuilder::Into into(b_, level.loop->before);
    if (!level.begin.is_constant()) {
      const VReg begin = is_valid(parent) ? scaled(level.begin_register, sum.coefficient) : level.begin_register;
      if (is_valid(parent)) {
        b_.general(Op::kGAdd, 8, parent, begin, reg);
      } else {
        b_.general(Op::kGMove, 8, scaled(begin, sum.coefficient), kNoId<VReg>, reg);
      }
    } else {
      const int64_t offset = level.begin.constant * sum.coefficient;
      if (!is_valid(parent)) {
        b_.constant(offset, reg);
      } else if (offset == 0) {
        b_.general(Op::kGMove, 8, parent, kNoId<VReg>, reg);
      } else {
        b_.general(Op::kGAdd, 8, parent, offset, reg);
      }
    }
  }
  const CodeBuilder::Into into(b_, level.loop->latch);
  b_.general(Op::kGAdd, 8, reg, sum.coefficient, reg);
  level.counters.push_back(id);
  remember(id, reg, level.scope);
  return reg;
}

VReg Selector::scaled(VReg a, int64_t factor) {
  if (factor == 1) return a;
  if (factor == -1) return b_.general(Op::kGNeg, 8, a, kNoId<VReg>);
  if (is_power_of_2(factor)) return b_.general(Op::kGShiftLeft, 8, a, static_cast<int64_t>(log2_of(factor)));
  return b_.general(Op::kGMul, 8, a, factor);
}

VReg Selector::product_sum(SumId parent, AtomId atom, int64_t coefficient) {
  const VReg factor = sum_register(add_sum(SumId{0}, atom, 1));
  if (parent == SumId{0}) return scaled(factor, coefficient);
  const VReg before = sum_register(parent);
  if (is_scale(coefficient)) {
    Address sum;
    sum.kind = Address::Kind::kRegisters;
    sum.base = before;
    sum.index = factor;
    sum.scale = static_cast<uint8_t>(coefficient);
    return b_.general_load(Op::kGAddress, 8, sum);
  }
  if (coefficient == -1) return b_.general(Op::kGSub, 8, before, factor);
  return b_.general(Op::kGAdd, 8, before, scaled(factor, coefficient));
}

/// What an atom is, in a new register.
VReg Selector::operation(const Atom &atom) {
  const auto operand = [&](size_t i) { return form_register(atom.operands[i]); };
  switch (atom.kind) {
  case Atom::Kind::kVariable: {
    const Variable &variable = k_.var(atom.var);
    SPARKLE_CHECK(variable.kind == VarKind::kSymbol, "variable used outside its loop");
    Address slot;
    slot.kind = Address::Kind::kRegisters;
    slot.base = symbols_address_;
    slot.displacement = static_cast<int32_t>(index_of(variable.symbol) * kSymbolBytes);
    return b_.general_load(Op::kGLoad, 8, slot);
  }
  case Atom::Kind::kBinary: {
    const Interval range = forms_.is_not_negative(atom.operands[0]) ? Interval::at_least(0) : Interval{};
    return scalar_whole(atom.op, kIndexType, form_value(atom.operands[0]), form_value(atom.operands[1]), range,
                        kNoId<VReg>);
  }
  case Atom::Kind::kCompare: {
    Inst set;
    set.op = Op::kGSet;
    set.bytes = 8;
    set.condition = condition_of(atom.compare);
    set.src = {operand(0), operand(1), kNoId<VReg>};
    set.dst = b_.function().add_register(RegClass::kGeneral);
    b_.add(set);
    return set.dst;
  }
  case Atom::Kind::kSelect: {
    Inst select;
    select.op = Op::kGSelect;
    select.bytes = 8;
    select.src = {operand(0), operand(1), operand(2)};
    select.dst = b_.function().add_register(RegClass::kGeneral);
    b_.add(select);
    return select.dst;
  }
  case Atom::Kind::kValue: break;
  }
  SPARKLE_CHECK(false, "a value that is in no register");
  return kNoId<VReg>;
}

// ---- Addresses

Address Selector::address(const Base &base, SumId sum, int64_t offset) {
  const int64_t displacement = base.offset + offset;
  if (!fits_32_bits(displacement)) refuse("has an access more than 2 GiB away from what it is counted from");
  Address address;
  address.kind = Address::Kind::kRegisters;
  address.base = sum_register(sum);
  address.displacement = static_cast<int32_t>(displacement);
  return address;
}

/// Of lane 0.
Address Selector::address(const Base &base, ExprId index, int64_t element_bytes) {
  const auto *affine = forms_.affine(index);
  if (!affine) {
    const IndexForm form = forms_.form(index).value();
    return address(base, sum_of(base.sum, form, element_bytes), form.constant * element_bytes);
  }
  AccessSum &known = access_sums_[index_of(index)];
  if (known.base != base.sum || known.element_bytes != element_bytes)
    known = {base.sum, element_bytes, sum_of(base.sum, affine->fixed, element_bytes)};
  return address(base, known.sum, forms_.constant_of(*affine) * element_bytes);
}

Place Selector::place(BufferId buffer, ExprId index) {
  static constexpr int64_t kOneLane[] = {0};
  const Base &base = bases_[index_of(buffer)];
  SPARKLE_CHECK(is_valid(base.sum), "buffer used before its allocation or not bound");
  Place place;
  place.buffer = buffer;
  place.element_bytes = static_cast<int>(bytes_of(k_.buffer(buffer).element));
  place.steps = kOneLane;
  place.stride = 0;
  if (k_.type_of(index).is_vector()) place_lanes(place, index);
  if (place.lanes.parts.empty()) {
    place.first = address(base, index, place.element_bytes);
  } else {
    place.first = address(base, base.sum, 0);
  }
  place.first.is_constant = !is_written_[index_of(buffer)];
  return place;
}

/// Steps between lanes are a matter of the expression or, where unrolled loops leave nothing else of it (reflections at
/// edges), of where these loops are.
void Selector::place_lanes(Place &place, ExprId index) {
  Steps &known = steps_[index_of(index)];
  if (!known.is_tried) {
    known.is_tried = true;
    known.steps = lane_steps(k_, index);
    if (known.steps) known.stride = common_step(*known.steps);
  }
  if (known.steps) {
    place.steps = *known.steps;
    place.stride = known.stride;
    return;
  }
  const std::optional<IndexForm> first = forms_.form(index);
  std::vector<int64_t> steps;
  for (int lane = 0; first && lane < k_.type_of(index).lanes; ++lane) {
    const std::optional<IndexForm> form = forms_.form(index, lane);
    if (!form || form->terms != first->terms) break;
    steps.push_back(form->constant - first->constant);
  }
  if (static_cast<int>(steps.size()) == k_.type_of(index).lanes) {
    place.stride = common_step(steps);
    steps_now_.push_back(std::move(steps));
    place.steps = steps_now_.back();
    return;
  }
  place.steps = {};
  place.stride.reset();
  place.lanes = emit(index);
}

Address Selector::element(const Place &place, int lane, int64_t elements) {
  const int64_t step = place.steps[place.steps.size() == 1 ? 0 : static_cast<size_t>(lane)];
  const int64_t displacement = place.first.displacement + (step + elements) * place.element_bytes;
  if (!fits_32_bits(displacement)) refuse("has an access more than 2 GiB away from what it is counted from");
  Address address = place.first;
  address.displacement = static_cast<int32_t>(displacement);
  return address;
}

} // namespace sparkle::x86
