#include "tests/unit/targets/x86/operation_cases.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include "targets/x86/operands.h"
#include "targets/x86/verify.h"

namespace sparkle::x86 {
namespace {

/// Of the result, first, second and third source: equal letters share a register.
constexpr const char *kSharings[] = {"abcd", "aacd", "abad", "abca", "abbd", "aaad", "abbb", "aaaa"};
constexpr int kLow[] = {0, 7, 8, 15}, kHigh[] = {0, 16, 7, 31, 8, 15};
constexpr int kGenerals[] = {1, 15, 7, 8, 3, 9};
constexpr int kBases[] = {13, 5, 12, 6, 14, 11};
constexpr int kMasks[] = {2, 7, 3, 5, 6, 4};
constexpr int kState = 10;    // r10 holds the state
constexpr int kCopier = 3;    // a vector that carries the frame
constexpr int kMaskLanes = 6; // Inst::mask of kAvx2
constexpr size_t kTurns = 6;  // rotations of the register numbers, each with its own kind of address

/// One form of an operation; `turn` rotates registers and addresses.
struct Form {
  Op op{};
  uint8_t bytes = 0;
  int64_t immediate = 0;
  bool has_immediate = false, has_memory = false, broadcast = false, has_mask = false, zeroing = false;
  Condition condition = Condition::kEq;
  const char *sharing = kSharings[0];
  size_t turn = 0;
};

class CaseBuilder {
public:
  CaseBuilder(const Isa &isa, const Form &form) : form_(form), info_(info_of(form.op)) {
    f_.isa = isa;
    f_.name = "case";
    f_.frame_slots = CaseState::kFrameSlots;
    for (int i = 0; i < 128; ++i) f_.pool.push_back(static_cast<uint8_t>(i * 37 + 11));
    out_.registers.fill(kNoId<VReg>);
  }

  OperationCase run() {
    state_ = add(RegClass::kGeneral, kState);
    copier_ = add(RegClass::kVector, kCopier);
    Inst inst = operation();
    f_.code.push_back({.op = Op::kArg, .bytes = 8, .dst = state_});
    copy_frame(true);
    for (size_t slot = 0; slot < CaseState::kSlots; ++slot) transfer(slot, true);
    out_.at = f_.code.size();
    f_.code.push_back(inst);
    for (size_t slot = 0; slot < CaseState::kSlots; ++slot) transfer(slot, false);
    copy_frame(false);
    f_.code.push_back({.op = Op::kReturn});
    out_.function = std::move(f_);
    return std::move(out_);
  }

private:
  VReg add(RegClass reg_class, int number) {
    out_.allocation.registers.add(static_cast<uint8_t>(number));
    return f_.add_register(reg_class);
  }

  VReg operand(size_t slot, Operand wanted) {
    if (wanted == Operand::kNone) return kNoId<VReg>;
    const auto which = static_cast<size_t>(form_.sharing[slot] - 'a') + form_.turn;
    const auto reg_class = static_cast<RegClass>(static_cast<int>(wanted) - 1);
    int number = 0;
    if (reg_class == RegClass::kGeneral)
      number = kGenerals[which % std::size(kGenerals)];
    else if (reg_class == RegClass::kMask)
      number = kMasks[which % std::size(kMasks)];
    else
      number = f_.isa.has_masks() ? kHigh[which % std::size(kHigh)] : kLow[which % std::size(kLow)];
    return out_.registers[slot] = add(reg_class, number);
  }

  Inst operation() {
    Inst inst{.op = form_.op, .bytes = form_.bytes, .condition = form_.condition};
    inst.has_immediate = form_.has_immediate;
    inst.immediate = form_.immediate;
    inst.broadcast = form_.broadcast;
    inst.zeroing = form_.zeroing;
    const int tied = tied_source(form_.op), last = last_source(info_);
    const bool is_replaced = info_.memory == OpInfo::Memory::kLast && form_.has_memory;
    const bool is_number = info_.immediate == OpInfo::Immediate::kLast && form_.has_immediate;
    inst.dst = operand(kResultSlot, info_.dst);
    for (int i = 0; i < 3; ++i) {
      const auto at = static_cast<size_t>(i);
      if (i == tied)
        inst.src[at] = inst.dst;
      else if (i != last || !(is_replaced || is_number))
        inst.src[at] = operand(kFirstSlot + at, info_.src[at]);
    }
    if (form_.has_mask && f_.isa.has_masks())
      inst.mask = add(RegClass::kMask, kMasks[(form_.turn + 4) % 6]);
    else if (form_.has_mask)
      inst.mask = add(RegClass::kVector, kMaskLanes);
    out_.registers[kMaskSlot] = inst.mask;
    if (form_.has_memory) inst.memory = address();
    return inst;
  }

