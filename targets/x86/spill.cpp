#include "targets/x86/spill.h"

#include <algorithm>
#include <queue>

#include "targets/x86/memory_operand.h"
#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

constexpr int kSlotBytes = 64;

bool is_pool_load(const Inst &inst) {
  return (inst.op == Op::kVLoad || inst.op == Op::kVBroadcast) && inst.memory.kind == Address::Kind::kPool &&
         !is_valid(inst.mask);
}

bool fits_immediate(int64_t value) { return value == static_cast<int32_t>(value); }

/// A load or a store, without its register.
Inst transfer(Op op, int bytes, const Address &memory, uint32_t line) {
  Inst inst;
  inst.op = op;
  inst.bytes = static_cast<uint8_t>(bytes);
  inst.memory = memory;
  inst.line = line;
  return inst;
}

Op load_of(RegClass reg_class) {
  constexpr Op kLoads[] = {Op::kGLoad, Op::kVLoad, Op::kKLoad};
  return kLoads[static_cast<size_t>(reg_class)];
}

Op store_of(RegClass reg_class) {
  constexpr Op kStores[] = {Op::kGStore, Op::kVStore, Op::kKStore};
  return kStores[static_cast<size_t>(reg_class)];
}

/// Of all that a register of the class holds.
int bytes_of(RegClass reg_class, const Isa &isa) {
  switch (reg_class) {
  case RegClass::kGeneral: return 8;
  case RegClass::kVector: return isa.vector_bytes();
  case RegClass::kMask: return 0;
  }
  return 0;
}

} // namespace

Spiller::Spiller(Function &function)
    : function_(function), first_short_(static_cast<uint32_t>(function.registers.size())),
      first_slot_(function.frame_slots) {}

Spiller::Remakes Spiller::remakes(const LiveRanges &ranges) const {
  Remakes found(ranges.size(), nullptr);
  const auto lasts = [&](VReg part, VReg reg) {
    return !is_valid(part) ||
           (ranges[index_of(part)].writes == 1 && ranges[index_of(part)].last >= ranges[index_of(reg)].last);
  };
  for (const Inst &inst : function_.code) {
    if (!is_valid(inst.dst) || ranges[index_of(inst.dst)].writes != 1) continue;
    const bool is_constant = inst.op == Op::kGConst || inst.op == Op::kVZero || inst.op == Op::kVOnes;
    const bool is_address =
        inst.op == Op::kGAddress && lasts(inst.memory.base, inst.dst) && lasts(inst.memory.index, inst.dst);
    if (is_constant || is_address || is_pool_load(inst)) found[index_of(inst.dst)] = &inst;
  }
  return found;
}

void Spiller::plan(const std::vector<VReg> &spilled, const LiveRanges &ranges, const Remakes &remakes) {
  plans_.assign(ranges.size(), {});
  made_.clear();
  for (const VReg reg : spilled) plans_[index_of(reg)] = {Kind::kFrame, 0};
  const auto stays = [&](VReg part) { return !is_valid(part) || !is_spilled(part); };
  for (const VReg reg : spilled) {
    const Inst *maker = remakes[index_of(reg)];
    if (maker != nullptr && stays(maker->memory.base) && stays(maker->memory.index)) {
      plans_[index_of(reg)] = {Kind::kRemade, static_cast<uint32_t>(made_.size())};
      made_.push_back(*maker);
      continue;
    }
    plans_[index_of(reg)] = {Kind::kFrame, first_slot_ + static_cast<uint32_t>(slots_.size())};
    slots_.push_back({ranges[index_of(reg)].first / 2, ranges[index_of(reg)].last / 2});
  }
  function_.frame_slots = first_slot_ + static_cast<uint32_t>(slots_.size());
}

Address Spiller::slot_of(VReg reg) const {
  Address address;
  address.kind = Address::Kind::kFrame;
  address.number = plans_[index_of(reg)].number;
  return address;
}

bool Spiller::has_spilled(const Inst &inst) const {
  bool found = is_valid(inst.dst) && is_spilled(inst.dst);
  for_each_source(inst, [&](VReg reg) { found |= is_spilled(reg); });
  return found;
}

/// A copy to or from the frame is a store or a load.
bool Spiller::becomes_access(Inst &inst) const {
  if (!is_copy(inst)) return false;
  const RegClass reg_class = function_.registers[inst.dst];
  const auto in_frame = [&](VReg reg) { return plans_[index_of(reg)].kind == Kind::kFrame; };
  if (in_frame(inst.dst) && !is_spilled(inst.src[0])) {
    Inst store = transfer(store_of(reg_class), inst.bytes, slot_of(inst.dst), inst.line);
    store.src[0] = inst.src[0];
    inst = store;
    return true;
  }
  if (!in_frame(inst.src[0]) || is_spilled(inst.dst)) return false;
  Inst load = transfer(load_of(reg_class), inst.bytes, slot_of(inst.src[0]), inst.line);
  load.dst = inst.dst;
  inst = load;
  return true;
}

