#include "targets/x86/linear_scan.h"

#include <algorithm>

#include "targets/x86/memory_operand.h"

namespace sparkle::x86 {
namespace {

constexpr size_t kClasses = 3;
constexpr uint8_t kNone = 0xFF;

/// Registers of the machine that are handed out, best first: what callers save, then what this function must save.
/// Vectors above 15 have longer encodings. Of the others, rsp as base needs one more byte, like r12; rbp and r13 too.
std::vector<uint8_t> machine_registers(RegClass reg_class, const Function &function) {
  if (reg_class == RegClass::kMask) return {2, 3, 4, 5, 6, 7};
  if (reg_class == RegClass::kVector) {
    std::vector<uint8_t> all(static_cast<size_t>(function.isa.vector_registers()));
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
    return all;
  }
  const bool divides = std::any_of(function.code.begin(), function.code.end(),
                                   [](const Inst &inst) { return inst.op == Op::kGDiv || inst.op == Op::kGMod; });
  std::vector<uint8_t> all = {1, 6, 7, 8, 9, 10, 11, 2, 3, 14, 15, 5, 13, 12};
  if (divides) all.erase(std::find(all.begin(), all.end(), 2));
  return all;
}

/// Machine instructions that overwrite a source need no move where that is the result's register.
std::array<VReg, 2> hints_of(const Inst &inst) {
  switch (inst.op) {
  case Op::kFMulAdd:
  case Op::kFNegMulAdd: return {inst.src[2], inst.src[0]};
  case Op::kFMulAddMem: return {inst.src[1], inst.src[0]};
  case Op::kGSelect: return {inst.src[2], inst.src[1]};
  case Op::kGMin:
  case Op::kGMax: return {inst.src[0], inst.src[1]};
  case Op::kGMove:
  case Op::kVMove:
  case Op::kKMove: return {inst.src[0], kNoId<VReg>};
  default: break;
  }
  const OpInfo &info = info_of(inst.op);
  if (info.dst != Operand::kG || info.src[0] != Operand::kG) return {kNoId<VReg>, kNoId<VReg>};
  return {inst.src[0], is_commutative(inst.op) ? inst.src[1] : kNoId<VReg>};
}

/// Ranges by a point of theirs; a counting sort.
template <class Point> std::vector<uint32_t> sorted(const LiveRanges &ranges, uint32_t points, Point &&point) {
  std::vector<uint32_t> at(points + 1, 0);
  for (const LiveRange &range : ranges) {
    if (range.first != LiveRange::kNever) ++at[point(range) + 1];
  }
  for (size_t i = 1; i < at.size(); ++i) at[i] += at[i - 1];
  std::vector<uint32_t> order(at.back());
  for (uint32_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].first != LiveRange::kNever) order[at[point(ranges[i])]++] = i;
  }
  return order;
}

/// Registers of one class, by their number in the order of machine_registers().
struct File {
  std::vector<uint8_t> machine;
  std::array<uint8_t, 32> number_of{}; ///< By number of the machine; kNone: not handed out.
  uint32_t free = 0;
  std::array<uint32_t, 32> holder{}; ///< The range; valid where not free.
};

class Scanner {
public:
  Scanner(const Function &function, const LiveRanges &ranges, const std::vector<float> &cost)
      : function_(function), ranges_(ranges), cost_(cost), taken_(ranges.size(), kNone) {
    for (size_t c = 0; c < kClasses; ++c) {
      File &file = files_[c];
      file.machine = machine_registers(static_cast<RegClass>(c), function);
      file.number_of.fill(kNone);
      for (uint8_t i = 0; i < file.machine.size(); ++i) file.number_of[file.machine[i]] = i;
      file.free = static_cast<uint32_t>((uint64_t{1} << file.machine.size()) - 1);
    }
  }
  Scan run();

private:
  File &file_of(uint32_t range) { return files_[static_cast<size_t>(function_.registers[static_cast<VReg>(range)])]; }
  void free_before(uint32_t point);
  void place(uint32_t range);
  static uint8_t if_free(const File &file, uint8_t number) {
    return number != kNone && (file.free >> number & 1) != 0 ? number : kNone;
  }
  uint8_t choose(const File &file, uint32_t range) const;
  uint8_t hinted(const File &file, VReg hint) const;
  void make_room(File &file, uint32_t range);
  void take(File &file, uint8_t number, uint32_t range) {
    file.free &= ~(uint32_t{1} << number);
    file.holder[number] = range;
    taken_[range] = number;
  }