  /// Kinds of addresses in turn; streams and frames are aligned.
  Address address() {
    constexpr int32_t kDisplacements[] = {0, 64, -128, 100032, 4, 0};
    const bool is_indexed = form_.op == Op::kGather || form_.op == Op::kScatter;
    Address m{.kind = Address::Kind::kRegisters, .displacement = kDisplacements[form_.turn]};
    if (!is_indexed && form_.turn == 5) return {.kind = Address::Kind::kFrame, .number = 1};
    const bool is_load = info_.memory != OpInfo::Memory::kStore && form_.op != Op::kPrefetch;
    if (!is_indexed && is_load && form_.turn == 4) return {.kind = Address::Kind::kPool, .displacement = 64};
    if (form_.op == Op::kVStream) m.displacement &= ~63;
    out_.registers[kBaseSlot] = m.base = add(RegClass::kGeneral, kBases[form_.turn]);
    if (is_indexed)
      out_.registers[kIndexSlot] = m.index = add(RegClass::kVector, form_.turn % 2 ? 25 : 9);
    else if (form_.turn >= 2)
      out_.registers[kIndexSlot] = m.index = add(RegClass::kGeneral, kBases[form_.turn - 1]);
    m.scale = static_cast<uint8_t>(is_indexed ? 4 : 1 << form_.turn % 4);
    if (form_.sharing[kResultSlot] == form_.sharing[kSecondSlot]) share_base(m);
    return m;
  }

  /// A general result in the register of the address.
  void share_base(const Address &m) {
    if (info_.dst != Operand::kG) return;
    const uint8_t number = out_.allocation.registers[out_.registers[kResultSlot]];
    out_.allocation.registers[form_.turn % 2 && is_valid(m.index) ? m.index : m.base] = number;
  }

  Address place(size_t offset) const {
    return {.kind = Address::Kind::kRegisters, .base = state_, .displacement = static_cast<int32_t>(offset)};
  }

  void transfer(size_t slot, bool is_load) {
    const VReg reg = out_.registers[slot];
    if (!is_valid(reg)) return;
    constexpr Op kLoads[] = {Op::kGLoad, Op::kVLoad, Op::kKLoad}, kStores[] = {Op::kGStore, Op::kVStore, Op::kKStore};
    const RegClass reg_class = f_.registers[reg];
    const auto which = static_cast<size_t>(reg_class);
    Inst inst{.op = is_load ? kLoads[which] : kStores[which]};
    inst.bytes = static_cast<uint8_t>(reg_class == RegClass::kVector ? f_.isa.vector_bytes() : 8);
    (is_load ? inst.dst : inst.src[0]) = reg;
    inst.memory = place((is_load ? offsetof(CaseState, in) : offsetof(CaseState, out)) + slot * 64);
    f_.code.push_back(inst);
  }

  void copy_frame(bool is_before) {
    for (uint32_t i = 0; i < CaseState::kFrameSlots * 2; ++i) {
      const Address slot{
          .kind = Address::Kind::kFrame, .number = i / 2, .displacement = static_cast<int32_t>(i % 2 * 32)};
      const Address state = place(offsetof(CaseState, frame) + i * 32);
      f_.code.push_back({.op = Op::kVLoad, .bytes = 32, .dst = copier_, .memory = is_before ? state : slot});
      f_.code.push_back({.op = Op::kVStore,
                         .bytes = 32,
                         .src = {copier_, kNoId<VReg>, kNoId<VReg>},
                         .memory = is_before ? slot : state});
    }
  }

