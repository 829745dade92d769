#include "targets/x86/spill.h"

#include <algorithm>

#include "targets/x86/memory_operand.h"
#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

constexpr int kSlotBytes = 64;
/// Instructions. Of a long block whose pressure changes, some stretches may have a register to spare.
constexpr size_t kMaxStretch = 16;

bool is_pool_load(const Inst &inst) {
  return (inst.op == Op::kVLoad || inst.op == Op::kVBroadcast) && inst.memory.kind == Address::Kind::kPool &&
         !is_valid(inst.mask);
}

/// From memory that the function may write.
bool is_reloadable(const Inst &inst) {
  const bool is_vector_load =
      info_of(inst.op).memory == OpInfo::Memory::kLoad && !is_valid(inst.src[0]) && info_of(inst.op).dst == Operand::kV;
  return is_vector_load && inst.memory.kind == Address::Kind::kRegisters && !is_merging(inst);
}

/// What other instructions may have as their operand.
bool is_whole_load(const Inst &inst) {
  return (inst.op == Op::kVLoad || inst.op == Op::kVBroadcast) && !is_valid(inst.mask);
}

/// Of memory beyond the frame.
bool is_store(const Inst &inst) {
  return info_of(inst.op).memory == OpInfo::Memory::kStore && inst.memory.kind != Address::Kind::kFrame;
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
    : function_(function), first_slot_(function.frame_slots), spans_(function.registers.size(), Span::kAll),
      homes_(function.registers.size(), kNoHome) {}

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
  add_reloads(ranges, found);
  return found;
}

/// Loads whose uses all stand behind them with no label between, so that every way to a use leads past the load, and no
/// write of their address, or of memory that the function may write.
void Spiller::add_reloads(const LiveRanges &ranges, Remakes &found) const {
  constexpr uint32_t kNever = LiveRange::kNever;
  std::vector<uint32_t> write(ranges.size(), kNever); // of each register, the next one
  uint32_t store = kNever, label = kNever;            // the next one; labels count as stores
  for (auto i = static_cast<uint32_t>(function_.code.size()); i-- > 0;) {
    const Inst &inst = function_.code[i];
    if (inst.op == Op::kLabel) label = store = i;
    if (is_store(inst)) store = i;
    if (!is_valid(inst.dst)) continue;
    const LiveRange &range = ranges[index_of(inst.dst)];
    const bool ends_with_read = range.last % 2 == 0;
    const auto stays = [&](VReg part) { return !is_valid(part) || write[index_of(part)] >= range.last / 2; };
    const auto lasts = [&](VReg part) {
      return stays(part) && (!is_valid(part) || ranges[index_of(part)].last >= range.last);
    };
    if (is_reloadable(inst) && range.writes == 1 && range.first == 2 * i + 1 && ends_with_read &&
        (inst.memory.is_constant ? label : store) >= range.last / 2 && stays(inst.memory.base) &&
        stays(inst.memory.index) && lasts(inst.mask))
      found[index_of(inst.dst)] = &inst;
    write[index_of(inst.dst)] = i;
  }
}

void Spiller::plan(const std::vector<VReg> &spilled, const LiveRanges &ranges, const Remakes &remakes) {
  plans_.assign(ranges.size(), {});
  pieces_.assign(ranges.size(), {});
  made_.clear();
  for (const VReg reg : spilled) plans_[index_of(reg)] = {Kind::kFrame, 0};
  const auto stays = [&](VReg part) { return !is_valid(part) || !is_spilled(part); };
  for (const VReg reg : spilled) {
    const Inst *maker = remakes[index_of(reg)];
    if (maker != nullptr && stays(maker->memory.base) && stays(maker->memory.index) && stays(maker->mask)) {
      plans_[index_of(reg)] = {Kind::kRemade, static_cast<uint32_t>(made_.size())};
      made_.push_back(*maker);
      continue;
    }
    uint32_t &home = homes_[index_of(reg)];
    plans_[index_of(reg)] = {Kind::kFrame, home != kNoHome ? home : first_slot_ + static_cast<uint32_t>(slots_.size())};
    if (home != kNoHome) continue;
    home = plans_[index_of(reg)].number;
    slots_.push_back({ranges[index_of(reg)].first / 2, ranges[index_of(reg)].last / 2,
                      function_.registers[reg] != RegClass::kVector});
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
  const auto in_frame = [&](VReg reg) { return plans_[index_of(reg)].kind == Kind::kFrame && !has_piece(reg); };
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
    if (!is_whole_load(maker)) return false;
    folded = {maker.memory, maker.bytes, maker.op == Op::kVBroadcast};
  }
  const std::optional<Inst> with = with_memory(inst, reg, folded, function_.isa);
  if (with) inst = *with;
  return with.has_value();
}

VReg Spiller::add_register(VReg like, Span span) {
  spans_.push_back(span);
  homes_.push_back(span == Span::kStretch ? homes_[index_of(like)] : kNoHome);
  return function_.add_register(function_.registers[like]);
}

