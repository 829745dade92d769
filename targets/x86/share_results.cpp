#include <algorithm>
#include <unordered_map>

#include "targets/x86/operands.h"
#include "targets/x86/optimize.h"

namespace sparkle::x86 {
namespace {

/// Further back it is computed again: keeping it takes a register for as long.
constexpr size_t kMostInstructionsKept = 128;

struct Source {
  VReg reg = kNoId<VReg>;
  uint32_t version = 0;
  bool operator==(const Source &) const = default;
};

/// What the result of an instruction depends on.
struct Computation {
  Op op{};
  uint8_t bytes = 0;
  Condition condition{};
  bool has_immediate = false, broadcast = false, zeroing = false;
  int64_t immediate = 0;
  Address memory;
  std::array<Source, 4> sources; ///< The last one: the mask.
  uint32_t block = 0;
  bool operator==(const Computation &) const = default;
};

struct Hash {
  size_t operator()(const Computation &key) const {
    size_t hash = static_cast<size_t>(key.op) * 64 + key.bytes;
    const auto mix = [&](uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15u; };
    mix(static_cast<uint64_t>(key.immediate) + key.block);
    mix(static_cast<uint64_t>(key.memory.displacement));
    for (const Source &source : key.sources) mix(uint64_t{index_of(source.reg)} << 32 | source.version);
    return hash ^ hash >> 32;
  }
};

/// Of one write, from registers or the pool. What has no source is a constant: there once anyway, or cheap.
bool is_pure(const Inst &inst) {
  const bool is_known_place = inst.memory.kind == Address::Kind::kNone || inst.memory.kind == Address::Kind::kPool;
  return is_valid(inst.dst) && is_valid(inst.src[0]) && is_known_place && !is_merging(inst) && !is_copy(inst) &&
         tied_source(inst.op) < 0;
}

class Sharer {
public:
  explicit Sharer(Function &function)
      : function_(function), writes_(function.registers.size()), seen_(function.registers.size()),
        same_(function.registers.size(), kNoId<VReg>) {
    for (const Inst &inst : function.code)
      if (is_valid(inst.dst)) ++writes_[index_of(inst.dst)];
  }

  bool run();

private:
  struct Known {
    VReg reg;
    size_t last; ///< Instruction that made or took it last.
  };
  Source source(VReg reg) const {
    if (!is_valid(reg)) return {};
    const VReg first = is_valid(same_[index_of(reg)]) ? same_[index_of(reg)] : reg;
    return {first, seen_[index_of(first)]};
  }
  bool share(size_t i, uint32_t block);

  Function &function_;
  std::vector<uint32_t> writes_, seen_; ///< By register: all, and so far.
  std::vector<VReg> same_;              ///< By register: the one that it is a copy of now.
  std::unordered_map<Computation, Known, Hash> known_;
};

bool Sharer::share(size_t i, uint32_t block) {
  Inst &inst = function_.code[i];
  Computation key{
      inst.op,     inst.bytes, inst.condition, inst.has_immediate, inst.broadcast, inst.zeroing, inst.immediate,
      inst.memory, {},         block};
  for (size_t s = 0; s < 3; ++s) key.sources[s] = source(inst.src[s]);
  key.sources[3] = source(inst.mask);
  const auto [found, is_new] = known_.try_emplace(key, Known{inst.dst, i});
  if (is_new) return false;
  Known &known = found->second;
  if (i - known.last > kMostInstructionsKept) {
    known = {inst.dst, i};
    return false;
  }
  known.last = i;
  same_[index_of(inst.dst)] = known.reg;
  Inst copy;
  copy.line = inst.line;
  copy.dst = inst.dst;
  copy.src[0] = known.reg;
  const RegClass reg_class = function_.registers[inst.dst];
  copy.op = reg_class == RegClass::kGeneral ? Op::kGMove : reg_class == RegClass::kMask ? Op::kKMove : Op::kVMove;
  copy.bytes = reg_class == RegClass::kVector ? std::max<uint8_t>(inst.bytes, 16) : 8;
  inst = copy;
  return true;
}

bool Sharer::run() {
  bool has_shared = false;
  uint32_t block = 0; // What stands in front of a conditional jump holds behind it.
  for (size_t i = 0; i < function_.code.size(); ++i) {
    const Inst &inst = function_.code[i];
    block += inst.op == Op::kLabel;
    const VReg dst = inst.dst;
    if (is_pure(inst) && writes_[index_of(dst)] == 1) has_shared |= share(i, block);
    if (is_valid(dst)) ++seen_[index_of(dst)];
  }
  return has_shared;
}

} // namespace

bool share_results(Function &function) { return Sharer(function).run(); }

} // namespace sparkle::x86
