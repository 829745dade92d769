#include "targets/x86/optimize.h"

#include <algorithm>

#include "targets/x86/operands.h"

namespace sparkle::x86 {
namespace {

bool starts_block(const std::vector<Inst> &code, size_t i) {
  return i == 0 || code[i].op == Op::kLabel || is_jump(code[i - 1].op);
}

/// Copies in the order of the code. A copy of a register that is written once to another such register holds in the
/// whole function: the copy is on every way to a use, and the write on every way to the copy. Others hold to the end
/// of their block, as long as neither register is written.
class Copies {
public:
  explicit Copies(const Function &function) : known_(function.registers.size()), writes_(function.registers.size(), 0) {
    for (const Inst &inst : function.code) {
      if (is_valid(inst.dst)) ++writes_[index_of(inst.dst)];
    }
  }

  void enter_block() { ++block_; }

  VReg resolve(VReg reg) const {
    const Copy &copy = known_[index_of(reg)];
    if (!is_valid(copy.source)) return reg;
    const bool holds =
        copy.block == kAllBlocks || (copy.block == block_ && copy.version == known_[index_of(copy.source)].writes_seen);
    return holds ? copy.source : reg;
  }

  void write(const Inst &inst) {
    Copy &known = known_[index_of(inst.dst)];
    known.source = kNoId<VReg>;
    ++known.writes_seen;
    if (!is_copy(inst)) return;
    const bool is_single = writes_[index_of(inst.dst)] == 1 && writes_[index_of(inst.src[0])] == 1;
    known.source = inst.src[0];
    known.block = is_single ? kAllBlocks : block_;
    known.version = known_[index_of(inst.src[0])].writes_seen;
  }

private:
  static constexpr uint32_t kAllBlocks = 0;
  struct Copy {
    VReg source = kNoId<VReg>;
    uint32_t block = 0;
    uint32_t version = 0;     ///< writes_seen of the source, as the copy was made.
    uint32_t writes_seen = 0; ///< Of this register, so far.
  };
  std::vector<Copy> known_; ///< By register.
  std::vector<uint32_t> writes_;
  uint32_t block_ = kAllBlocks;
};

/// The register that must stay as it is.
VReg tied_register(const Inst &inst) {
  const int tied = tied_source(inst.op);
  return tied < 0 ? kNoId<VReg> : inst.src[static_cast<size_t>(tied)];
}

} // namespace

void propagate_copies(Function &function) {
  Copies copies(function);
  for (size_t i = 0; i < function.code.size(); ++i) {
    Inst &inst = function.code[i];
    if (starts_block(function.code, i)) copies.enter_block();
    const VReg tied = tied_register(inst);
    for_each_source(inst, [&](VReg &reg) {
      if (reg != tied) reg = copies.resolve(reg);
    });
    const bool changes_nothing = is_copy(inst) && inst.src[0] == inst.dst;
    if (is_valid(inst.dst) && !changes_nothing) copies.write(inst);
  }
  std::erase_if(function.code, [](const Inst &inst) { return is_copy(inst) && inst.src[0] == inst.dst; });
}

namespace {

/// Writes that their block overwrites before anything reads them.
void remove_overwritten(Function &function) {
  std::vector<uint32_t> written_in(function.registers.size(), 0); // the block that writes it further down, unread
  std::vector<uint32_t> overwritten;
  uint32_t block = 1;
  for (size_t i = function.code.size(); i-- > 0;) {
    const Inst &inst = function.code[i];
    if (inst.op == Op::kLabel || is_jump(inst.op)) ++block;
    if (is_valid(inst.dst)) {
      uint32_t &written = written_in[index_of(inst.dst)];
      if (written == block) {
        overwritten.push_back(static_cast<uint32_t>(i));
        continue;
      }
      written = block;
    }
    for_each_read(inst, [&](VReg reg) { written_in[index_of(reg)] = 0; });
  }
  if (overwritten.empty()) return;
  size_t kept = 0;
  for (size_t i = 0; i < function.code.size(); ++i) {
    if (!overwritten.empty() && overwritten.back() == i) {
      overwritten.pop_back();
    } else {
      function.code[kept++] = function.code[i];
    }
  }
  function.code.resize(kept);
}

} // namespace

void remove_dead(Function &function) {
  remove_overwritten(function);
  enum State : uint8_t { kUnseen, kPassed, kNeeded }; // kPassed: written further down, where nothing needed it
  std::vector<State> states(function.registers.size(), kUnseen);
  const auto stays = [&](const Inst &inst) { return has_effect(inst) || states[index_of(inst.dst)] == kNeeded; };
  // Backward, a use comes before the writes it needs but for those behind it in a loop: they take another turn.
  for (bool is_done = false; !is_done;) {
    is_done = true;
    for (size_t i = function.code.size(); i-- > 0;) {
      const Inst &inst = function.code[i];
      if (!stays(inst)) {
        states[index_of(inst.dst)] = kPassed;
        continue;
      }
      for_each_read(inst, [&](VReg reg) {
        is_done &= states[index_of(reg)] != kPassed;
        states[index_of(reg)] = kNeeded;
      });
    }
  }
  std::erase_if(function.code, [&](const Inst &inst) { return !stays(inst); });
}

void optimize(Function &function) {
  propagate_copies(function);
  if (share_results(function)) propagate_copies(function);
  // What is dead reads no longer, so that more loads have one use alone.
  remove_dead(function);
  fold_loads(function);
}

} // namespace sparkle::x86
