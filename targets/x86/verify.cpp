#include "targets/x86/verify.h"

#include <algorithm>

#include "targets/x86/liveness.h"
#include "targets/x86/memory_operand.h"
#include "targets/x86/operands.h"
#include "targets/x86/text.h"

namespace sparkle::x86 {
namespace {

using Kind = Address::Kind;

/// Numbers of bytes that an operation may name; each is a bit of its own.
enum Bytes : uint8_t {
  k1 = 1,
  k2 = 2,
  k4 = 4,
  k8 = 8,
  k16 = 16,
  k32 = 32,
  k64 = 64,
  kGeneralBytes = k4 | k8,
  kWholeVectors = k16 | k32 | k64,
  kVectorBytes = k4 | kWholeVectors,
  kAny = 0, ///< `bytes` says nothing.
};

Bytes operator|(Bytes a, Bytes b) { return static_cast<Bytes>(+a | +b); }

Bytes general_bytes(Op op) {
  switch (op) {
  case Op::kGLoad:
  case Op::kGStore: return k1 | k2 | k4 | k8;
  case Op::kGLoadSigned: return k1 | k2 | k4;
  case Op::kArg:
  case Op::kGConst:
  case Op::kGAddress:
  case Op::kGSignExtend: return kAny;
  case Op::kLaneToG: return k4;
  case Op::kSignsToG: return k16 | k32;
  default: return kGeneralBytes;
  }
}

Bytes bytes_of(Op op) {
  switch (op) {
  case Op::kLabel:
  case Op::kJump:
  case Op::kReturn:
  case Op::kStoreFence:
  case Op::kPrefetch:
  case Op::kKFromG:
  case Op::kKToG:
  case Op::kKMove:
  case Op::kKAnd:
  case Op::kKOr:
  case Op::kKXor:
  case Op::kKNot:
  case Op::kKLoad:
  case Op::kKStore: return kAny;
  case Op::kVLoad:
  case Op::kVStore: return kVectorBytes | k8;
  case Op::kVFromG:
  case Op::kGToF: return kGeneralBytes;
  case Op::kLaneFromG:
  case Op::kInsertLane: return k16;
  case Op::kExtract: return k16 | k32;
  case Op::kPermute:
  case Op::kInsert: return k32 | k64;
  case Op::kInsertHalf: return k64;
  case Op::kBlendFixed: return k4 | k16 | k32;
  case Op::kVStream:
  case Op::kVLoadH:
  case Op::kVLoadU8:
  case Op::kVLoadS8:
  case Op::kVLoadU16:
  case Op::kVStoreBytes:
  case Op::kVStoreWords:
  case Op::kGather:
  case Op::kScatter: return kWholeVectors;
  default: break;
  }
  const OpInfo &info = info_of(op);
  const bool is_general = info.dst == Operand::kG || (info.dst == Operand::kNone && info.src[0] == Operand::kG);
  return is_general ? general_bytes(op) : kVectorBytes;
}

bool may_have_mask(Op op, bool has_masks) {
  switch (op) {
  case Op::kVLoad:
  case Op::kVStore: return true;
  case Op::kVMove:
  case Op::kVLoadH:
  case Op::kVLoadU8:
  case Op::kVLoadS8:
  case Op::kVLoadU16:
  case Op::kVStoreBytes:
  case Op::kVStoreWords:
  case Op::kFMulAddK:
  case Op::kGather:
  case Op::kScatter: return has_masks;
  default: return false;
  }
}

/// The rules of one instruction; each function says the rule that is broken, or nothing.
class InstRules {
public:
  InstRules(const Function &function, const Inst &inst)
      : function_(function), inst_(inst), info_(info_of(inst.op)), has_masks_(function.isa.has_masks()) {}

  std::string_view broken() const {
    for (const auto rule : {&InstRules::family, &InstRules::result, &InstRules::sources, &InstRules::bytes,
                            &InstRules::mask, &InstRules::memory, &InstRules::address, &InstRules::rest}) {
      if (const std::string_view text = (this->*rule)(); !text.empty()) return text;
    }
    return {};
  }

private:
  bool is(VReg id, Operand operand) const {
    if (!is_valid(id)) return operand == Operand::kNone;
    if (!function_.registers.contains(id)) return false;
    return static_cast<int>(function_.registers[id]) + 1 == static_cast<int>(operand);
  }
  std::string_view family() const;
  std::string_view result() const;
  std::string_view sources() const;
  std::string_view bytes() const;
  std::string_view mask() const;
  std::string_view memory() const;
  std::string_view address() const;
  std::string_view rest() const;