  Form form_;
  const OpInfo &info_;
  Function f_;
  OperationCase out_;
  VReg state_{}, copier_{};
};

std::vector<int64_t> vector_immediates(const Isa &isa, Op op, int bytes) {
  const int width = isa.vector_bytes();
  std::vector<int64_t> all;
  const auto up_to = [&](int64_t most) {
    for (int64_t i = 0; i <= most; ++i) all.push_back(i);
    return all;
  };
  switch (op) {
  case Op::kFCompare:
  case Op::kFCompareK: return up_to(31);
  case Op::kICompareK: return up_to(7);
  case Op::kFRound:
  case Op::kPrefetch:
  case Op::kLaneToG:
  case Op::kLaneFromG: return up_to(3);
  case Op::kIShiftLeft:
  case Op::kIShiftRight:
  case Op::kIShiftSigned: return {0, 1, 17, 31};
  case Op::kBlendFixed:
  case Op::kPermuteQuads:
  case Op::kShuffle: return {0, 0x1B, 0xB1, 0xE4, 0xFF, 0x6A};
  case Op::kInsertLane: return {0, 0x10, 0x9A, 0xF4, 0x61};
  case Op::kExtract: return up_to(width / bytes - 1);
  case Op::kInsert: return up_to(bytes / 16 - 1);
  case Op::kInsertHalf: return up_to(1);
  default: return {0};
  }
}

std::vector<int64_t> immediates(const Isa &isa, Op op, int bytes) {
  switch (op) {
  case Op::kGConst: return {0, 1, -1, 1ll << 31, (1ll << 32) - 1, 1ll << 32, -5000000000, INT64_MIN};
  case Op::kGShiftLeft:
  case Op::kGShiftRight:
  case Op::kGShiftSigned: return {0, 1, 3, 31, bytes == 8 ? 63 : 30};
  default: return vector_immediates(isa, op, bytes);
  }
}

bool is_control(Op op) { return op == Op::kArg || op == Op::kLabel || op == Op::kReturn || is_jump(op); }

/// All forms of one operation and width, legal or not.
class Forms {
public:
  Forms(const Isa &isa, Op op, uint8_t bytes, const std::function<void(const Form &)> &visit)
      : isa_(isa), info_(info_of(op)), visit_(visit) {
    form_.op = op;
    form_.bytes = bytes;
  }

  void run() {
    if (info_.immediate == OpInfo::Immediate::kAlways) {
      for (const int64_t i : immediates(isa_, form_.op, form_.bytes)) form_.immediate = i, with_condition();
      return;
    }
    with_condition();
    if (info_.immediate != OpInfo::Immediate::kLast) return;
    form_.has_immediate = true;
    for (const int64_t i : {0ll, 1ll, -1ll, 127ll, 128ll, -129ll, 0x7FFFFFFFll, -0x80000000ll})
      form_.immediate = i, with_condition();
  }

private:
  void with_condition() {
    const int most = form_.op == Op::kGSet ? 7 : 0;
    for (int i = 0; i <= most; ++i) form_.condition = static_cast<Condition>(i), with_memory();
  }
  void with_memory() {
    form_.has_memory = info_.memory != OpInfo::Memory::kNo && info_.memory != OpInfo::Memory::kLast;
    with_mask();
    if (info_.memory != OpInfo::Memory::kLast && form_.op != Op::kFMulAddMem) return;
    if (form_.has_immediate) return;
    form_.has_memory = true;
    with_mask();
    form_.broadcast = true;
    with_mask();
    form_.broadcast = false;
  }
  void with_mask() {
    with_registers();
    form_.has_mask = true;
    with_registers();
    form_.zeroing = true;
    with_registers();
    form_.zeroing = form_.has_mask = false;
  }
  /// All registers with the first immediate and condition; the others with one choice each, in turn.
  void with_registers() {
    const bool is_first =
        seen_.insert({form_.has_immediate, form_.has_memory, form_.broadcast, form_.has_mask, form_.zeroing}).second;
    const size_t first = is_first ? 0 : count_++ % std::size(kSharings);
    for (size_t i = first; i < (is_first ? std::size(kSharings) : first + 1); ++i) {
      form_.sharing = kSharings[i];
      for (form_.turn = 0; form_.turn < kTurns; ++form_.turn) visit_(form_);
    }
  }

  const Isa &isa_;
  const OpInfo &info_;
  const std::function<void(const Form &)> &visit_;
  Form form_;
  std::set<std::array<bool, 5>> seen_;
  size_t count_ = 0;
};

} // namespace

void for_each_case(const Isa &isa, const std::function<void(const OperationCase &)> &visit) {
  // The first of a row of registers tells whether the form is legal.
  bool is_legal = false;
  const auto visit_form = [&](const Form &form) {
    const OperationCase made = CaseBuilder(isa, form).run();
    if (form.turn == 0) is_legal = static_cast<bool>(verify(made.function));
    if (is_legal) visit(made);
  };
  constexpr int kOps = 0
#define SPARKLE_X86_OP(...) +1
#include "targets/x86/ops.def"
#undef SPARKLE_X86_OP
      ;
  for (int i = 0; i < kOps; ++i) {
    const Op op = static_cast<Op>(i);
    if (is_control(op)) continue;
    for (const int bytes : {1, 2, 4, 8, 16, 32, 64}) Forms(isa, op, static_cast<uint8_t>(bytes), visit_form).run();
  }
}

} // namespace sparkle::x86