  const Function &function_;
  const LiveRanges &ranges_;
  const std::vector<float> &cost_;
  std::array<File, kClasses> files_;
  std::vector<uint8_t> taken_; ///< By range: the number in its file.
  std::vector<uint32_t> by_last_;
  size_t freed_ = 0; ///< Of by_last_.
  std::vector<VReg> spilled_;
};

void Scanner::free_before(uint32_t point) {
  for (; freed_ < by_last_.size() && ranges_[by_last_[freed_]].last < point; ++freed_) {
    const uint32_t range = by_last_[freed_];
    if (taken_[range] == kNone) continue;
    File &file = file_of(range);
    if (file.holder[taken_[range]] == range) file.free |= uint32_t{1} << taken_[range];
  }
}

uint8_t Scanner::hinted(const File &file, VReg hint) const {
  return is_valid(hint) && taken_[index_of(hint)] != kNone ? if_free(file, taken_[index_of(hint)]) : kNone;
}

uint8_t Scanner::choose(const File &file, uint32_t range) const {
  const Inst &writer = function_.code[ranges_[range].first / 2];
  if (writer.op == Op::kArg) {
    constexpr uint8_t kMachine[] = {7, 6, 2, 1}; // rdi, rsi, rdx, rcx
    const uint8_t number = if_free(file, file.number_of[kMachine[writer.immediate & 3]]);
    if (number != kNone) return number;
  } else if (index_of(writer.dst) == range) {
    for (const VReg hint : hints_of(writer)) {
      if (const uint8_t number = hinted(file, hint); number != kNone) return number;
    }
  }
  return static_cast<uint8_t>(__builtin_ctz(file.free));
}

/// Spills the cheapest of `range` and those that hold a register of its class here.
void Scanner::make_room(File &file, uint32_t range) {
  uint32_t cheapest = range;
  for (size_t i = 0; i < file.machine.size(); ++i) {
    if (cost_[file.holder[i]] < cost_[cheapest]) cheapest = file.holder[i];
  }
  SPARKLE_CHECK(cost_[cheapest] != kUnspillable, "more operands than registers");
  spilled_.push_back(static_cast<VReg>(cheapest));
  if (cheapest == range) return;
  take(file, taken_[cheapest], range);
}

void Scanner::place(uint32_t range) {
  File &file = file_of(range);
  if (file.free == 0) return make_room(file, range);
  take(file, choose(file, range), range);
}

Scan Scanner::run() {
  const auto points = static_cast<uint32_t>(2 * function_.code.size());
  by_last_ = sorted(ranges_, points, [](const LiveRange &range) { return range.last; });
  for (const uint32_t range : sorted(ranges_, points, [](const LiveRange &range) { return range.first; })) {
    free_before(ranges_[range].first);
    place(range);
  }
  Scan scan;
  for (uint32_t i = 0; i < ranges_.size(); ++i) {
    const uint8_t number = taken_[i];
    scan.registers.add(number == kNone ? uint8_t{0} : file_of(i).machine[number]);
  }
  scan.spilled = std::move(spilled_);
  return scan;
}

} // namespace

Scan linear_scan(const Function &function, const LiveRanges &ranges, const std::vector<float> &cost) {
  return Scanner(function, ranges, cost).run();
}

} // namespace sparkle::x86
