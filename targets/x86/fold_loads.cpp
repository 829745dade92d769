#include <algorithm>

#include "targets/x86/memory_operand.h"
#include "targets/x86/operands.h"
#include "targets/x86/optimize.h"

namespace sparkle::x86 {
namespace {

/// More than stand between a load and its use; older ones stay as they are.
constexpr size_t kMaxWaiting = 64;

bool is_foldable_load(const Inst &inst) {
  const bool is_load = inst.op == Op::kVLoad || inst.op == Op::kVBroadcast || inst.op == Op::kGLoad;
  return is_load && !is_valid(inst.mask);
}

class Folder {
public:
  explicit Folder(Function &function)
      : function_(function), uses_(function.registers.size()), is_gone_(function.code.size(), 0) {
    for (const Inst &inst : function.code) {
      for_each_read(inst, [&](VReg reg) { ++uses_[index_of(reg)].reads; });
      if (is_valid(inst.dst)) ++uses_[index_of(inst.dst)].writes;
    }
  }

  void run();

private:
  struct Uses {
    uint32_t reads = 0;
    uint32_t writes = 0;
    uint32_t writes_seen = 0;
    bool is_waiting = false;
  };
  struct Waiting {
    uint32_t load; ///< Number of the instruction.
    VReg reg;
    uint32_t base_version, index_version;
  };
  uint32_t version(VReg reg) const { return is_valid(reg) ? uses_[index_of(reg)].writes_seen : 0; }
  bool is_unchanged(const Waiting &waiting) const {
    const Address &memory = function_.code[waiting.load].memory;
    return memory.kind != Address::Kind::kRegisters ||
           (waiting.base_version == version(memory.base) && waiting.index_version == version(memory.index));
  }
  bool may_write(const Inst &store, const Waiting &waiting) const;
  void wait(uint32_t number);
  void try_fold(Inst &inst, VReg reg);

  Function &function_;
  std::vector<Uses> uses_; ///< By register.
  std::vector<uint8_t> is_gone_;
  std::vector<Waiting> waiting_;
};

/// Apart for sure: what is never written, other kinds of place, and two places beside each other.
bool Folder::may_write(const Inst &store, const Waiting &waiting) const {
  const Inst &load = function_.code[waiting.load];
  const Address &a = store.memory, &b = load.memory;
  if (a.kind != b.kind || b.is_constant) return false;
  if (a.kind == Address::Kind::kFrame) return a.number == b.number;
  const bool is_beside =
      a.base == b.base && a.index == b.index && a.scale == b.scale && is_unchanged(waiting) && store.op != Op::kScatter;
  const int64_t distance = int64_t{a.displacement} - b.displacement;
  const int load_bytes = load.op == Op::kVBroadcast ? 4 : load.bytes;
  return !is_beside || (distance < load_bytes && -distance < store.bytes);
}

void Folder::wait(uint32_t number) {
  const Inst &load = function_.code[number];
  Uses &uses = uses_[index_of(load.dst)];
  if (uses.reads != 1 || uses.writes != 1 || waiting_.size() == kMaxWaiting) return;
  uses.is_waiting = true;
  waiting_.push_back({number, load.dst, version(load.memory.base), version(load.memory.index)});
}

/// The one use of a load, folded or not: it waits no longer.
void Folder::try_fold(Inst &inst, VReg reg) {
  if (!is_valid(reg) || !uses_[index_of(reg)].is_waiting) return;
  uses_[index_of(reg)].is_waiting = false;
  const auto found =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting &waiting) { return waiting.reg == reg; });
  if (found == waiting_.end()) return;
  const Waiting waiting = *found;
  waiting_.erase(found);
  if (!is_unchanged(waiting)) return;
  const Inst &load = function_.code[waiting.load];
  const Folded folded{load.memory, load.bytes, load.op == Op::kVBroadcast};
  const std::optional<Inst> with = with_memory(inst, reg, folded, function_.isa);
  if (!with) return;
  inst = *with;
  is_gone_[waiting.load] = 1;
}

void Folder::run() {
  for (uint32_t i = 0; i < function_.code.size(); ++i) {
    Inst &inst = function_.code[i];
    if (inst.op == Op::kLabel || is_jump(inst.op)) waiting_.clear();
    const std::array<VReg, 3> sources = inst.src;
    for (size_t s = 3; s-- > 0;) try_fold(inst, sources[s]);
    if (!is_valid(inst.dst) && info_of(inst.op).memory == OpInfo::Memory::kStore) {
      std::erase_if(waiting_, [&](const Waiting &waiting) { return may_write(inst, waiting); });
    }
    if (is_valid(inst.dst)) ++uses_[index_of(inst.dst)].writes_seen;
    if (is_foldable_load(inst)) wait(i);
  }
  size_t kept = 0;
  for (size_t i = 0; i < function_.code.size(); ++i) {
    if (is_gone_[i] == 0) function_.code[kept++] = function_.code[i];
  }
  function_.code.resize(kept);
}

} // namespace

void fold_loads(Function &function) { Folder(function).run(); }

} // namespace sparkle::x86