/// The operand becomes memory or an immediate.
bool Spiller::fold(Inst &inst, VReg reg) const {
  const Plan &plan = plans_[index_of(reg)];
  Folded folded{slot_of(reg), kSlotBytes, false};
  if (plan.kind == Kind::kRemade) {
    const Inst &maker = made_[plan.number];
    const auto last = static_cast<size_t>(std::max(last_source(info_of(inst.op)), 0));
    if (maker.op == Op::kGConst && info_of(inst.op).immediate == OpInfo::Immediate::kLast && !inst.has_immediate &&
        inst.memory.kind == Address::Kind::kNone && inst.src[last] == reg && fits_immediate(maker.immediate)) {
      inst.src[last] = kNoId<VReg>;
      inst.immediate = maker.immediate;
      inst.has_immediate = true;
      return true;
    }
    if (!is_pool_load(maker)) return false;
    folded = {maker.memory, maker.bytes, maker.op == Op::kVBroadcast};
  }
  const std::optional<Inst> with = with_memory(inst, reg, folded, function_.isa);
  if (with) inst = *with;
  return with.has_value();
}

/// All sources that are `reg` become a new register, which gets what `reg` holds first.
VReg Spiller::reload(Inst &inst, VReg reg) {
  const Plan &plan = plans_[index_of(reg)];
  const RegClass reg_class = function_.registers[reg];
  const VReg fresh = function_.add_register(reg_class);
  code_.push_back(plan.kind == Kind::kRemade
                      ? made_[plan.number]
                      : transfer(load_of(reg_class), bytes_of(reg_class, function_.isa), slot_of(reg), inst.line));
  code_.back().dst = fresh;
  for_each_source(inst, [&](VReg &source) { source = source == reg ? fresh : source; });
  return fresh;
}

void Spiller::rewrite(Inst inst) {
  const VReg dst = inst.dst;
  const bool writes_spilled = is_valid(dst) && is_spilled(dst);
  if (writes_spilled && plans_[index_of(dst)].kind == Kind::kRemade) return;
  if (becomes_access(inst)) return code_.push_back(inst);
  VReg fresh = kNoId<VReg>; // in place of dst
  const auto read = [&](VReg reg) {
    if (!is_valid(reg) || !is_spilled(reg) || fold(inst, reg)) return;
    const VReg loaded = reload(inst, reg);
    if (reg == dst) fresh = loaded;
  };
  // Last sources fold best. Operands change places on the way, so a second look sees all that are left.
  for (size_t i = 3; i-- > 0;) read(inst.src[i]);
  for_each_source(inst, [&](VReg &source) { read(VReg(source)); });
  if (!writes_spilled) return code_.push_back(inst);
  if (is_merging(inst) && !is_valid(fresh)) fresh = reload(inst, dst);
  const RegClass reg_class = function_.registers[dst];
  inst.dst = is_valid(fresh) ? fresh : function_.add_register(reg_class);
  stores_.push_back(transfer(store_of(reg_class), bytes_of(reg_class, function_.isa), slot_of(dst), inst.line));
  stores_.back().src[0] = inst.dst;
  code_.push_back(inst);
}

void Spiller::flush_stores() {
  code_.insert(code_.end(), stores_.begin(), stores_.end());
  stores_.clear();
}

void Spiller::spill(const std::vector<VReg> &spilled, const LiveRanges &ranges, const Remakes &remakes) {
  plan(spilled, ranges, remakes);
  const size_t size = function_.code.size();
  std::vector<uint32_t> place(size + 1);
  code_.clear();
  code_.reserve(size + size / 4);
  for (size_t i = 0; i < size; ++i) {
    place[i] = static_cast<uint32_t>(code_.size());
    const Inst &inst = function_.code[i];
    if (has_spilled(inst)) {
      rewrite(inst);
    } else {
      code_.push_back(inst);
    }
    // Arguments stay together: the emitter moves them at once.
    if (i + 1 == size || function_.code[i + 1].op != Op::kArg) flush_stores();
  }
  place[size] = static_cast<uint32_t>(code_.size());
  for (Slot &slot : slots_) slot = {place[slot.first], std::max(place[slot.last + 1], 1U) - 1};
  std::swap(function_.code, code_);
}

void Spiller::place_slots() {
  if (slots_.empty()) return;
  std::vector<uint32_t> order(slots_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return std::pair(slots_[a].first, a) < std::pair(slots_[b].first, b); });
  std::vector<uint32_t> place(slots_.size());
  std::vector<uint32_t> last; // by place: the last instruction of those there
  for (const uint32_t slot : order) {
    const auto free = std::find_if(last.begin(), last.end(), [&](uint32_t at) { return at < slots_[slot].first; });
    place[slot] = static_cast<uint32_t>(free - last.begin());
    if (free == last.end()) last.push_back(0);
    last[place[slot]] = slots_[slot].last;
  }
  for (Inst &inst : function_.code) {
    if (inst.memory.kind != Address::Kind::kFrame || inst.memory.number < first_slot_) continue;
    inst.memory.number = first_slot_ + place[inst.memory.number - first_slot_];
  }
  function_.frame_slots = first_slot_ + static_cast<uint32_t>(last.size());
}

int Spiller::hot_accesses(const FlowGraph &graph) const {
  int count = 0;
  if (slots_.empty()) return count;
  for (const FlowGraph::Block &block : graph.blocks) {
    if (!block.is_innermost) continue;
    for (uint32_t i = block.first; i < block.end; ++i) {
      const Address &memory = function_.code[i].memory;
      count += memory.kind == Address::Kind::kFrame && memory.number >= first_slot_;
    }
  }
  return count;
}

} // namespace sparkle::x86