  const Function &function_;
  const Inst &inst_;
  const OpInfo &info_;
  bool has_masks_;
};

std::string_view InstRules::family() const {
  if (info_.needs == OpInfo::Needs::kAvx512 && !has_masks_) return "the operation is of avx512";
  if (inst_.broadcast && !has_masks_) return "broadcast of a memory operand is of avx512";
  if (inst_.op == Op::kDotBytes && !function_.isa.vnni) return "the operation needs vnni";
  return {};
}

std::string_view InstRules::result() const {
  if (!is(inst_.dst, info_.dst)) return "the result is of another class";
  const int tied = tied_source(inst_.op);
  if (tied >= 0 && inst_.src[static_cast<size_t>(tied)] != inst_.dst) return "the result is the register of its source";
  return {};
}

std::string_view InstRules::sources() const {
  const int last = last_source(info_);
  const bool is_replaced = (info_.memory == OpInfo::Memory::kLast && inst_.memory.kind != Kind::kNone) ||
                           (info_.immediate == OpInfo::Immediate::kLast && inst_.has_immediate);
  for (int i = 0; i < 3; ++i) {
    const Operand wanted = is_replaced && i == last ? Operand::kNone : info_.src[static_cast<size_t>(i)];
    if (!is(inst_.src[static_cast<size_t>(i)], wanted)) return "a source is missing, too many or of another class";
  }
  return {};
}

std::string_view InstRules::bytes() const {
  const Bytes allowed = bytes_of(inst_.op);
  if (allowed == kAny) return {};
  const bool is_power = inst_.bytes != 0 && (inst_.bytes & (inst_.bytes - 1)) == 0;
  if (!is_power || (inst_.bytes & allowed) == 0) return "the operation has no form of so many bytes";
  if (inst_.bytes > function_.isa.vector_bytes()) return "vectors of the family are smaller";
  return {};
}

std::string_view InstRules::mask() const {
  const bool is_indexed = inst_.op == Op::kGather || inst_.op == Op::kScatter;
  if (!is_valid(inst_.mask)) {
    if (is_indexed) return "gathers and scatters have a mask";
    if (inst_.op == Op::kFMulAddK) return "the operation has a mask";
    return inst_.zeroing ? "zeroing says something of a mask alone" : std::string_view();
  }
  if (!may_have_mask(inst_.op, has_masks_)) return "the operation has no mask";
  if (!is(inst_.mask, has_masks_ ? Operand::kK : Operand::kV)) return "the mask is of another class";
  const bool keeps = !is_valid(inst_.dst) || is_indexed;
  if (keeps && inst_.zeroing) return "stores and gathers do not zero";
  if (inst_.op == Op::kFMulAddK && inst_.zeroing) return "lanes outside the mask keep the third source";
  if (!has_masks_ && !keeps && !inst_.zeroing) return "masked loads of avx2 zero";
  if (inst_.bytes < 16) return "masked operations have 16 bytes or more";
  return {};
}

std::string_view InstRules::memory() const {
  const bool has_memory = inst_.memory.kind != Kind::kNone;
  const bool is_needed = info_.memory != OpInfo::Memory::kNo && info_.memory != OpInfo::Memory::kLast;
  if (is_needed && !has_memory) return "the memory operand is missing";
  if (has_memory && info_.memory == OpInfo::Memory::kNo) return "the operation has no memory operand";
  const bool is_vector = info_.dst == Operand::kV || info_.src[0] == Operand::kV;
  const bool may_stand_in = inst_.bytes != 4 || !is_vector || has_scalar_form(inst_.op);
  if (has_memory && !is_needed && !may_stand_in) return "with 4 bytes the operation has no memory operand";
  if (inst_.broadcast && !has_memory) return "broadcast says something of a memory operand alone";
  if (inst_.broadcast && !may_broadcast(inst_.op, inst_.bytes))
    return "the operation has no broadcast of its memory operand";
  if (info_.memory == OpInfo::Memory::kStore && inst_.memory.kind == Kind::kPool) return "the pool is not written";
  return {};
}

std::string_view InstRules::address() const {
  const Address &address = inst_.memory;
  const bool is_indexed = inst_.op == Op::kGather || inst_.op == Op::kScatter;
  if (address.kind != Kind::kRegisters) {
    if (is_indexed) return "the index of gathers and scatters is a vector";
    if (address.kind == Kind::kFrame && address.number >= function_.frame_slots) return "the frame has no such slot";
    const int64_t size = static_cast<int64_t>(function_.pool.size());
    if (address.kind != Kind::kPool) return {};
    return address.displacement < 0 || address.displacement >= size ? "the place is outside the pool"
                                                                    : std::string_view();
  }
  if (is_valid(address.base) && !is(address.base, Operand::kG)) return "the base of an address is general";
  if (is_indexed) {
    return is(address.index, Operand::kV) ? std::string_view() : "the index of gathers and scatters is a vector";
  }
  if (is_valid(address.index) && !is(address.index, Operand::kG)) return "the index of an address is general";
  if (address.scale == 0 || address.scale > 8 || (address.scale & (address.scale - 1)) != 0) return "no such scale";
  return {};
}

std::string_view InstRules::rest() const {
  if (inst_.has_immediate && info_.immediate == OpInfo::Immediate::kNo) return "the operation has no immediate";
  const bool has_label = inst_.op == Op::kLabel || is_jump(inst_.op);
  if (has_label != is_valid(inst_.label)) return has_label ? "the label is missing" : "the operation has no label";
  if (has_label && index_of(inst_.label) >= function_.labels) return "the function has no such label";
  if (inst_.op == Op::kArg && (inst_.immediate < 0 || inst_.immediate > 3)) return "there are four arguments";
  return {};
}

Error broken(const Function &function, size_t number, std::string_view rule) {
  return {ErrorCode::kInternal, "instruction " + std::to_string(number) + " `" +
                                    to_text(function.code[number], function) + "`: " + std::string(rule)};
}

/// Labels, the first instructions and the last one.
Status verify_order(const Function &function) {
  std::vector<bool> is_placed(function.labels, false);
  int64_t last_arg = -1;
  for (size_t i = 0; i < function.code.size(); ++i) {
    const Inst &inst = function.code[i];
    if (inst.op == Op::kLabel) {
      if (is_placed[index_of(inst.label)]) return broken(function, i, "a label is placed once");
      is_placed[index_of(inst.label)] = true;
    }
    if ((inst.op == Op::kReturn) != (i + 1 == function.code.size())) {
      return broken(function, i, "`ret` is the last instruction, and nothing else is");
    }
    if (inst.op != Op::kArg) continue;
    if (i > 0 && function.code[i - 1].op != Op::kArg) return broken(function, i, "arguments come first");
    if (inst.immediate <= last_arg) return broken(function, i, "arguments come in order");
    last_arg = inst.immediate;
  }
  for (size_t i = 0; i < function.code.size(); ++i) {
    const Inst &inst = function.code[i];
    if (is_jump(inst.op) && !is_placed[index_of(inst.label)]) return broken(function, i, "the label is placed nowhere");
  }
  return ok();
}

/// What is live at the start is read somewhere before it was written.
Status verify_writes(const Function &function) {
  const Liveness liveness(function);
  const FlowGraph &graph = liveness.graph();
  const std::vector<VReg> missing = liveness.live_in(0);
  if (missing.empty()) return ok();
  const VReg first = missing.front();
  for (size_t block = 0; block < graph.blocks.size(); ++block) {
    const std::vector<VReg> live = liveness.live_in(block);
    if (std::find(live.begin(), live.end(), first) == live.end()) continue;
    for (uint32_t i = graph.blocks[block].first; i < graph.blocks[block].end; ++i) {
      bool is_read = false;
      for_each_read(function.code[i], [&](VReg read) { is_read |= read == first; });
      if (is_read) return broken(function, i, "a register is read that not every way here has written");
      if (function.code[i].dst == first) break;
    }
  }
  return Error{ErrorCode::kInternal, "a register is live at the start"};
}

} // namespace

Status verify(const Function &function) {
  if (function.code.empty()) return Error{ErrorCode::kInternal, "a function ends with `ret`"};
  for (size_t i = 0; i < function.code.size(); ++i) {
    const std::string_view rule = InstRules(function, function.code[i]).broken();
    if (!rule.empty()) return broken(function, i, rule);
  }
  SPARKLE_TRY_STATUS(verify_order(function));
  return verify_writes(function);
}

} // namespace sparkle::x86