/// How often instructions of the stretch that starts at `first` name each spilled register. Returns its end.
size_t Spiller::enter_stretch(size_t first) {
  ++stretch_;
  const auto name = [&](VReg reg, size_t number) {
    if (!is_spilled(reg)) return;
    Piece &piece = pieces_[index_of(reg)];
    if (piece.stretch != stretch_) piece = {stretch_, 0, static_cast<uint32_t>(-1), kNoId<VReg>};
    piece.names += piece.last != number;
    piece.last = static_cast<uint32_t>(number);
  };
  const size_t end = std::min(first + kMaxStretch, function_.code.size());
  for (size_t i = first; i < end; ++i) {
    const Inst &inst = function_.code[i];
    if (i > first && inst.op == Op::kLabel) return i;
    for_each_source(inst, [&](VReg reg) { name(reg, i); });
    if (is_valid(inst.dst)) name(inst.dst, i);
    if (is_jump(inst.op)) return i + 1;
  }
  return end;
}

/// It has one register for all of the stretch.
bool Spiller::has_piece(VReg reg) const {
  return spans_[index_of(reg)] == Span::kAll && pieces_[index_of(reg)].names > 1;
}

/// A register for `reg`, and whether it holds it already.
std::pair<VReg, bool> Spiller::stand_in(VReg reg) {
  if (!has_piece(reg)) return {add_register(reg, Span::kInstruction), false};
  Piece &piece = pieces_[index_of(reg)];
  const bool is_there = is_valid(piece.reg);
  if (!is_there) piece.reg = add_register(reg, Span::kStretch);
  return {piece.reg, is_there};
}

/// All sources that are `reg` become its stand-in, which gets what `reg` holds first.
VReg Spiller::reload(Inst &inst, VReg reg) {
  const Plan &plan = plans_[index_of(reg)];
  const auto stand = stand_in(reg);
  const VReg fresh = stand.first;
  if (const bool is_there = stand.second; !is_there) {
    const RegClass reg_class = function_.registers[reg];
    code_.push_back(plan.kind == Kind::kRemade
                        ? made_[plan.number]
                        : transfer(load_of(reg_class), bytes_of(reg_class, function_.isa), slot_of(reg), inst.line));
    code_.back().dst = fresh;
  }
  for_each_source(inst, [&](VReg &source) { source = source == reg ? fresh : source; });
  return fresh;
}

/// The reload or the store of a piece: its uses and writes have their own now.
bool Spiller::is_own_transfer(const Inst &inst) const {
  if (inst.memory.kind != Address::Kind::kFrame) return false;
  const VReg reg = is_valid(inst.dst) ? inst.dst : inst.src[0];
  if (!is_valid(reg) || !is_spilled(reg) || plans_[index_of(reg)].kind != Kind::kFrame) return false;
  const Op op = is_valid(inst.dst) ? load_of(function_.registers[reg]) : store_of(function_.registers[reg]);
  return spans_[index_of(reg)] == Span::kStretch && inst.op == op && inst.memory.number == plans_[index_of(reg)].number;
}

void Spiller::rewrite(Inst inst) {
  const VReg dst = inst.dst;
  const bool writes_spilled = is_valid(dst) && is_spilled(dst);
  if (is_own_transfer(inst) || (writes_spilled && plans_[index_of(dst)].kind == Kind::kRemade)) return;
  if (becomes_access(inst)) return code_.push_back(inst);
  VReg fresh = kNoId<VReg>; // in place of dst
  const auto read = [&](VReg reg) {
    if (!is_valid(reg) || !is_spilled(reg) || (!has_piece(reg) && fold(inst, reg))) return;
    const VReg loaded = reload(inst, reg);
    if (reg == dst) fresh = loaded;
  };
  // Last sources fold best. Operands change places on the way, so a second look sees all that are left.
  for (size_t i = 3; i-- > 0;) read(inst.src[i]);
  for_each_source(inst, [&](VReg &source) { read(VReg(source)); });
  if (!writes_spilled) return code_.push_back(inst);
  if (is_merging(inst) && !is_valid(fresh)) fresh = reload(inst, dst);
  const RegClass reg_class = function_.registers[dst];
  inst.dst = is_valid(fresh) ? fresh : stand_in(dst).first;
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
  size_t stretch_end = 0;
  code_.clear();
  code_.reserve(size + size / 4);
  for (size_t i = 0; i < size; ++i) {
    place[i] = static_cast<uint32_t>(code_.size());
    const Inst &inst = function_.code[i];
    if (i == stretch_end) stretch_end = enter_stretch(i);
    if (has_spilled(inst)) {
      rewrite(inst);
    } else {
      code_.push_back(inst);
    }
    // Arguments stay together: the emitter moves them at once.
    if (i + 1 == size || function_.code[i + 1].op != Op::kArg) flush_stores();
  }
  place[size] = static_cast<uint32_t>(code_.size());
  for (Slot &slot : slots_) slot = {place[slot.first], std::max(place[slot.last + 1], 1U) - 1, slot.is_small};
  std::swap(function_.code, code_);
}

} // namespace sparkle::x86
